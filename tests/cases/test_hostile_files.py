"""Files and folders that are no data, or whose names or states are odd: found, read or told, never a hang."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import refinery
from refinery.errors import InputError
from refinery.sources.documents import SourceSpec
from refinery.sources.find import find
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards

ROW = '{"text": "one two three"}\n'


def spec(path) -> SourceSpec:
    return SourceSpec("crawl", (str(path),))


def texts(path) -> list[str]:
    source = spec(path)
    return [
        text
        for shard in list_shards(source).shards
        for batch in read_documents(shard, source)
        for text in batch.text.to_pylist()
    ]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read all: as another user within."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize(
    "folder", ["data [2024]", "a[b", "a]b", "*", "q?", "{a}", "a\nb", "[!x]", "\x1b[31m"]
)
def test_a_glob_below_a_folder_with_any_name_finds_its_files(tmp_path, folder):
    """What is magic in a pattern is plain in the name of a folder that is there."""
    (tmp_path / folder / "crawl").mkdir(parents=True)
    for name in ("a.jsonl", "b.jsonl", "c[1].jsonl"):
        (tmp_path / folder / "crawl" / name).write_text(ROW)
    found = find([str(tmp_path / folder / "crawl" / "*.jsonl")]).files
    assert [file.relative for file in found] == ["a.jsonl", "b.jsonl", "c[1].jsonl"]
    assert [file.relative for file in find([str(tmp_path / folder / "**" / "?.jsonl")]).files] == [
        "crawl/a.jsonl",
        "crawl/b.jsonl",
    ]
    with pytest.raises(InputError, match=r"holds a\.jsonl, b\.jsonl, c"):
        find([str(tmp_path / folder / "crawl" / "*.parquet")])


def test_local_names_with_question_marks_and_schemes_are_names(tmp_path):
    """Saved pages are called page.html?id=1: each is a file of its own, under its whole name."""
    names = ["a.jsonl?id=1", "a.jsonl?id=2", "b%20c.jsonl", "s3:%2F.jsonl"]
    for name in names:
        (tmp_path / name).write_text(ROW)
    assert sorted(file.relative for file in find([str(tmp_path)]).files) == names


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "txt", "csv", "warc.gz", "html", "json"])
def test_what_is_no_file_of_data_is_told_and_the_others_are_read(tmp_path, monkeypatch, ending):
    """A pipe, a socket, a device, links to these, links in a circle: none is opened, each is named."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo(f"a.{ending}")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"b.{ending}")
    links = {"c": "/dev/zero", "d": f"a.{ending}", "e": f"e.{ending}", "f": "/nowhere"}
    for name, target in links.items():
        Path(f"{name}.{ending}").symlink_to(target)
    (tmp_path / "good.jsonl").write_text(ROW)
    (tmp_path / f"x.{ending}").mkdir()
    (tmp_path / f"x.{ending}" / "inner.jsonl").write_text(ROW)
    Path("circle").symlink_to(tmp_path)
    listed = list_shards(spec(tmp_path))
    told = dict(listed.broken)
    assert [shard.relative_path for shard in listed.shards] == ["good.jsonl", f"x.{ending}/inner.jsonl"]
    pipe, device = "it is a named pipe", "it is a device"
    for name, words in zip(
        "abcdef", (pipe, "it is a socket", device, pipe, "Too many", "No such"), strict=True
    ):
        assert words in told.pop(f"{name}.{ending}")
    assert not told


def test_a_pipe_alone_is_told(tmp_path):
    """Not waited for."""
    os.mkfifo(tmp_path / "x.jsonl")
    with pytest.raises(InputError, match=r"x\.jsonl: cannot be read: it is a named pipe, not a file of data"):
        list_shards(spec(tmp_path / "x.jsonl"))


