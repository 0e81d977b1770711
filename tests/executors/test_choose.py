"""Which executor a run gets; clusters that cannot be joined are under test with one."""

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


def test_an_address_is_not_for_this_machine():
    """Told, not ignored."""
    with pytest.raises(DefinitionError, match="--address is for --executor ray"):
        choose(Kind.LOCAL, None, "localhost:6379", 1)
