"""Files of which each is a document: its path is its id, its front matter its columns."""

import gc
import gzip
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.sources.shards import list_shards

from .reading import read_all, spec

PAGE = "<html><title>t</title><body><main><p>The {} of a page that is long enough.</p></main></body></html>"


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_a_file_is_a_document_and_its_path_the_id(tmp_path):
    """Text, Markdown and pages, in folders, compressed or not; an empty file is an empty document."""
    write(
        tmp_path,
        a_txt="One.\nTwo.\n",
        below__b_md="# Three",
        below__c_html=PAGE.format("text"),
        d_txt_gz=gzip.compress(b"Four."),
        e_txt=b"",
    )
    found = read_all(spec(tmp_path))
    assert dict(zip(found.ids, found.texts, strict=True)) == {
        "a.txt": "One.\nTwo.\n",
        "below/b.md": "# Three",
        "below/c.html": "The text of a page that is long enough.",
        "d.txt.gz": "Four.",
        "e.txt": "",
    }


def test_front_matter_is_columns(tmp_path):
    """An id in it goes before the path; a key called as the text is kept under another name."""
    write(
        tmp_path,
        a_md="---\ntitle: A\ndate: 2024-01-02\ntags: [x, y]\n---\nText A.",
        b_md="---\nid: b7\ntitle: B\ntext: not this\n---\nText B.",
        c_txt="Text C.",
    )
    found = read_all(spec(tmp_path), carry=True)
    assert (found.ids, found.texts) == (["a.md", "b7", "c.txt"], ["Text A.", "Text B.", "Text C."])
    assert found.columns == [
        {"title": "A", "date": "2024-01-02", "tags": ["x", "y"], "input_text": None},
        {"title": "B", "date": None, "tags": None, "input_text": "not this"},
        {"title": None, "date": None, "tags": None, "input_text": None},
    ]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"caf\xe9", "invalid_utf8"),
        ("a.md", b"---\ntitle: A: b\n---\n", "bad_front_matter"),
        ("a.md", b"---\nn: 123456789012345678901234567890\n---\n", "bad_front_matter"),
        ("a.txt", b"x" * 2000, "oversize_row"),
        ("a.txt.gz", gzip.compress(bytes(range(256)) * 4)[:-30], "truncated_file"),
        ("a.html", b"<html><body></body></html>", "no_text"),
    ],
)
def test_a_file_that_is_no_document_is_one_reject(tmp_path, name, content, reason):
    """With what is wrong; the others are read."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "b.txt").write_text("B")
    found = read_all(spec(tmp_path, max_document_bytes=1500))
    assert (found.reasons, found.texts) == ([reason], ["B"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_no_text(tmp_path, encoding):
    """Windows writes them; they tell the encoding."""
    (tmp_path / "a.txt").write_bytes("Größe".encode(encoding))
    assert read_all(spec(tmp_path)).texts == ["Größe"]


def test_the_encoding_of_a_source_goes_before_what_a_page_says(tmp_path):
    """Of few characters beyond ASCII as well."""
    page = "<html><head><meta charset=gbk></head><body><p>{} and some more words of text.</p></body></html>"
    words = ["Gr\u00f6\u00dfe", "\u043c\u0438\u0440 \u0438 \u0442\u0440\u0443\u0434"]
    for word, encoding in zip(words, ("latin-1", "koi8-r"), strict=True):
        (tmp_path / "a.html").write_bytes(page.format(word).encode(encoding))
        (text,) = read_all(spec(tmp_path, encoding=encoding)).texts
        assert word in text


def test_json_lines_in_a_text_file_are_rows(tmp_path):
    """As Spark writes them; by content, below the compression."""
    content = "".join(json.dumps({"id": str(n), "text": f"t{n}"}) + "\n" for n in range(3))
    (tmp_path / "part-00000.txt.gz").write_bytes(gzip.compress(content.encode()))
    assert read_all(spec(tmp_path)).texts == ["t0", "t1", "t2"]


def test_files_about_the_others_are_passed_over_in_a_folder_alone(tmp_path):
    """Who asks for `*.md` means all of them."""
    write(tmp_path, README_md="About.", LICENSE_txt="May be used.", a_md="A", b_md="B")
    (tmp_path / "_index.md").write_text("Index")
    assert read_all(spec(tmp_path)).ids == ["a.md", "b.md"]
    assert sum(one.count for one in list_shards(spec(tmp_path)).passed_over) == 3
    assert read_all(spec(tmp_path / "*.md")).ids == ["README.md", "_index.md", "a.md", "b.md"]


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """As of any format."""
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"a\.txt: cannot be read"):
        list_shards(spec(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="the children of a process are told by /proc")
def test_what_extracts_pages_ends_with_its_thread(tmp_path):
    """Else each look at the first pages of a source would leave processes until the end."""

    def children() -> set[str]:
        return set(" ".join(file.read_text() for file in Path("/proc/self/task").glob("*/children")).split())

    pages = [tmp_path / f"{n}.html" for n in range(3)]
    for page in pages:
        page.write_text(PAGE.format("content"))
    before = children()
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda page: read_all(spec(page)).reasons, pages))
    del pool
    gc.collect()
    assert found == [[], [], []]
    assert children() == before
