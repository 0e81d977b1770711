"""Which executor a run gets; clusters that cannot be joined are under test with one."""

import subprocess
import sys

import pytest

from refinery.errors import DefinitionError
from refinery.executors.choose import INSIDE_JOB, Kind, choose
from refinery.executors.local import InProcess, ProcessPool


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """No job, no cluster that the environment names."""
    for name in ("RAY_ADDRESS", INSIDE_JOB):
        monkeypatch.delenv(name, raising=False)


def test_without_a_cluster_it_is_this_machine():
    """As many workers as are asked for, and no more than there are units."""
    assert isinstance(choose(Kind.AUTO, 4, None, 1), InProcess)
    pool = choose(Kind.AUTO, 4, None, 3)
    assert isinstance(pool, ProcessPool)
    assert pool.slots == 3


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
from refinery.executors.choose import Kind, choose
from refinery.report.cost import cost_tables
from refinery.run.cost import Estimate
for memory in (1 << 30, 4 << 30):
    choose(Kind.LOCAL, 2, None, 1, memory)
    *_, told = cost_tables(Estimate((), 0.0, 1, 0, 0, memory, 1.0, 0))
    print(told)
"""


def test_a_worker_that_may_take_more_than_it_has_is_told():
    """By the run and by its plan, under a limit of the address space; one that fits is not."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["note: a worker may take 4096 MiB: ulimit -v allows 1536 MiB"]
    assert done.stdout.splitlines() == [
        "memory: at most 1.1 GB a worker",
        "memory: at most 4.3 GB a worker; ulimit -v allows 1536 MiB",
    ]


def test_an_address_is_not_for_this_machine():
    """Told, not ignored."""
    with pytest.raises(DefinitionError, match="--address is for --executor ray"):
        choose(Kind.LOCAL, None, "localhost:6379", 1)
