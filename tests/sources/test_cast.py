import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.cast import cast
from refinery.sources.types import TYPES

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")
    | st.from_regex(r"\A[+-]?[0-9]{1,20}(\.0)?\Z")
)


def as_int(text: str) -> int | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    plain = set(text) <= set("+-0123456789.") and not text.startswith(".")
    fits = plain and number == int(number) and -(2**63) <= number < 2**63
    return int(number) if fits else None


def as_date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@given(st.lists(VALUES, max_size=8))
def test_values_of_json_go_by_their_text(values):
    """As Python reads them one by one; what does not fit is NULL and pointed out, nothing else is."""
    texts = pa.array([None if v is None else json.dumps(v) for v in values], pa.large_string())
    for name, oracle in (("int", as_int), ("string", str)):
        found, misfits = cast(texts, name, from_json=True)
        said = [None if v is None else written(v) for v in values]
        expected = [None if s is None else oracle(s if name == "string" else s.strip()) for s in said]
        assert found.type == TYPES[name]
        assert found.to_pylist() == expected
        blank = [s is None or (name != "string" and not s.strip()) for s in said]
        assert misfits.tolist() == [e is None and not b for e, b in zip(expected, blank, strict=True)]


@given(st.lists(st.from_regex(r"\A[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}\Z")))
def test_dates_are_those_of_the_calendar(texts):
    """Others do not fit."""
    found, misfits = cast(pa.array(texts, pa.string()), "date")
    assert found.to_pylist() == [as_date(text) for text in texts]
    assert misfits.tolist() == [as_date(text) is None for text in texts]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-05-01", "2020-05-01T00:00:00"),
        ("2020/5/1", "2020-05-01T00:00:00"),
        ("2020.05", "2020-05-01T00:00:00"),
        ("2020", "2020-01-01T00:00:00"),
        ("20200501", "2020-05-01T00:00:00"),
        ("2020年5月1日", "2020-05-01T00:00:00"),
        ("2020年", "2020-01-01T00:00:00"),
        ("2020-05-01T10:30:00Z", "2020-05-01T10:30:00"),
        ("2020-05-01 10:30", "2020-05-01T10:30:00"),
        ("2020-05-01T10:30:00.1234567+02:00", "2020-05-01T08:30:00.123456"),
        (" 2020-05-01T00:30:00+0200 ", "2020-04-30T22:30:00"),
        ("1 May 2020", None),
        ("2020-13-01", None),
        ("2020-05-01T25:00", None),
        ("2020-05-01x", None),
    ],
)
def test_times_and_dates_as_they_are_written(text, moment):
    """A date is the one that is written, whatever the zone; a time becomes UTC."""
    found, misfits = cast(pa.array([text]), "timestamp")
    expected = None if moment is None else dt.datetime.fromisoformat(moment)
    assert (found.to_pylist(), misfits.tolist()) == ([expected], [expected is None])
    if moment and "+" not in text:
        assert cast(pa.array([text]), "date")[0].to_pylist() == [expected.date()]


@pytest.mark.parametrize(
    ("value", "kind", "name", "expected"),
    [
        (7, pa.int8(), "int", 7),
        (7.0, pa.float32(), "int", 7),
        (7.5, pa.float64(), "int", None),
        (2**64 - 1, pa.uint64(), "int", None),
        (Decimal("7.50"), pa.decimal128(9, 2), "float", 7.5),
        (Decimal("7.00"), pa.decimal128(9, 2), "int", 7),
        (True, pa.bool_(), "int", None),
        (1, pa.int64(), "bool", True),
        (2, pa.int64(), "bool", None),
        ("TRUE", pa.string(), "bool", True),
        (dt.datetime(2020, 5, 1, 23), pa.timestamp("ns"), "date", dt.date(2020, 5, 1)),
        (dt.datetime(2020, 5, 1, 23), pa.timestamp("s"), "timestamp", dt.datetime(2020, 5, 1, 23)),
        (dt.date(2020, 5, 1), pa.date32(), "timestamp", dt.datetime(2020, 5, 1)),
        (20200501, pa.int64(), "date", dt.date(2020, 5, 1)),
        (["a", "b"], pa.list_(pa.string()), "string", '["a","b"]'),
        (["a", "b"], pa.list_(pa.string()), "int", None),
        ("2020", pa.string(), "string", "2020"),
        (None, pa.null(), "date", None),
        ("", pa.string(), "string", ""),
    ],
)
def test_values_of_arrow(value, kind, name, expected):
    """Of a type that is read as another."""
    found, misfits = cast(pa.array([value, None], kind), name)
    assert (found.type, found.to_pylist()) == (TYPES[name], [expected, None])
    assert misfits.tolist() == [expected is None and value is not None, False]
