"""What the first rows of files tell."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.sources.heads import HEAD_FILES, HEAD_ROWS, check_heads, spread
from refinery.sources.shards import list_shards
from tests.sources.reading import spec
from tests.sources.test_parquet_file import encrypted


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def check(folder, *, cleaned=True, **options):
    source = spec(folder, **options)
    return check_heads(list_shards(source).shards, source, cleaned=cleaned)


def test_files_are_looked_at_all_over_a_source():
    """The first one and others at equal distances, never more than are to be looked at."""
    assert list(spread(range(5))) == [0, 1, 2, 3, 4]
    assert len(spread(range(1000))) <= HEAD_FILES
    assert spread(range(1000))[-1] > 900
    assert list(spread([])) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            {"content": "a"},
            r"missing_text: no key 'text'; there is id, content\) \(`text` of the source names",
        ),
        ({"text": 5}, r"text_not_string: 'text' is a JSON number"),
        ({"text": None}, "null_text"),
    ],
)
def test_a_source_without_a_document_is_refused(tmp_path, row, problem):
    """With the reason of its first row, plain or compressed."""
    rows = [{"id": n} | row for n in range(6)]
    write(tmp_path / "a.jsonl", rows)
    with pytest.raises(InputError, match=rf"a\.jsonl: none of its 6 rows is a document \({problem}"):
        check(tmp_path)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(InputError, match=problem):
        check(tmp_path)


def test_no_more_than_the_first_rows_are_read(tmp_path):
    """Rows of which so many are no documents are told without the rest; a document among them is enough."""
    rows = [{"id": n} for n in range(HEAD_ROWS)]
    write(tmp_path / "a.jsonl", [*rows, {"text": "late"}])
    with pytest.raises(InputError, match="none of its first 1,024 rows is"):
        check(tmp_path)
    write(tmp_path / "a.jsonl", [*rows[1:], {"text": "in time"}])
    assert check(tmp_path) == ()


def test_one_file_of_several_is_a_warning(tmp_path):
    """The others have documents; with `on_error: fail` it is refused."""
    write(tmp_path / "a.jsonl", [{"text": "a"}])
    write(tmp_path / "b.jsonl", [{"body": "b"}])
    (warning,) = check(tmp_path)
    assert warning.startswith(
        f"{tmp_path}/b.jsonl: its only row is not a document (missing_text: no key 'text'"
    )
    with pytest.raises(InputError, match="its only row is not"):
        check(tmp_path, on_error="fail")


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", ""), ("a.jsonl", "\n\n"), ("a.csv", "id,text\n")])
def test_a_source_whose_files_are_all_empty_is_refused(tmp_path, name, content):
    """One file of it or several; not where the source has others, which are known."""
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(InputError, match="no document: the file is empty"):
        check(file)
    (tmp_path / f"b{file.suffix}").write_text(content)
    with pytest.raises(InputError, match="no document: all of its 2 files are empty"):
        check(tmp_path)
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "c.parquet")
    with pytest.raises(InputError, match="no document: all of its 3 files are empty"):
        check(tmp_path)
    source = spec(tmp_path)
    assert check_heads(list_shards(source).shards, source, others=True) == ()


def test_empty_files_beside_others_and_those_of_other_formats_tell_nothing(tmp_path):
    """A source is not refused for what was looked at if it holds more: a Parquet file has what its footer says."""
    (tmp_path / "a.jsonl").write_text("")
    write(tmp_path / "b.jsonl", [{"body": "b"}])
    pq.write_table(pa.table({"text": ["c"]}), tmp_path / "c.parquet")
    assert len(check(tmp_path)) == 1


def test_a_bad_row_late_in_a_file_is_no_mistake_of_its_beginning(tmp_path):
    """Readers of whole runs of rows may give rejects before the documents around them."""
    rows = [f"{n},text number {n}" for n in range(20_000)]
    rows[15_000] = '15000,"the 5" tube, ok"'
    (tmp_path / "a.csv").write_text("id,text\n" + "\n".join(rows) + "\n")
    source = spec(tmp_path / "a.csv")
    assert check_heads(list_shards(source).shards, source) == ()


def test_an_encoding_that_no_file_has_use_for_is_told(tmp_path):
    """Of formats that say their own; one file that it bears on is enough."""
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(
        InputError, match=r"a\.parquet: `encoding` has no effect: parquet files say theirs \(leave it out"
    ):
        check(tmp_path, encoding="gb18030")
    (tmp_path / "b.txt").write_bytes("\u6cd5".encode("gb18030"))
    assert check(tmp_path, encoding="gb18030") == ()


def test_encrypted_columns_that_are_left_out_are_told(tmp_path):
    """By name, of the first file that has some."""
    pq.write_table(pa.table({"id": ["a"], "text": ["x"]}), tmp_path / "a.parquet")
    assert check(tmp_path) == ()
    encrypted(tmp_path / "b.parquet", column_keys={"k": ["patient", "who.n"]})
    (told,) = check(tmp_path)
    assert told.endswith("b.parquet: encrypted columns are left out: patient, who")


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_html_among_the_words_is_told_once(tmp_path, form):
    """A column of pages, without a transform that takes their text; not a text in which a tag is named."""
    pages = [{"text": f"<div><p>Page {n}.</p></div>"} for n in range(3)]
    texts = [{"text": f"Text {n}: a < b > c, <br> and </x>."} for n in range(3)]
    for name, rows in (("pages", pages), ("texts", [*texts, pages[0]])):
        (tmp_path / name).mkdir()
        for number in range(2):
            path = tmp_path / name / f"{number}.{form}"
            write(path, rows) if form == "jsonl" else pq.write_table(pa.Table.from_pylist(rows), path)
    (told,) = check(tmp_path / "pages", cleaned=False)
    assert told.startswith(f"{tmp_path / 'pages' / '0'}.{form}: its texts are HTML")
    assert check(tmp_path / "pages") == check(tmp_path / "texts", cleaned=False) == ()


def test_a_row_that_is_a_shard_alone_says_nothing_of_the_others(tmp_path):
    """As one of gigabytes is; of many rows that are no documents the file is told by its first shard."""
    source = spec(tmp_path, max_document_bytes=1000)
    rows = [b'{"text": "%s"}' % (b"x" * 5000), *[b'{"text": "y"}'] * 100]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(rows))
    shards = list_shards(source, 1000).shards
    assert shards[0].parts > 1
    assert check_heads(shards, source) == ()
    (tmp_path / "a.jsonl").write_bytes(b'{"body": "y"}\n' * 3000)
    with pytest.raises(InputError, match="none of its first 1,024 rows is a document"):
        check_heads(list_shards(source, 20_000).shards, source)
