"""What the steps of a run share: the plan, where units run, who is told, what has been counted."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from refinery.executors.base import Attempt, Executor, Unit, run_units
from refinery.executors.shipping import Shipped, file_arguments
from refinery.plan.contents import contents_of
from refinery.plan.plan import UNITS, Plan
from refinery.run.tallies import Tallies
from refinery.shuffle.units import MapUnits
from refinery.storage.commit import remove_leftover
from refinery.storage.lock import Held
from refinery.storage.place import is_remote, remove_file
from refinery.watch import events
from refinery.watch.events import Count, Subject
from refinery.watch.find_status import last_heard

if TYPE_CHECKING:
    from refinery.plan.derivations import Reason
    from refinery.plan.result import Result
    from refinery.run.manifest import Manifest
    from refinery.run.records import ShardRecord

R = TypeVar("R")


@dataclass
class Run:
    """A plan being executed: where units run, who is told, what has been counted so far.

    shipped: files of this machine that units name by a copy that all see.
    """

    plan: Plan
    executor: Executor
    emit: events.Listener
    still_held: Held  # raises RunError when another run has taken over a folder
    shipped: Mapping[str, Shipped] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun: float = field(default_factory=time.perf_counter)  # the clock of people may be set meanwhile
    records: dict[int, ShardRecord] = field(default_factory=dict)  # by shard number
    kept_records: set[int] = field(default_factory=set)  # those that the pipeline has in tables
    tallies: Tallies = field(default_factory=Tallies)
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    estimated: float = 0.0  # seconds that it was to take by the rates of benchmarks
    finished: dict[Subject, events.Finished] = field(default_factory=dict)
    reasons: Mapping[str, Sequence[Reason]] = field(default_factory=dict)  # why results are other ones
    manifests: dict[str, Manifest] = field(default_factory=dict)  # by output
    present: Container[str] = frozenset()  # files in the folders of shards when they were last listed
    heard: Mapping[str, float] | None = None  # of other pipelines then, see last_heard
    warnings: dict[Subject, list[str]] = field(default_factory=dict)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.begun

    def list_files(self) -> None:
        """Lists the work folder, which may have millions of files, unless no other run can have added to it since.

        What this run has added is not looked for. Leftovers of killed processes go.
        """
        heard = last_heard(self.plan.work, self.plan.graph.name)
        if heard is not None and heard == self.heard:
            return
        found = contents_of(self.plan.work)
        self.emit(events.WorkFolder(dict(found.sizes)))
        if not is_remote(self.plan.work):
            for name in found.present.leftovers:
                remove_leftover(Path(name))
        self.present, self.heard = found.present, heard

    def map(
        self,
        phase: str,
        function: Callable[[Any], R],
        units: Sequence[Unit[Any]],
        *,
        documents: Callable[[R], int] = lambda _: 0,
        counts: Callable[[tuple[Subject, ...], R], Iterable[Count]] = lambda _of, _result: (),
        more: bool = False,
    ) -> list[R]:
        """Runs units as a phase, every attempt an event; results in order; a large argument goes by a file.

        documents: those that a result is about, for rates; counts: what came and was kept by a result, given what its
        unit is for; more: phases of unknown number follow for what the units are for.
        Raises what run_units raises, and RunError when another run has taken over a folder: an interrupt alone may be
        ignored (in the background of a script, say).
        """
        if not units:
            return []

        def watch(unit: Unit[Any], attempt: int, ended: Attempt | None) -> None:
            known = (phase, unit.name, attempt, unit.weight, unit.of)
            if ended is None:
                self.emit(events.UnitBegun(*known, memory=unit.memory))
                return
            self.still_held()
            took = (ended.worker, round(ended.started, 3), round(ended.seconds, 6), ended.memory)
            if isinstance(ended.outcome, Exception):
                self.heard = None  # a worker that was killed leaves a file: it is looked for again
                error, problem = type(ended.outcome).__name__, str(ended.outcome)
                self.emit(events.UnitFailed(*known, *took, error=error, problem=problem))
            else:
                found, counted = documents(ended.outcome), tuple(counts(unit.of, ended.outcome))
                self.emit(events.UnitEnded(*known, *took, documents=found, counts=counted))

        started = time.perf_counter()
        self.emit(_phase(phase, units, self.executor.slots, more))
        place = self.plan.own / UNITS / f"{re.sub(r'[^a-z0-9]+', '-', phase)}.bin"
        try:
            arguments = file_arguments([unit.argument for unit in units], place, self.shipped)
            sent = [replace(unit, argument=one) for unit, one in zip(units, arguments, strict=True)]
            results = run_units(self.executor, function, sent, watch)
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started
        remove_file(place)  # after an error the end of the run does, unless the store is gone
        return results

    def map_units(self, of: Subject) -> MapUnits:
        """Has the steps of a verb or a maker run for a subject; how many follow, only those know."""

        def run_step(
            step: str, function: Callable[[Any], Any], arguments: Sequence[Any], /, *, memory: int = 0
        ) -> list[Any]:
            total = len(arguments)
            units = [
                Unit(f"{of.name} {step} {number:06} of {total:06}", argument, memory=memory, of=(of,))
                for number, argument in enumerate(arguments, 1)
            ]
            return self.map(step, function, units, more=True)

        return run_step

    def checked(
        self, result: Result, what: str, found: int, missing: int, count: Count | None = None
    ) -> None:
        """Tells whether a result is there: of how many parts, and what those count."""
        why = tuple(map(str, self.reasons.get(result.name, ())))
        documents, kept = (count.documents, count.kept) if count else (None, None)
        self.emit(events.CacheChecked(result.of, what, found, missing, documents, kept, result.key, why))

    def warn(self, of: Subject, message: str) -> None:
        """Tells something that a person should look at; it is told again at the end, and in manifests."""
        known = self.warnings.setdefault(of, [])
        if message not in known:
            known.append(message)
            self.emit(events.Warned(of, message))

    def finish(self, of: Subject, documents: int | None = None, kept: int | None = None) -> None:
        """Tells that nothing is left to do for a subject; once, and again when its counts are known better."""
        event = events.Finished(of, documents, kept)
        if self.finished.get(of) != event:
            self.finished[of] = event
            self.emit(event)


def _phase(phase: str, units: Sequence[Unit[Any]], slots: int, more: bool) -> events.Phase:
    numbers, weights = Counter[Subject](), Counter[Subject]()
    for unit in units:
        for subject in unit.of:
            numbers[subject] += 1
            weights[subject] += unit.weight
    shares = tuple(events.Share(subject, number, weights[subject]) for subject, number in numbers.items())
    return events.Phase(phase, len(units), sum(unit.weight for unit in units), slots, shares, more)
