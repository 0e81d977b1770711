"""The licence of each document, of what a column says."""

from importlib.metadata import version

import pyarrow as pa

from refinery.filters.licence import Licence
from refinery.text.batch import TextBatch


def test_a_row_a_value():
    """SPDX, NULL where nothing is said; the settings are the column and whose list of SPDX is used."""
    texts = TextBatch.from_arrow(pa.array(["cc0", "", "house", "cc0"]))
    found = Licence("rights")(texts)
    assert found.schema == Licence("rights").schema
    assert found["licence"].to_pylist() == ["CC0-1.0", None, "LicenseRef-house", "CC0-1.0"]
    settings = {"column": "rights", "license_expression": version("license-expression")}
    assert Licence("rights").settings == settings
    assert Licence("rights")(TextBatch.from_texts([])).num_rows == 0
