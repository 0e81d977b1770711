"""What SQL over the columns of a table reads."""

import pyarrow as pa
import pytest

from refinery.api.sql import read_columns
from tests.api.tables import KINDS, in_form


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_read_is_taken(kind):
    """With its type; of the others the names; where nothing is read one column tells the rows."""
    frame = in_form(kind, {"a": [1, 2], "b": ["x", "y"], "c": [1.0, 2.0]})
    table, types = read_columns(frame, ["c > 1 OR d = 3", "no SQL ("])
    assert table.to_pydict() == {"c": [1.0, 2.0]}
    assert types == {"a": None, "b": None, "c": pa.float64()}
    assert read_columns(frame, [])[0].to_pydict() == {"a": [1, 2]}
