"""CSV and TSV, compared with Python's own csv module."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources import delimited
from refinery.sources.shards import list_shards

from .reading import read_all, spec

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
FIELDS = st.one_of(TEXTS, st.sampled_from(['a "b"', "a,b", "a\nb", "\r\n", "a\tb", '"', ";", ""]))


def written(rows, **options) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **options).writerows(rows)
    return out.getvalue().encode()


@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=8),
    delimiter=st.sampled_from(",\t;|"),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 40),
)
def test_rows_are_those_of_pythons_csv(tmp_path_factory, rows, delimiter, end, size):
    """Whatever is quoted, in whatever blocks the content comes."""
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    header = ("id", "text", "note")
    options = {"delimiter": delimiter, "lineterminator": end, "quoting": csv.QUOTE_ALL}
    path.write_bytes(written([header, *rows], **options))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_RUN_BYTES", size)
        patch.setattr("refinery.sources.compression.BLOCK", size)
        found = read_all(spec(path), carry=True)
    assert list(zip(found.ids, found.texts, (row["note"] for row in found.columns), strict=True)) == rows


def test_empty_fields_are_null_and_quoted_ones_are_not(tmp_path):
    """A text that is not there is no empty text."""
    (tmp_path / "a.csv").write_text('id,text,n\na,,1\nb,"",\nc,x,""\n')
    found = read_all(spec(tmp_path), carry=True)
    assert (found.ids, found.texts, found.columns) == (["b", "c"], ["", "x"], [{"n": None}, {"n": ""}])
    assert [(one.row, one.reason) for one in found.rejects] == [(0, "null_text")]


def test_columns_are_text_whatever_their_first_rows_hold(tmp_path):
    """Zeros in front stay, and a late word among numbers is no surprise."""
    (tmp_path / "a.csv").write_text("text,code\n" + "x,007\n" * 1000 + "y,none\n")
    found = read_all(spec(tmp_path), carry=True)
    assert [found.columns[0]["code"], found.columns[-1]["code"]] == ["007", "none"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "id\ttext\nd0\tOne, two; three\n"),
        ("a.csv", "id;text\nd0;One, two\n"),
        ("a.csv", "id|text\r\nd0|One, two; three\r\n"),
        ("a.csv", '\ufeff\n\n"id","text"\n\nd0,"One, two"\n'),
        ("a.csv", "id,text\rd0,One\r"),
        ("a.tab", "text\nOne, two\n"),
    ],
)
def test_what_separates_fields_is_told_by_the_header(tmp_path, name, content):
    """And line ends, byte order marks and blank lines change nothing."""
    (tmp_path / name).write_bytes(content.encode())
    (text,) = read_all(spec(tmp_path)).texts
    assert text.startswith("One")
    assert text == content.splitlines()[-1].partition("d0")[2].strip('\t;|,"') or name == "a.tab"


def test_records_that_do_not_fit_are_rejects(tmp_path):
    """Too few or too many fields, and bytes that are no UTF-8, each with its row; the others are read."""
    (tmp_path / "a.csv.gz").write_bytes(
        gzip.compress(b"id,text,n\na,x,1\nb,x\n\nc,x,1,2\nd,caf\xe9,1\ne,x,\xe9\nf,y,\n")
    )
    found = read_all(spec(tmp_path), carry=True)
    assert found.ids == ["a", "f"]
    assert [(one.row, one.reason) for one in found.rejects] == [
        (1, "wrong_columns"),
        (2, "wrong_columns"),
        (3, "invalid_utf8"),
        (4, "invalid_utf8"),
    ]
    assert found.rejects[0].detail == "2 fields; the header has 3"
    assert read_all(spec(tmp_path), wanted=[0, 5]).ids == ["a", "f"]


@pytest.mark.parametrize("content", [b'id,text\na,x\nb,"never closed\nc,x\n', b'id,text\na,x\nb,"'])
def test_a_quote_that_is_never_closed_is_told(tmp_path, content):
    """What comes before it is read."""
    (tmp_path / "a.csv").write_bytes(content)
    found = read_all(spec(tmp_path))
    assert (found.ids, found.reasons) == (["a"], ["truncated_file"])
    assert found.rejects[0].detail == "a quote is never closed; what can be read ends before row 1"


@pytest.mark.parametrize(("ending", "encoding"), [("", None), (".gz", None), ("", "utf-16")])
@pytest.mark.parametrize("columns", [4_000, 9_000])
def test_a_long_line_of_names(tmp_path, ending, encoding, columns):
    """Longer than the head that tells what a file is, in its own encoding too."""
    names = [f"column_{n}" for n in range(columns)]
    rows = written([("id", *names, "text"), ("a", *map(str, range(columns)), "x")])
    content = rows.decode().encode(encoding or "utf-8")
    (tmp_path / f"a.csv{ending}").write_bytes(gzip.compress(content) if ending else content)
    found = read_all(spec(tmp_path, keep=("column_7",), encoding=encoding), carry=True)
    assert (found.ids, found.texts, found.columns) == (["a"], ["x"], [{"column_7": "7"}])


def test_a_long_record_is_one_and_a_longer_one_is_rejected(tmp_path):
    """Longer than what is parsed together; than the limit."""
    (tmp_path / "a.csv").write_bytes(
        written([("id", "text"), ("a", "x\n" * 3_000_000), ("b", "y"), ("c", "z" * 5_000_000)])
    )
    found = read_all(spec(tmp_path))
    assert [len(text) for text in found.texts] == [6_000_000, 1, 5_000_000]
    found = read_all(spec(tmp_path, max_document_bytes=5_500_000))
    assert (found.ids, found.reasons) == (["b", "c"], ["oversize_row"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\n1,2\n", "no text column 'text'"),
        (b"", "no first line names the columns"),
        (
            b"text," + b",".join(b"c%d" % i for i in range(600_000)),
            "no first line of at most 4 MiB names the",
        ),
        ("id,text\n".encode("utf-16"), "UTF-16"),
        (b"text,text\n1,2\n", "two columns are called 'text'"),
    ],
)
def test_a_header_without_a_text_is_told_in_planning(tmp_path, content, problem):
    """With the names that are there."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path))
