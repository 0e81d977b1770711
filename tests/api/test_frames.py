"""Tables as users have them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from refinery.api.frames import as_frame, columns_of, filter_rows, like, names_of, set_columns, texts_of
from refinery.errors import InputError
from tests.api.tables import KINDS, in_form, rows_of

COLUMNS = {"text": ["one", "two", "three"], "year": [1999, 2001, 2003]}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_table_is_read_and_stays_what_it_is(kind):
    """Its columns, its text, rows filtered, columns added and replaced: the same kind with the same rows."""
    frame = in_form(kind, COLUMNS)
    assert as_frame(frame, "text") is frame
    assert names_of(frame) == ["text", "year"]
    assert columns_of(frame, ["year"]).to_pydict() == {"year": COLUMNS["year"]}
    assert texts_of(frame, "text").to_pylist() == COLUMNS["text"]
    some = filter_rows(frame, np.array([True, False, True]))
    more = set_columns(some, pa.table({"size": [3, 5], "year": ["late", "later"]}))
    assert type(more) is type(frame)
    assert rows_of(more) == [
        {"text": "one", "year": "late", "size": 3},
        {"text": "three", "year": "later", "size": 5},
    ]
    assert rows_of(frame) == [
        dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_has_the_form_of_the_data(kind):
    """A table of results is given as the data was, an empty one too."""
    frame, found = in_form(kind, COLUMNS), pa.table({"row": [2], "rule": ["a"]})
    assert type(like(frame, found)) is type(frame)
    assert rows_of(like(frame, found)) == [{"row": 2, "rule": "a"}]
    assert rows_of(like(frame, found.slice(0, 0))) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_is_not_there_is_named(kind):
    """With the nearest one that is."""
    with pytest.raises(InputError, match="no column 'txt'; did you mean \"text\""):
        texts_of(in_form(kind, COLUMNS), "txt")
    with pytest.raises(InputError, match="the text column 'year' is int64, not text"):
        texts_of(in_form(kind, COLUMNS), "year")


def test_the_index_of_pandas_stays():
    """Rows keep their labels whatever these are: repeated ones are not joined."""
    frame = pd.DataFrame({"text": ["a", "b", "c"]}, index=[7, 7, 9])
    more = set_columns(filter_rows(frame, np.array([True, True, False])), pa.table({"n": [1, 2]}))
    assert more.index.tolist() == [7, 7]
    assert more["n"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "texts",
    [
        ["a", None],
        ("a", None),
        iter(["a", None]),
        pa.array(["a", None]),
        pa.chunked_array([["a"], [None]], pa.string()),
        pl.Series(["a", None]),
        pd.Series(["a", None], dtype=object),
        np.array(["a", None], dtype=object),
    ],
)
def test_texts_become_a_table(texts):
    """Any iterable of them, with NULL among them; the column is called as `text` says."""
    assert as_frame(texts, "body").to_pydict() == {"body": ["a", None]}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("one text", "write \\[text\\]"),
        (3, "expected a pyarrow Table .* got builtins.int"),
        (["a", 1], "expected texts"),
    ],
)
def test_what_is_no_table_is_refused(data, problem):
    """In words: one text, a number, numbers in place of texts."""
    with pytest.raises(TypeError, match=problem):
        as_frame(data, "text")


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["a", "b"], pa.string_view()),
        pa.array(["a", "b"], pa.large_string()),
    ],
)
def test_encodings_of_texts_do_not_matter(column):
    """Dictionaries and views are texts; a column without any value too."""
    assert texts_of(pa.table({"text": column}), "text").to_pylist() == ["a", "b"]
    assert texts_of(pa.table({"text": pa.nulls(2)}), "text").to_pylist() == [None, None]
    assert texts_of(pd.DataFrame({"text": pd.Categorical(["a", "b"])}), "text").to_pylist() == ["a", "b"]


def test_uuids_are_texts():
    """As in sources, in several chunks and in none."""
    names = pa.array([bytes(16), None], pa.uuid())
    table = pa.table(
        {"a": pa.chunked_array([names, names]), "b": pa.chunked_array([names.slice(0, 0)] * 2 + [names] * 2)}
    )
    text = "00000000-0000-0000-0000-000000000000"
    assert columns_of(table, ["a", "b"]).to_pydict() == {"a": [text, None] * 2, "b": [text, None] * 2}
    assert columns_of(table.slice(0, 0), ["a"]).schema == pa.schema([("a", pa.large_string())])
