"""Of several runs one makes a result."""

import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from refinery.errors import OutputError
from refinery.storage.claims import CLAIMS, claim
from refinery.storage.lock import hold
from refinery.storage.place import files_below, place_of
from refinery.storage.work_folder import pipeline_folder

# A run: it holds its pipeline's folder, claims keys, tells what came of that, and ends when its input does.
RUN = """
import sys
from pathlib import Path
from refinery.storage.claims import claim
from refinery.storage.lock import hold
from refinery.storage.place import place_of
from refinery.storage.work_folder import pipeline_folder
work, pipeline, *keys = sys.argv[1:]
work = place_of(work)
with hold(pipeline_folder(work, pipeline)), claim(work, pipeline, keys) as claimed:
    print(*sorted(claimed.mine), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["disk", "store"])
def work(request, tmp_path):
    if request.param == "disk":
        return tmp_path / "work"
    return place_of(f"{request.getfixturevalue('bucket')}/work")


@contextmanager
def running(work, pipeline, *keys):
    """A run in a process of its own, and the keys that it got."""
    command = [sys.executable, "-c", RUN, str(work), pipeline, *keys]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()


def test_a_key_is_claimed_by_one_run(work):
    """Another gets the rest and is told who has it; when the first has ended it gets all, and no file is left."""
    with hold(pipeline_folder(work, "legal")):
        with running(work, "medical", "a", "b") as (process, got):
            assert got == ["a", "b"]
            with claim(work, "legal", ["a", "b", "c"]) as claimed:
                assert claimed.mine == {"c"}
                assert claimed.others.keys() == {"a", "b"}
                assert claimed.others["a"].startswith(f"pipeline medical (process {process.pid} on ")
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
        assert files_below(work / CLAIMS) == {}
        with claim(work, "legal", ["a", "b", "c"]) as claimed:
            assert claimed.mine == {"a", "b", "c"}
    assert files_below(work / CLAIMS) == {}


def test_what_a_killed_run_claimed_is_free(work):
    """At once, for another pipeline and for its own."""
    for pipeline in ("legal", "medical"):
        with running(work, "medical", "a") as (process, got):
            assert got == ["a"]
            process.kill()
        assert files_below(work / CLAIMS).keys() == {"a"}
        with hold(pipeline_folder(work, pipeline)), claim(work, pipeline, ["a"]) as claimed:
            assert claimed.mine == {"a"}
            with ExitStack() as stack:
                _, got = stack.enter_context(running(work, "third", "a", "b"))
                assert got == ["b"]


def test_of_many_at_once_each_key_has_one(work):
    """Eight runs claim the same keys again and again: nobody gets one that another has."""
    keys, lock, rounds = list("abcde"), threading.Lock(), 200 if isinstance(work, Path) else 3
    held: Counter[str] = Counter()
    wrong, made = [], set()

    def make(pipeline):
        with hold(pipeline_folder(work, pipeline)):
            for _ in range(rounds):
                with claim(work, pipeline, keys) as claimed:
                    assert claimed.mine | claimed.others.keys() == set(keys)
                    with lock:
                        held.update(claimed.mine)
                        made.update(claimed.mine)
                        wrong.extend(key for key, number in held.items() if number > 1)
                    time.sleep(0)
                    with lock:
                        held.subtract(claimed.mine)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, (f"p{number}" for number in range(8))))
    assert wrong == []
    assert made == set(keys)
    assert files_below(work / CLAIMS) == {}


def test_an_error_in_the_block_frees_what_was_claimed(work):
    """It comes out as it is."""
    with hold(pipeline_folder(work, "legal")):
        with pytest.raises(FileNotFoundError, match="of the run"), claim(work, "legal", ["a"]):
            raise FileNotFoundError("of the run")
        assert files_below(work / CLAIMS) == {}


def test_a_claim_stands_with_the_folder_of_its_pipeline(bucket, s3_server):
    """On a store: not when its process holds that folder no more, nor when nobody can read whose it is."""
    work = place_of(f"{bucket}/work")
    with hold(pipeline_folder(work, "legal")):
        with hold(pipeline_folder(work, "medical")), ExitStack() as left:
            left.enter_context(claim(work, "medical", ["a"]))
            with claim(work, "legal", ["a"]) as claimed:
                assert claimed.mine == set()
            kept = left.pop_all()
        with claim(work, "legal", ["a"]) as claimed:
            assert claimed.mine == {"a"}
            kept.close()  # a late release takes nothing from another
            assert "work/claims/a" in s3_server.objects(bucket)
        name = bucket.removeprefix("s3://")
        s3_server.client().put_object(Bucket=name, Key="work/claims/b", Body=b"{}")
        with claim(work, "legal", ["b"]) as claimed:
            assert claimed.mine == {"b"}


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """A file in the place of the claims, a folder in that of a claim."""
    (tmp_path / "a" / CLAIMS / "key").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / CLAIMS).write_text("")
    for work in ("a", "b"):
        with pytest.raises(OutputError, match=CLAIMS), claim(tmp_path / work, "legal", ["key"]):
            pass


def test_a_part_is_given_up_before(work):
    """Another run gets it, and the rest when the block ends."""
    with hold(pipeline_folder(work, "legal")), hold(pipeline_folder(work, "medical")):
        with claim(work, "legal", ["a", "b"]) as claimed:
            claimed.release(["b", "c"])
            assert claimed.mine == {"a"}
            with claim(work, "medical", ["a", "b"]) as other:
                assert other.mine == {"b"}
            assert files_below(work / CLAIMS).keys() == {"a"}
        assert files_below(work / CLAIMS) == {}
