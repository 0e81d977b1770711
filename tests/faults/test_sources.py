"""A source file that changes or goes between the two reads of a run: named, and then the output of the new file."""

import os
import shutil
import signal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import document
from tests.faults.conftest import ERROR
from tests.faults.repository import clear, content, make_repository, run, start


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A repository of its own, whose sources are changed."""
    return make_repository(tmp_path_factory.mktemp("sources"), shards=3)


def other_rows(file) -> None:
    """Another file is put in its place, as downloads do."""
    rows = [{"id": f"new{n}", "text": document(9000 + n, 20), "year": 2000} for n in range(150)]
    other = file.with_suffix(".new")
    pq.write_table(pa.Table.from_pylist(rows), other)
    other.replace(file)


def overwritten(file) -> None:
    """The same size and another time: a few bytes in the middle of the file."""
    data = bytearray(file.read_bytes())
    middle = data.index(b"patient", len(data) // 3)
    data[middle : middle + 7] = b"PATIENT"
    file.write_bytes(bytes(data))


def longer(file) -> None:
    """A line more."""
    with file.open("a") as opened:
        opened.write('{"id": "late", "text": "' + "A late document. " * 30 + '"}\n')


def emptied(file) -> None:
    file.write_bytes(b"")


CHANGES = [
    (1, "books/1.parquet", other_rows),
    (1, "crawl/1.jsonl", overwritten),
    (2, "crawl/1.jsonl", longer),
    (2, "crawl/1.jsonl", emptied),
    (2, "books/1.parquet", None),
    (1, "crawl/1.jsonl", None),
]


@pytest.mark.parametrize(("workers", "name", "change"), CHANGES)
def test_a_file_changes_between_the_two_reads(sources, tmp_path, outcome, workers, name, change):
    """The run stops with the file's name; the next one gives what a first run on the new files gives."""
    folder = sources
    shutil.copytree(folder / "books", tmp_path / "books")
    shutil.copytree(folder / "crawl", tmp_path / "crawl")
    clear(folder)
    try:
        begun = start(folder, workers=workers)
        records = (folder / ".refinery" / "shards").glob
        assert begun.wait_for(lambda: len(list(records("*/*/record.json"))) == 6)
        os.kill(begun.process.pid, signal.SIGSTOP)
        change(folder / name) if change else (folder / name).unlink()
        os.kill(begun.process.pid, signal.SIGCONT)
        code, err = begun.finish()
        assert code in {1, 2}, err
        assert f"{folder / name}: " in err, err
        assert "Traceback" not in err
        assert not list(folder.glob("*/manifest.json"))
        outcome("source changed between reads" if change else "source gone between reads", ERROR)
        code, err = run(folder, workers=workers)
        assert code == 0, err
        after = content(folder)
        clear(folder)
        code, err = run(folder)
        assert code == 0, err
        assert content(folder) == after
    finally:
        for kind in ("books", "crawl"):
            shutil.rmtree(folder / kind)
            shutil.copytree(tmp_path / kind, folder / kind)
