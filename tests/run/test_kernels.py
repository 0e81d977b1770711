"""Kernels are compiled once on each machine."""

import pytest

from refinery.executors.base import Unit
from refinery.executors.local import InProcess
from refinery.run.context import Run
from refinery.run.kernels import compile_kernels, measure_sample
from refinery.run.measure import MeasureTask
from refinery.watch.events import Phase, Subject, UnitEnded
from tests.run.planning import plan_of

CRAWL = Subject("source", "crawl")


class Preparing(InProcess):
    """Notes what every machine is to be prepared with."""

    def __init__(self):
        super().__init__()
        self.prepared = []

    def prepare(self, function, argument):
        self.prepared.append((function, argument.name))


@pytest.mark.parametrize("shards", [1, 3])
def test_each_measurer_measures_a_sample_once(shards, data_repository):
    """On every machine, as a phase of the sources; one unit on one worker compiles what it uses by itself."""
    plan = plan_of(data_repository / "pipeline.yaml")
    executor, told = Preparing(), []
    run = Run(plan, executor, told.append, lambda: None)
    tasks = [MeasureTask(p, plan.missing(p, frozenset()), True) for p in plan.shards[:shards]]
    compile_kernels(run, [Unit(task.planned.name, task, of=(CRAWL,)) for task in tasks])
    if shards == 1:
        assert (executor.prepared, told) == ([], [])
        return
    names = [m.measurer.name for m in tasks[0].missing]
    assert executor.prepared == [(measure_sample, name) for name in names]
    assert told[0].phase == "kernels"
    assert told[0].more
    assert [event.unit for event in told if isinstance(event, UnitEnded)] == names
    assert [share.of for event in told if isinstance(event, Phase) for share in event.shares] == [CRAWL]
