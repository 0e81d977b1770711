import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.document_text import (
    NotTextError,
    is_textual,
    joined,
    joined_columns,
    text_of,
    texts_of,
)

TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PARTS = st.lists(st.none() | st.fixed_dictionaries({"type": TEXT, "text": TEXT}), max_size=3)
PART = pa.struct([("type", pa.string()), ("text", pa.string())])


def message(content: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.fixed_dictionaries({"role": TEXT, "content": content})


KINDS = {
    pa.string(): TEXT,
    pa.list_(pa.string()): st.lists(TEXT, max_size=4),
    pa.large_list(pa.list_(pa.large_string())): st.lists(st.lists(TEXT, max_size=3), max_size=3),
    pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])): st.lists(
        message(TEXT), max_size=3
    ),
    pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))])): st.lists(
        message(PARTS), max_size=3
    ),
    pa.list_(pa.struct([("from", pa.string()), ("value", pa.string()), ("weight", pa.int8())])): st.lists(
        st.fixed_dictionaries({"from": TEXT, "value": TEXT, "weight": st.integers(0, 9)}), max_size=3
    ),
}


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.DataType, list[object]]:
    kind = draw(st.sampled_from(list(KINDS)))
    return kind, draw(st.lists(st.none() | KINDS[kind], max_size=6))


@given(columns(), st.integers(0, 3))
def test_values_of_json_and_columns_of_arrow_have_the_same_text(column, start):
    """Whatever their kind, sliced or not; NULL stays NULL."""
    kind, values = column
    assert is_textual(kind)
    array = pa.array(values, kind)[start:]
    texts = texts_of(array)
    texts.validate(full=True)
    assert texts.to_pylist() == [text_of(value) for value in values[start:]]


@given(st.lists(st.tuples(TEXT, TEXT, TEXT)), st.booleans())
def test_several_columns_are_joined_by_a_blank_line(rows, encoded):
    """NULL and empty ones are left out; where all are NULL there is no text."""
    arrays = [pa.array([row[n] for row in rows], pa.string()) for n in range(3)]
    if encoded:
        arrays[0] = arrays[0].dictionary_encode()
    expected = [None if set(row) == {None} else joined(row) for row in rows]
    assert joined_columns(arrays).to_pylist() == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["One.", None, "", "Two."], "One.\n\nTwo."),
        ([["a", "b"], ["c"]], "a\n\nb\n\nc"),
        ([], ""),
        ([{"role": "user", "content": "Hi\nthere"}, {"role": "assistant", "content": "Yes."}],
         "user: Hi\nthere\n\nassistant: Yes."),
        ([{"from": "human", "value": "Hi"}, {"from": "gpt", "value": ""}], "human: Hi"),
        ([{"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {}}]}],
         "user: See"),
        ([{"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}], ""),
        ([{"role": None, "content": "No one."}], "No one."),
    ],
)  # fmt: skip
def test_paragraphs_and_turns(value, text):
    """Left out is what has no text: NULL, the empty text, a call of a tool, an image."""
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (5, "a JSON number"),
        ({"a": "b"}, "a JSON object"),
        (["a", 5], "a JSON number"),
        ([{"title": "x", "body": "y"}], "a list of objects with title, body; expected string"),
        ([{"role": 5, "content": "x"}], "a list of objects with role, content"),
    ],
)
def test_what_is_no_text_is_told(value, problem):
    """By what it is, and what is expected."""
    with pytest.raises(NotTextError, match=problem):
        text_of(value)


@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.struct([("role", pa.string()), ("content", pa.string())]),
        pa.list_(pa.int8()),
        pa.list_(pa.struct([("text", pa.string())])),
        pa.list_(pa.struct([("role", pa.int8()), ("content", pa.string())])),
        pa.map_(pa.string(), pa.string()),
    ],
)
def test_other_types_have_no_text(kind):
    """Numbers, objects, lists of them."""
    assert not is_textual(kind)