def test_a_folder_that_may_not_be_read_is_told(tmp_path):
    """As a part of a source by name, as the folder of a pattern in words: never passed over in silence."""
    for folder in ("open", "closed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jsonl").write_text(ROW)
    (tmp_path / "closed").chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    with as_nobody():
        assert list_shards(spec(tmp_path)).broken == (("closed", "cannot be read: Permission denied"),)
        with pytest.raises(InputError, match="closed: Permission denied"):
            list_shards(spec(tmp_path / "closed" / "*.jsonl"))


def test_of_a_file_that_grows_the_part_is_read_that_was_there(tmp_path):
    """Or the change is told; never a part of a row."""
    file = tmp_path / "a.jsonl"
    file.write_text(ROW * 3)
    source = spec(file)
    (shard,) = list_shards(source).shards
    with file.open("a") as growing:
        growing.write(ROW + '{"text": "half')
    try:
        read = [text for batch in read_documents(shard, source) for text in batch.text.to_pylist()]
    except InputError as error:
        assert "has changed since it was planned" in str(error)
    else:
        assert read == ["one two three"] * 3


def test_a_folder_to_write_to_has_a_name_that_is_text(tmp_path):
    """That of the definition, its work folder or an output; told in words before any work."""
    odd = tmp_path / os.fsdecode(b"d\xe9")
    odd.mkdir()
    for folder, work in ((odd, None), (tmp_path, odd / "work")):
        (folder / "a.jsonl").write_text(ROW)
        (folder / "p.yaml").write_text(
            "refinery: 1\nname: p\nsources: {a: {path: a.jsonl}}\nstages: {s: {from: a}}\n"
            "outputs: {o: {from: s, path: out}}\n"
        )
        with pytest.raises(InputError, match=r"its path has bytes that are not UTF-8.*rename the folder"):
            refinery.plan(folder / "p.yaml", work=work)


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_tables_whose_names_are_in_no_encoding_are_read(tmp_path, form):
    """As files of lines are."""
    path = tmp_path / os.fsdecode(b"caf\xe9." + form.encode())
    table = pa.table({"text": ["one two three"]})
    with path.open("wb") as file:
        if form == "parquet":
            pq.write_table(table, file)
        else:
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write(table)
    assert texts(path) == ["one two three"]


def test_names_in_no_encoding_are_read(tmp_path):
    """Linux allows all bytes but / and NUL in a name; a run keeps where each document is from, with escapes."""
    folder = tmp_path / "in" / os.fsdecode(b"d\xe9")
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"caf\xe9.jsonl")).write_text(ROW)
    (folder / "bell\a\x1b]0;x\a\u202e.jsonl").write_text(ROW.replace("one", "zero"))
    assert len(texts(tmp_path / "in")) == 2
    definition = tmp_path / "p.yaml"
    definition.write_text(
        "refinery: 1\nname: p\nsources: {a: {path: in}}\nstages: {s: {from: a}}\n"
        "outputs: {o: {from: s, path: out}}\n"
    )
    decisions = refinery.run(definition, workers=1)["o"].decisions().collect()
    assert set(decisions["path"]) == {
        "d\\udce9/caf\\udce9.jsonl",
        "d\\udce9/bell\a\x1b]0;x\a\u202e.jsonl",
    }


def test_a_broken_file_is_told_by_its_name_beside_a_good_one(data_repository, refinery):
    """In check and in the table of a run: brackets are no markup, control characters reach no terminal."""
    crawl = data_repository / "crawl"
    (crawl / "q[").mkdir()
    names = ["q[/y].parquet", "[draft] v.parquet", "\x1b]0;pwn\x07.parquet"]
    for name in names:
        (crawl / name).write_bytes(b"garbage")
    definition = data_repository / "pipeline.yaml"
    definition.write_text(definition.read_text().replace("crawl/*.parquet", "crawl"))
    for command in (("check", definition), ("run", definition)):
        code, out, err = refinery(*command)
        assert code == 0, err
        told = "".join((out + err).split())  # however lines are broken
        assert "q[/y].parquet" in told
        assert "[draft]v.parquet" in told
        assert r"\x1b]0;pwn\x07.parquet" in told
        assert "\x1b]0" not in out + err
