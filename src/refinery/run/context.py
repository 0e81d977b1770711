"""What the steps of a run share: the plan, where units run, who is told, what has been counted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from refinery.executors.base import Attempt, Executor, Unit, run_units
from refinery.executors.shipping import Shipped, file_arguments
from refinery.plan.plan import UNITS, Plan
from refinery.run.decide import StageTally
from refinery.run.folder import Held
from refinery.run.progress import Progress
from refinery.storage.place import remove_file

R = TypeVar("R")


@dataclass
class Run:
    """A plan being executed: where units run, who is told, what has been counted so far.

    shipped: files of this machine that units name by a copy that all see.
    """

    plan: Plan
    executor: Executor
    progress: Progress
    still_held: Held  # raises RunError when another run has taken over a folder
    shipped: Mapping[str, Shipped] = field(default_factory=dict)
    tallies: dict[tuple[str, int], StageTally] = field(default_factory=dict)  # by stage and shard number
    seconds: dict[str, float] = field(default_factory=dict)  # by phase

    def map(
        self,
        phase: str,
        function: Callable[[Any], R],
        units: Sequence[Unit[Any]],
        documents: Callable[[R], int] = lambda _: 0,
    ) -> list[R]:
        """Runs units as a phase with progress, results in order; a large argument goes by a file."""
        if not units:
            return []
        started = time.perf_counter()
        self.progress.start(phase, len(units), sum(unit.weight for unit in units))
        place = self.plan.work / UNITS / f"{re.sub(r'[^a-z0-9]+', '-', phase)}.bin"
        try:
            arguments = file_arguments([unit.argument for unit in units], place, self.shipped)
            sent = [replace(unit, argument=one) for unit, one in zip(units, arguments, strict=True)]
            watcher = _Watcher(self.progress, documents, self.still_held)
            return run_units(self.executor, function, sent, watcher)
        finally:
            remove_file(place)
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class _Watcher:
    """Tells the progress of every attempt and how many documents a finished one was about; stops a run that lost a
    folder, for an interrupt may be ignored (in the background of a script, say).
    """

    progress: Progress
    documents: Callable[[Any], int]
    still_held: Held

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        self.progress.begun(unit, attempt)

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt) -> None:
        self.still_held()
        failed = isinstance(ended.outcome, Exception)
        self.progress.ended(unit, attempt, ended, 0 if failed else self.documents(ended.outcome))
