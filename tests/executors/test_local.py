"""Workers on this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from refinery.executors.base import Unit
from refinery.executors.local import InProcess, ProcessPool, default_workers, local

PARENT = """
import sys, time
from refinery.executors.base import Unit
from refinery.executors.local import ProcessPool
from tests.executors.test_local import own_process
if __name__ == "__main__":
    pool = ProcessPool(2)
    pool.submit(0, own_process, Unit("one", None), 0)
    print(pool.wait()[0][1].outcome, flush=True)
    time.sleep(600)
"""


def own_process(_: object) -> int:
    return os.getpid()


def test_a_pool_only_where_it_pays():
    """One worker is this process; more are a pool; the default is what this process may use."""
    assert isinstance(local(1), InProcess)
    pool = local(3)
    assert isinstance(pool, ProcessPool)
    assert pool.slots == 3
    assert 1 <= default_workers() <= (os.cpu_count() or 1)


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    """After kill -9 of the parent no worker stays behind."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.stdout.read()  # ends when the last process that holds the pipe has ended
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        os.sched_yield()
    assert not Path(f"/proc/{worker}").exists()


def work_on(file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)


def test_closing_kills_what_runs(tmp_path):
    """A stopped run ends at once and leaves no worker that writes while the next run has begun."""
    pool, mark = ProcessPool(1), tmp_path / "began"
    pool.submit(0, work_on, Unit("one", str(mark)), 0)
    while not (mark.exists() and mark.read_text()):
        os.sched_yield()
    pool.close()
    assert not Path(f"/proc/{mark.read_text()}").exists()
