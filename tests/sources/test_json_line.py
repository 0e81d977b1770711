import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.json_line import MAX_LEVELS, RefusedError, is_json, parse_line

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = (
    st.integers() | st.integers(2**62, 2**66) | st.integers(-(2**66), -(2**62)) | st.floats(allow_nan=False)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | st.integers(10**17, 10**25).map(str),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=12,
)


def finite(value):
    """The value as orjson writes it: infinities are null."""
    if isinstance(value, float):
        return None if math.isinf(value) else value
    if isinstance(value, list):
        return [finite(one) for one in value]
    return {key: finite(one) for key, one in value.items()} if isinstance(value, dict) else value


@given(value=VALUES, ascii=st.booleans())
def test_what_is_loaded_is_what_the_standard_library_wrote(value, ascii):
    """Written again, every value is the same, whatever integers, infinities and runs of digits it has."""
    loaded = parse_line(json.dumps(value, ensure_ascii=ascii).encode())
    assert json.loads(orjson.dumps(loaded)) == finite(value)


@given(value=st.integers(-(2**63), 2**64 - 1))
def test_integers_of_64_bits_are_integers(value):
    """Signed and unsigned; no other number type comes out."""
    assert parse_line(str(value).encode()) == value
    assert type(parse_line(str(value).encode())) is int


@pytest.mark.parametrize("inner", ["1", "NaN", "12345678901234567890123"])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded(inner, left, right):
    """As many levels as the limit can be loaded and written; more are refused, however deep Python itself goes."""
    good, *bad = (left * n + inner + right * n for n in (MAX_LEVELS, MAX_LEVELS + 1, 2000, 50_000))
    assert orjson.dumps(parse_line(good.encode())).decode() == good.replace("NaN", "null")
    for line in bad:
        with pytest.raises(RefusedError, match="nested more than 250 deep") as refused:
            parse_line(line.encode())
        assert refused.value.reason == "not_json"


def test_lone_surrogates_are_refused_in_keys_and_values():
    """With and without NaN in the line; an escaped backslash before `ud800` is none."""
    for line in (rb'{"\ud800":1}', rb'["\udc00\ud800"]', rb'{"\ud800":NaN}', rb'[NaN,"\udc00"]'):
        with pytest.raises(RefusedError) as refused:
            parse_line(line)
        assert refused.value.reason == "lone_surrogate"
    assert parse_line(rb'["\\ud800",Infinity]') == ["\\ud800", math.inf]


def test_what_json_is():
    """NaN and lone surrogates count, what is cut off or too deep does not."""
    lines = [b"[NaN]", rb'["\ud800"]', b"[1", b"\xff", b"[" * 9000 + b"]" * 9000]
    assert [is_json(line) for line in lines] == [True, True, False, False, False]
