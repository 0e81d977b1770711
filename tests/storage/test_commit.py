import os
import subprocess
import sys
import time

import fsspec
import pytest

from refinery.errors import InputError, OutputError
from refinery.storage.commit import ABANDONED, commit_bytes, commit_file, remove_leftovers, temporary_name
from refinery.storage.process import Process
from tests.storage.leftover import leave


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    """Inside the block there is no file of that name; after it there is, and nothing else."""
    path = tmp_path / "a.bin"
    with commit_file(path) as file:
        file.write(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_file_before_and_no_leftover(tmp_path):
    """A failed write changes nothing."""
    path = tmp_path / "a.bin"
    commit_bytes(path, b"before")
    with pytest.raises(ZeroDivisionError), commit_file(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_size_and_hash_are_those_of_the_file(tmp_path):
    """SHA-256 of `abc` as FIPS 180-2 prints it."""
    with commit_file(tmp_path / "a.bin") as file:
        file.write(b"ab")
        file.write(memoryview(b"c"))
    assert file.size == 3
    assert file.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_error_of_reading_inside_the_block_is_not_taken_for_one_of_writing(tmp_path):
    """An OSError or InputError that the block raises itself passes as it is."""
    with pytest.raises(FileNotFoundError), commit_file(tmp_path / "a.bin"):
        (tmp_path / "none").open()
    with pytest.raises(InputError), commit_file(tmp_path / "a.bin"):
        raise InputError("b", "broken")


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    """The message says which folder is missing."""
    with pytest.raises(OutputError, match=r"no/such: the folder does not exist, so a\.bin cannot be written"):
        commit_bytes(tmp_path / "no" / "such" / "a.bin", b"")


def test_a_place_that_is_a_folder_cannot_be_replaced(tmp_path):
    """An OutputError that names folder and file; the temporary file is gone."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match=r"a cannot be written: Is a directory"):
        commit_bytes(tmp_path / "a", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


FULL = """
import resource, sys
from refinery.errors import OutputError
from refinery.storage.write import write_table
import pyarrow as pa
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
batch = pa.RecordBatch.from_pydict({"text": pa.array(__import__("random").Random(1).randbytes(400_000).hex()
    for _ in range(1))})
try:
    write_table(sys.argv[1], [batch], batch.schema)
except OutputError as error:
    print(error)
"""


def test_a_full_disk_is_one_message_with_folder_and_bytes(tmp_path):
    """A file that may not grow any more fails at once, is not there afterwards, and nothing is left over."""
    path = tmp_path / "a.parquet"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path}: File too large while writing a.parquet (")
    assert "bytes free" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    """The reason is the system's own word for it."""
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        commit_bytes(tmp_path / "a", b"x")
    tmp_path.chmod(0o700)


KILLED = """
import os, signal, sys
from refinery.storage.commit import commit_file
with commit_file(sys.argv[1]) as file:
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_no_file_of_that_name(tmp_path):
    """kill -9 in the middle: what is left has a hidden temporary name that no reader takes for data."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.bin")], check=False)
    names = [entry.name for entry in tmp_path.iterdir()]
    assert len(names) == 1
    assert names[0].startswith(".a.bin.")
    assert names[0].endswith(".tmp")


def test_an_object_appears_when_its_upload_completes():
    """On a URL the object is there after the block, and after an error the one before."""
    store = fsspec.filesystem("memory")
    commit_bytes("memory://commit/a", b"one")
    assert store.cat("/commit/a") == b"one"
    with pytest.raises(ZeroDivisionError), commit_file("memory://commit/a") as file:
        file.write(b"two")
        raise ZeroDivisionError
    assert store.cat("/commit/a") == b"one"


def test_leftovers_go_and_what_is_being_written_stays(tmp_path):
    """Of a process of this machine it is known; what another machine wrote stays for a day, and so does any other."""
    leave(tmp_path, "a.parquet")
    here = Process.here()
    mine = temporary_name("b.parquet")
    foreign = mine.replace(mine.split(".")[-2].split("-")[0], "0123abcd")
    unknown = mine.replace(f"-{here.started}-", "--")
    old = foreign.replace("b.parquet", "c.parquet")
    for name in (mine, foreign, unknown, old, ".strange.tmp", "whole.tmp"):
        (tmp_path / name).write_bytes(b"half")
    past = time.time() - ABANDONED - 1
    for name in (mine, old, "whole.tmp"):
        os.utime(tmp_path / name, (past, past))
    remove_leftovers(tmp_path)
    left = {mine, foreign, unknown, ".strange.tmp", "whole.tmp"}
    assert {file.name for file in tmp_path.iterdir()} == left


def test_a_file_is_written_while_another_process_sweeps(tmp_path):
    """Nothing is taken from under a writer."""
    sweep = (
        "import sys; from pathlib import Path; from refinery.storage.commit import remove_leftovers as r; "
    )
    with commit_file(tmp_path / "a") as file:
        file.write(b"abc")
        subprocess.run([sys.executable, "-c", sweep + "r(Path(sys.argv[1]))", str(tmp_path)], check=True)
    assert (tmp_path / "a").read_bytes() == b"abc"
