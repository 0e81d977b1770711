import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.documents import Reject, Shard, SourceSpec
from refinery.sources.json_row import MISSING, JsonRows


def rows(made: tuple[str, ...] = (), **options: str) -> JsonRows:
    shard = Shard("s", "/a.jsonl", "a.jsonl", "jsonl", 0, -1, 0, None, 1, "", made=made)
    return JsonRows(shard, SourceSpec("s", ("/a.jsonl",), **options))


VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(st.sampled_from(["id", "text", "a", "b"]), VALUES))
def test_a_row_is_its_text_its_id_and_the_rest(row):
    """Nothing is lost, and nothing is in two places; a text that is none has its reason."""
    found = rows().parse(7, json.dumps(row).encode())
    text = row.get("text")
    if not isinstance(text, str):
        reason = "missing_text" if "text" not in row else "null_text" if text is None else "text_not_string"
        assert isinstance(found, Reject)
        assert (found.row, found.reason) == (7, reason)
        return
    name = row.get("id", MISSING)
    assert found[0] == text
    assert found[1] == (json.dumps(name) if isinstance(name, bool) else name)
    assert found[2] == {key: value for key, value in row.items() if key not in {"id", "text"}}


@pytest.mark.parametrize(
    ("digits", "name"),
    [
        ("5", 5),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("1.50", "1.50"),
        ("1e400", "1e400"),
        ("NaN", "NaN"),
        ("[1, 2]", "[1,2]"),
        ('{"a": null}', '{"a":null}'),
        ("null", None),
    ],
)
def test_an_id_is_an_integer_or_what_was_written(digits, name):
    """Beyond 64 bits and with a fraction its digits stay; nested it is JSON."""
    assert rows().parse(0, f'{{"id": {digits}, "text": "x"}}'.encode()) == ("x", name, {})


def test_nested_values_are_taken_out_and_made_columns_left_out():
    """What is left of an object that held text or id is carried; columns of an earlier run are not."""
    line = b'{"doc": {"text": "x", "n": 1}, "meta": {"id": "i"}, "lang": "en"}'
    found = rows(made=("lang",), text="doc.text", id="meta.id").parse(0, line)
    assert found == ("x", "i", {"doc": {"n": 1}})
    assert rows(id="uid").parse(0, b'{"text": "x"}') == ("x", None, {})
