"""JSON that is no JSON Lines, cut into its values: compared with Python's own parser of the whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.json_values import UnfinishedError, is_laid_out, looks_like_json, values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=6)


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@given(rows=OBJECTS, indent=st.none() | st.integers(0, 2), ascii=st.booleans(), size=st.integers(1, 50))
def test_an_array_in_any_layout_and_any_blocks(rows, indent, ascii, size):
    """The elements are those that the standard library parses out of the whole."""
    content = json.dumps(rows, indent=indent, ensure_ascii=ascii).encode()
    assert [json.loads(value) for value in values(pieces(content, size), 10**6)] == rows


@given(rows=OBJECTS, between=st.sampled_from(["", " ", "\n\n", "\r", "\ufeff", ","]), size=st.integers(1, 50))
def test_objects_one_after_another(rows, between, size):
    """Whatever stands between them: nothing, lone carriage returns, the byte order marks of joined files."""
    content = between.join(json.dumps(row) for row in rows).encode()
    assert [json.loads(value) for value in values(pieces(content, size), 10**6)] == rows


def test_scalars_are_values_too():
    """A list of texts is no list of documents, and each is told."""
    assert list(values([b'["a ]", 1', b"2, nul", b"l, -3.5e1]"], 100)) == [
        b'"a ]"',
        b"12",
        b"null",
        b"-3.5e1",
    ]


def test_arrays_that_were_joined_are_one():
    """As `cat` makes them of several exports."""
    assert list(values([b'[{"a":1}]\n[{"a":2},{"a":3}]'], 100)) == [b'{"a":1}', b'{"a":2}', b'{"a":3}']


def test_a_value_that_is_broken_inside_spoils_no_other():
    """It is found by its brackets, and a parser will refuse it alone."""
    assert list(values([b'[{"a": 1}, {"a": oops "b": 2}, {"a": 3}]'], 100))[::2] == [b'{"a": 1}', b'{"a": 3}']


@pytest.mark.parametrize(
    "content", [b'[{"a": 1}, {"a": "x', b'[{"a": 1},', b'{"a": 1} {"b": [', b'[{"a": 1}, "']
)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_content_that_is_cut_off_gives_what_is_whole(content, size):
    """Then the error; a partial look has none."""
    found = []
    with pytest.raises(UnfinishedError):
        for value in values(pieces(content, size), 100):
            found.append(value)  # noqa: PERF402  (what comes before the error is the point)
    assert found == [b'{"a": 1}'] == list(values(pieces(content, size), 100, partial=True))


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_long_value_is_its_size_alone(size):
    """Those beside it are whole."""
    long = json.dumps({"a": 'x\\"' * 100}).encode()
    content = b"[" + b",".join([b'{"a":1}', long, b'{"a":2}']) + b"]"
    assert list(values(pieces(content, size), 50)) == [b'{"a":1}', len(long), b'{"a":2}']


@pytest.mark.parametrize(
    ("head", "laid_out"),
    [
        (b'{"a": 1}\n{"a": 2}', False),
        (b'{"a": 1}\r\n{"a": 2}', False),
        (b'{"a": 1, "b": }\n{"a": 2}', False),  # a broken line is a reject of its own
        (b'{"a": "open\n{"a": 2}\n', False),
        (b'{"a": "' + b"x" * 100, False),
        (b'{"a": NaN}\n{"a": 2}', False),
        (b'{\n  "a": "' + b"x" * 100, True),
        (b'{ "a": 1,\n  "b": 2 }\n', True),
        (b'{"a": [\n 1]}', True),
        (b'{"a": 1} {"a": 2}', True),
        (b'{"a": 1}{"a": 2}{"a"', True),
        (b'[{"a": "' + b"x" * 100, True),
        (b'\xef\xbb\xbf [ {"a": 1}', True),
    ],
)
def test_json_lines_are_told_from_other_json(head, laid_out):
    """By the first line: whether it is a value, or a part of one, or several."""
    assert looks_like_json(head)
    assert is_laid_out(head) == laid_out
