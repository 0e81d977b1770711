"""One process at a time in a folder."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from refinery.errors import FolderInUse, OutputError
from refinery.storage.lock import LOCK, hold, hold_when_free
from tests.storage.leftover import leave

HOLD = "import sys; from pathlib import Path; from refinery.storage.lock import hold\nwith hold(Path(sys.argv[1])): "


def test_a_folder_is_held_by_one_process(tmp_path):
    """Another process is refused while the folder is held, and not when it is free again."""
    command = [sys.executable, "-c", HOLD + "print('mine')", str(tmp_path)]
    with hold(tmp_path) as still_held:
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        still_held()
    assert "another run is working here" in refused.stderr
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "mine\n"


def test_a_folder_that_another_process_holds_is_refused(tmp_path):
    """The error comes at once and names the folder; when that process is killed the folder is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD + "print('held', flush=True); sys.stdin.read()", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse, match=f"{tmp_path}: another run"), hold(tmp_path):
            pass
        other.kill()
    with hold(tmp_path):
        pass


def test_what_a_killed_process_was_writing_goes(tmp_path):
    """Temporary files are removed when the folder is held, other files are not."""
    leave(tmp_path, "a.parquet")
    (tmp_path / "b").write_text("whole")
    with hold(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, "b"]


def test_a_folder_that_cannot_be_is_told(tmp_path):
    """A file in the place of a folder is an error of the output, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"), hold(tmp_path / "file" / "work"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, number):
    """As what it is, also where a run has left its file, and never as a folder that another run holds."""

    def no_locks(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    for _ in range(2):
        with (
            pytest.raises(OutputError, match=f"{tmp_path}: cannot be locked: .*has locks") as told,
            hold(tmp_path),
        ):
            pass
        assert not isinstance(told.value, FolderInUse)


def test_a_folder_is_waited_for(tmp_path):
    """Until it is free; who waits tells so once."""
    told = []
    with ThreadPoolExecutor(1) as pool:
        with hold(tmp_path):
            waiting = pool.submit(held_when_free, tmp_path, told)
            while not told:
                time.sleep(0.001)
            assert not waiting.done()
        assert waiting.result(timeout=30)
    assert told == [
        f"waiting: {tmp_path}: another run is working here; wait for it, or give this one another folder; "
        "`refinery status` tells whose it is"
    ]


def held_when_free(folder, told):
    with hold_when_free(folder, told.append):
        return True
