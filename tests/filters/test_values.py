"""Values of columns as texts of one form."""

import datetime as dt
import json
import math
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.filters.values import is_plain, value_texts
from refinery.storage.marks import json_text


def texts(values: list[object], kind: pa.DataType) -> list[str | None]:
    column = pa.chunked_array([pa.array(values, kind)])
    return value_texts(column, pa.field("x", kind)).to_pylist()


def test_one_value_has_one_text_whatever_its_type():
    """Seven is seven, a day is a day, an instant is the same in every zone, and blanks around a text do not count."""
    seven = [pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(10, 3)]
    assert [texts([7], kind) for kind in seven] == [["7"]] * 5
    assert texts([" 7\n"], pa.string()) == ["7"]
    assert texts([dt.date(2024, 1, 31)], pa.date32()) == texts(["2024-01-31"], pa.string())
    moment = dt.datetime(2024, 1, 31, 5, tzinfo=dt.UTC)
    zones = [
        pa.timestamp("s", "Asia/Tokyo"),
        pa.timestamp("ns", "UTC"),
        pa.timestamp("us", "America/New_York"),
    ]
    assert len({texts([moment], zone)[0] for zone in zones}) == 1


def test_nothing_has_no_text():
    """NULL, NaN, the empty text and one of blanks alone."""
    assert texts([None, float("nan")], pa.float64()) == texts([None, " "], pa.string()) == [None, None]
    assert texts([None], pa.null()) == [None]


@given(st.lists(st.floats() | st.integers(-(2**62), 2**62).map(float)))
def test_numbers_that_differ_have_texts_that_differ(numbers):
    """And those that are equal, 0.0 and -0.0 too, have one; each can be read back."""
    found = [
        (n, text) for n, text in zip(numbers, texts(numbers, pa.float64()), strict=True) if text is not None
    ]
    assert all(float(text) == number for number, text in found)
    assert len({text for _, text in found}) == len({number for number, _ in found})


@given(st.lists(st.decimals(-(10**12), 10**12, places=6)))
def test_decimals_lose_zeros_alone(numbers):
    """Whatever their scale."""
    found = texts(numbers, pa.decimal128(30, 6))
    assert [Decimal(text) for text in found] == numbers
    assert not any("." in text and text[-1] in "0." for text in found)


def plain(number: Decimal) -> str:
    """A number without exponent and without zeros that say nothing."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


@given(st.lists(st.decimals(-(10**12), 10**12, places=18)), st.sampled_from([pa.decimal128, pa.decimal256]))
def test_small_decimals_have_no_exponent(numbers, kind):
    """Zero is 0 and 1e-10 is 0.0000000001, as Python writes them; so are those of less scale."""
    numbers += [Decimal(0), Decimal("1e-8"), Decimal("-1e-10"), Decimal("1e-18"), Decimal(10)]
    assert texts(numbers, kind(38, 18)) == [plain(number) for number in numbers]
    assert texts([Decimal("12000"), Decimal(0)], pa.decimal128(5, -3)) == ["12000", "0"]


@given(st.lists(st.floats(-(10.0**75), 10.0**75) | st.floats(-1, 1) | st.floats(-1e16, 1e16)))
def test_floats_are_written_as_decimals_are(numbers):
    """A whole one exactly, another as the shortest decimal that is the same float."""
    numbers += [0.0, -0.0, 1e-8, 1.5e-300, 2.0**63, 2.0**70, 1e15 + 0.5, 1.0000000000000002]
    decimals = [Decimal(int(n)) if n.is_integer() else Decimal(repr(n)) for n in numbers]
    assert texts(numbers, pa.float64()) == [plain(number) for number in decimals]


def test_equal_numbers_of_several_types_have_one_text():
    """Whether a source has them as integers, floats, decimals, texts or JSON."""
    for text in ("0", "0.00000001", "0.1", "120", "9223372036854775808", "1234567890.5"):
        number = Decimal(text)
        kinds = [pa.float64(), pa.decimal128(38, 18), pa.decimal256(60, 20), pa.string()]
        if number == int(number):
            kinds += [pa.uint64(), pa.decimal128(20, 0)]
        values = [text if k == pa.string() else float(text) if k == pa.float64() else number for k in kinds]
        values = [int(v) if k == pa.uint64() else v for v, k in zip(values, kinds, strict=True)]
        assert {texts([v], k)[0] for v, k in zip(values, kinds, strict=True)} == {text}


@given(
    st.lists(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), max_size=9)
)
def test_json_of_several_types_is_as_in_columns_of_one(values):
    """A string, a whole number and a fraction have the text that a column of their type gives them."""
    infinite = {math.inf: "1e999", -math.inf: "-1e999"}
    lines = [
        None if value is None else infinite[value] if value in infinite else json.dumps(value)
        for value in values
    ]
    column = pa.chunked_array([pa.array(lines, pa.large_string())])
    kinds = {bool: pa.bool_(), float: pa.float64(), str: pa.large_string(), type(None): pa.null()}
    expected = [
        str(value) if type(value) is int else texts([value], kinds[type(value)])[0] for value in values
    ]
    assert value_texts(column, json_text("x", "it mixes types")).to_pylist() == expected


def test_what_is_plain():
    """Not lists, objects or bytes."""
    assert all(
        map(is_plain, (pa.null(), pa.bool_(), pa.uint8(), pa.float16(), pa.large_string(), pa.date64()))
    )
    assert not any(map(is_plain, (pa.binary(), pa.list_(pa.int8()), pa.struct([]), pa.time32("s"))))
