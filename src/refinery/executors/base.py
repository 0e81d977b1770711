"""The loop that bounds work in flight, counts, retries and reports; it stands once, above every executor."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from rich.filesize import decimal

from refinery.errors import RefineryError, StorageError, UnitFailed

if TYPE_CHECKING:
    from refinery.executors.shipping import Shipped
    from refinery.watch.events import Subject

A = TypeVar("A")
R = TypeVar("R")

MAX_RETRIES = 2  # of a unit whose worker died or whose storage failed for the moment
MAX_DOUBLINGS = 1  # of a unit's memory
BASE_MEMORY = 768 << 20  # of a worker with every kernel and the language model; a unit adds its own
MAX_FAILED = 3  # units that fail before no more are started: by then it is not one document's fault


@dataclass(frozen=True, slots=True)
class Unit(Generic[A]):
    """A piece of work: a plain function's argument, the name errors and logs use, its weight in bytes of text.

    gpus: the share of GPUs that it needs; on one machine its workers share what there is. memory: bytes that it takes
    beside its process, where that is known better than by its text. of: what of the definition it is for.
    """

    name: str
    argument: A
    weight: int = 1
    gpus: float = 0.0
    memory: int = 0
    of: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a unit, as its worker tells: `outcome` is the result or the exception.

    started: seconds since the epoch, 0 if the worker could not tell; memory: its peak in bytes, 0 if unknown.
    """

    outcome: Any
    started: float = 0.0
    seconds: float = 0.0
    memory: int = 0
    worker: str = ""  # host and process


class WorkerLost(Exception):
    """The process that ran a unit is gone: killed or crashed in native code.

    `certain` is False when the executor only knows that one of the units in flight did it.
    """

    def __init__(self, problem: str, *, certain: bool = True) -> None:
        super().__init__(problem)
        self.certain = certain


class OutOfMemory(Exception):
    """A unit was killed for want of memory; `reserved` bytes had been set aside for it, `most` one could have."""

    def __init__(self, reserved: int, most: int) -> None:
        super().__init__(f"killed for want of memory with {decimal(reserved)} reserved")
        self.reserved = reserved
        self.most = most


class Executor(Protocol):
    """Runs picklable functions over arguments; knows nothing of retries or order."""

    @property
    def slots(self) -> int:
        """How many units run at a time; may change."""

    @property
    def elsewhere(self) -> bool:
        """Whether units may run on machines that do not see this one's disk."""

    def submit(self, ticket: int, function: Callable[[Any], Any], unit: Unit[Any], doublings: int) -> None:
        """Starts one call, with so many doublings of its memory; `wait` tells its end under the ticket."""

    def wait(self) -> list[tuple[int, Attempt]]:
        """Blocks until a call has ended; may come back empty-handed, so that the window follows `slots`."""

    def prepare(self, function: Callable[[Any], None], argument: Any) -> None:
        """Has a function called once on every machine before units are run there."""

    def everywhere(self, function: Callable[[Any], Any], argument: Any) -> dict[str, Any]:
        """The function's results (or exceptions) on every node by its name; none if units run here alone."""

    def ship(self, files: Mapping[str, Shipped]) -> None:
        """Names the copies that other machines read in place of files of this one."""

    def close(self) -> None:
        """Stops what runs and frees what it started."""


# Called with each attempt of a unit, counted from 1: with None when it is handed to the executor, and when it ended.
Watch: TypeAlias = Callable[[Unit[Any], int, Attempt | None], None]


def run_units(
    executor: Executor,
    function: Callable[[A], R],
    units: Sequence[Unit[A]],
    watch: Watch = lambda _unit, _attempt, _ended: None,
) -> list[R]:
    """Runs every unit, results in the units' order whatever the order of completion.

    A unit whose worker was lost, or that failed in a way that another attempt may mend, is retried `MAX_RETRIES`
    times for each cause, one that ran out of memory once with twice as much; when that does not help the others are
    still run, up to `MAX_FAILED` such units. Any other exception stops the run once the units in flight have ended,
    so that finished work stays finished. Raises the first failing unit's error.
    """
    loop = _Loop(executor, function, units, watch)
    while loop.fill():
        for ticket, ended in sorted(executor.wait(), key=lambda pair: pair[0]):
            loop.take(ticket, ended)
    if loop.failures:
        raise loop.failures[min(loop.failures)]
    return [loop.results[ticket] for ticket in range(len(units))]


