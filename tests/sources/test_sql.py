import pyarrow as pa
import pytest

from refinery.errors import DefinitionError, InputError
from refinery.sources.sql import is_true, parse


def test_a_number_with_a_point_is_a_float():
    """Of which a division by zero is infinite."""
    assert is_true("n / 0.0 > 5", {"n": pa.array([1, 0])}).tolist() == [True, True]


def test_what_is_no_sql_is_told():
    """With the text as it was written."""
    with pytest.raises(DefinitionError, match=r"not a SQL expression.*: n > 0.5 \("):
        parse("n > 0.5 (")


def test_null_is_not_true():
    """Nor is false."""
    columns = {"n": pa.array([1, None, 3]), "s": pa.chunked_array([["a"], ["b", None]])}
    assert is_true("n > 1 OR s = 'b'", columns).tolist() == [False, True, True]


def test_values_that_break_a_condition_are_an_error():
    """Not a traceback."""
    with pytest.raises(InputError, match="where: s > 1: cannot be judged"):
        is_true("s > 1", {"s": pa.array(["a"])})
