"""How far a run is, by its events: the phase that goes on, and every source, stage and output of the definition."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from refinery.storage.clock import steady_seconds
from refinery.watch.events import (
    CacheChecked,
    Event,
    Finished,
    Kind,
    Phase,
    RunBegun,
    RunEnded,
    Subject,
    UnitBegun,
    UnitEnded,
)

Stand = Literal["waiting", "working", "done", "stopped"]


@dataclass(frozen=True)
class Line:
    """How far a source, stage or output is; documents and kept are None where nobody knows them yet.

    units, share (of their weight) and documents_per_second are those of the phase that goes on or was the last one;
    seconds: spent so far; seconds_left: None where it cannot be told.
    """

    kind: Kind
    name: str
    state: Stand = "waiting"
    documents: int | None = None
    kept: int | None = None
    phase: str = ""
    units_done: int = 0
    units: int = 0
    share: float = 0.0
    documents_per_second: float = 0.0
    mb_per_second: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None


@dataclass
class Work:
    """The units of a phase, or those of them that are for one subject; times are seconds of its clock."""

    phase: str = ""
    units: int = 0
    bytes: int = 0
    slots: int = 1
    more: bool = False  # other phases follow
    started: float = 0.0
    begun: float = 0.0  # when the first unit was handed out, 0 if none was
    ended: float = 0.0  # when a unit last ended
    units_done: int = 0
    bytes_done: int = 0
    documents: int = 0

    @property
    def done(self) -> bool:
        """Whether every unit has ended well."""
        return self.units_done == self.units

    @property
    def share(self) -> float:
        """Of the units' weight, how much is done."""
        return self.bytes_done / self.bytes if self.bytes else 0.0

    def seconds(self, now: float) -> float:
        """Since the first unit was handed out."""
        if not self.begun:
            return 0.0
        return max((self.ended if self.done else now) - self.begun, 0.0)

    def per_second(self, amount: float, now: float) -> float:
        """A rate since the first unit was handed out."""
        return amount / max(self.seconds(now), 1e-3)

    def seconds_left(self, now: float) -> float | None:
        """By the weight that was done until a unit last ended, counted down since then.

        None where this cannot be told: before as many units have ended as run at a time, since until then the ones
        in flight are missing from the rate, and when the estimate has passed.
        """
        if self.done or self.units_done < min(self.slots, self.units):
            return None
        rate = self.bytes_done / max(self.ended - self.begun, 1e-3)
        left = (self.bytes - self.bytes_done) / rate - (now - self.ended) if rate else 0.0
        return left if left > 0 else None


@dataclass
class _Row:
    state: Stand = "waiting"
    documents: int | None = None
    kept: int | None = None
    spent: float = 0.0  # seconds of the phases before
    work: Work = field(default_factory=Work)

    def add(self, documents: int | None, kept: int | None) -> None:
        if documents is not None:
            self.documents = (self.documents or 0) + documents
        if kept is not None:
            self.kept = (self.kept or 0) + kept


class Progress:
    """A listener that adds events up; other threads may ask it how far the run is."""

    def __init__(self, clock: Callable[[], float] = steady_seconds) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._rows: dict[Subject, _Row] = {}
        self.work = Work()  # of the phase

    def __call__(self, event: Event) -> None:
        """Takes an event into account."""
        with self._lock:
            if isinstance(event, RunBegun):
                self._rows = {subject: _Row() for subject in event.subjects}
            elif isinstance(event, CacheChecked):
                self._row(event.of).add(event.documents, event.kept)
            elif isinstance(event, Phase):
                self._phase(event)
            elif isinstance(event, UnitBegun):
                self._begun(event)
            elif isinstance(event, UnitEnded):
                self._ended(event)
            elif isinstance(event, Finished):
                row = self._row(event.of)
                row.state, row.documents, row.kept = "done", event.documents, event.kept
            elif isinstance(event, RunEnded):
                for row in self._rows.values():
                    row.state = "stopped" if row.state == "working" else row.state

    def lines(self) -> tuple[Line, ...]:
        """A line for each subject, in the definition's order."""
        with self._lock:
            now = self._clock()
            return tuple(_line(subject, row, now) for subject, row in self._rows.items())

    def line(self, subject: Subject) -> Line:
        """The line of a subject."""
        with self._lock:
            return _line(subject, self._row(subject), self._clock())

    def _row(self, subject: Subject) -> _Row:
        return self._rows.setdefault(subject, _Row())

    def _phase(self, event: Phase) -> None:
        now = self._clock()
        self.work = _more_work(self.work, event, event.units, event.bytes, now)
        for share in event.shares:
            row = self._row(share.of)
            if row.work.phase != event.phase:
                row.spent += row.work.seconds(now)
                row.state = "waiting"
            row.work = _more_work(row.work, event, share.units, share.bytes, now)

    def _begun(self, event: UnitBegun) -> None:
        now = self._clock()
        for subject in event.of:
            self._row(subject).state = "working"
        for work in self._works(event.of):
            work.begun = work.begun or now

    def _ended(self, event: UnitEnded) -> None:
        now = self._clock()
        for work in self._works(event.of):
            work.ended = now
            work.units_done += 1
            work.bytes_done += event.bytes
            work.documents += event.documents
        for count in event.counts:
            self._row(count.of).add(count.documents, count.kept)
        for subject in event.of:
            row = self._row(subject)
            if subject.kind == "source" and row.work.done and not row.work.more:
                row.state = "done"  # though others are still read in this phase

    def _works(self, subjects: tuple[Subject, ...]) -> list[Work]:
        return [self.work, *(self._row(subject).work for subject in subjects)]


def _more_work(before: Work, event: Phase, units: int, size: int, now: float) -> Work:
    """The work of a phase that goes on, or of another one."""
    work = before if before.phase == event.phase else Work(event.phase, started=now)
    work.units += units
    work.bytes += size
    work.slots, work.more = event.slots, event.more
    return work


def _line(subject: Subject, row: _Row, now: float) -> Line:
    work = row.work
    return Line(
        subject.kind,
        subject.name,
        row.state,
        row.documents,
        row.kept,
        work.phase,
        work.units_done,
        work.units,
        round(work.share, 4),
        round(work.per_second(work.documents, now), 3),
        round(work.per_second(work.bytes_done, now) / 1e6, 3),
        round(row.spent + work.seconds(now), 3),
        work.seconds_left(now) if row.state == "working" and not work.more else None,
    )