@dataclass
class _Loop(Generic[A, R]):
    executor: Executor
    function: Callable[[A], R]
    units: Sequence[Unit[A]]
    watch: Watch
    results: dict[int, R] = field(default_factory=dict)
    failures: dict[int, Exception] = field(default_factory=dict)
    in_flight: int = 0
    again: deque[int] = field(default_factory=deque)
    suspects: deque[int] = field(default_factory=deque)  # one of them takes its worker down: each runs alone
    attempts: Counter[int] = field(default_factory=Counter)
    losses: Counter[tuple[int, str]] = field(default_factory=Counter)  # by unit and cause
    alone: bool = False
    waiting: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = iter(range(len(self.units)))

    def fill(self) -> bool:
        """Submits what the window has room for; False when nothing is left to wait for."""
        for ticket in self._next():
            self.attempts[ticket] += 1
            unit = self.units[ticket]
            self.watch(unit, self.attempts[ticket], None)
            self.executor.submit(ticket, self.function, unit, self.losses[ticket, "memory"])
            self.in_flight += 1
        self.alone = self.in_flight == 1
        return self.in_flight > 0

    def _next(self) -> Iterator[int]:
        if self._stopped():
            return
        if self.suspects:
            if self.in_flight == 0:
                yield self.suspects.popleft()
            return
        window = 2 * self.executor.slots
        while self.in_flight < window:
            ticket = self.again.popleft() if self.again else next(self.waiting, None)
            if ticket is None:
                return
            yield ticket

    def take(self, ticket: int, ended: Attempt) -> None:
        """Notes the end of an attempt: a result, a reason to try again, or the failure of the run."""
        self.in_flight -= 1
        unit, outcome = self.units[ticket], ended.outcome
        self.watch(unit, self.attempts[ticket], ended)
        if not isinstance(outcome, Exception):
            self.results[ticket] = outcome
            return
        unsure = isinstance(outcome, WorkerLost) and not outcome.certain
        if unsure and not self.alone:
            self.suspects.append(ticket)
            return
        cause = _cause(outcome)
        self.losses[ticket, cause] += 1
        if self.losses[ticket, cause] <= _RETRIES[cause] and not _hopeless(outcome):
            (self.suspects if unsure else self.again).append(ticket)
            return
        self.failures[ticket] = _final(unit.name, outcome, self.losses[ticket, cause])

    def _stopped(self) -> bool:
        """One unit that cannot be done is no reason not to do the others; anything else may be wrong with all."""
        return len(self.failures) >= MAX_FAILED or not all(
            isinstance(e, UnitFailed) for e in self.failures.values()
        )


_RETRIES = {"worker": MAX_RETRIES, "moment": MAX_RETRIES, "memory": MAX_DOUBLINGS, "error": 0}


def _cause(error: Exception) -> str:
    if isinstance(error, WorkerLost):
        return "worker"
    if isinstance(error, OutOfMemory):
        return "memory"
    return "moment" if isinstance(error, StorageError) else "error"


def _hopeless(error: Exception) -> bool:
    return isinstance(error, OutOfMemory) and error.reserved >= error.most


def _final(unit: str, error: Exception, times: int) -> Exception:
    if isinstance(error, WorkerLost):
        mend = "try fewer --workers; if it dies then too, a document of this shard does it"
        return UnitFailed(unit, f"its worker process died {times} times: {error}; {mend}")
    if isinstance(error, OutOfMemory):
        tried = (
            f"ran out of memory {times} times, the last time with {decimal(error.reserved)} reserved for it"
        )
        return UnitFailed(unit, f"{tried}; the largest node offers {decimal(error.most)}")
    if isinstance(error, MemoryError):
        return UnitFailed(unit, f"ran out of memory: {error or 'no more could be allocated'}")
    if isinstance(error, StorageError):
        return UnitFailed(unit, str(error))
    if not isinstance(error, RefineryError):
        error.add_note(f"while working on {unit}")
    return error


def unwrap(function: Callable[..., R]) -> Callable[..., R]:
    """The function that functools.partial gave arguments to, or the function itself: what has a name.

    >>> from functools import partial
    >>> unwrap(partial(max, 1)).__name__
    'max'
    """
    found: Callable[..., R] = getattr(function, "func", function)
    return found
