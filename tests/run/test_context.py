"""What the steps of a run share."""

import pytest

from refinery.errors import RunError
from refinery.executors.base import Unit
from refinery.executors.local import InProcess
from refinery.run.context import Run
from refinery.run.progress import Silent
from tests.run.planning import plan_of


@pytest.fixture
def run(data_repository):
    plan = plan_of(data_repository / "pipeline.yaml")
    return Run(plan, InProcess(), Silent(), lambda: None)


def test_results_come_in_the_order_of_the_units(run):
    """Of small arguments and of large ones, which go by a file that is gone afterwards."""
    arguments = [list(range(n)) for n in (5000, 3, 6000)]
    units = [Unit(str(n), argument) for n, argument in enumerate(arguments)]
    assert run.map("count: all", len, units) == [5000, 3, 6000]
    assert list((run.plan.work / "units").iterdir()) == []
    assert set(run.seconds) == {"count: all"}


def test_a_run_that_lost_its_folder_goes_no_further(run):
    """It is told at the end of a unit, whatever came of that."""

    def lost() -> None:
        raise RunError("another run works here")

    run.still_held = lost
    done = []
    with pytest.raises(RunError, match="another run works here"):
        run.map("note", done.append, [Unit("1", 1), Unit("2", 2)])
    assert done == [1]
