"""The licence of each document, of what a column says."""

import pyarrow as pa

from refinery.filters.licence import Licence
from refinery.text.batch import TextBatch


def test_a_row_a_value():
    """SPDX, NULL where nothing is said; the column is the only setting."""
    texts = TextBatch.from_arrow(pa.array(["cc0", "", "house", "cc0"]))
    found = Licence("rights")(texts)
    assert found.schema == Licence("rights").schema
    assert found["licence"].to_pylist() == ["CC0-1.0", None, "LicenseRef-house", "CC0-1.0"]
    assert Licence("rights").settings == {"column": "rights"}
    assert Licence("rights")(TextBatch.from_texts([])).num_rows == 0
