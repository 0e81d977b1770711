"""The loop that bounds work in flight, counts, retries and reports; it stands once, above every executor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from refinery.errors import UnitFailed

A = TypeVar("A")
R = TypeVar("R")

MAX_RETRIES = 2  # of a unit whose worker died or whose storage failed for the moment


@dataclass(frozen=True)
class Unit(Generic[A]):
    """A piece of work: a plain function's argument, the name errors and logs use, its size in bytes of text."""

    name: str
    argument: A
    weight: int = 1


class WorkerLost(Exception):
    """The process that ran a unit is gone: killed, out of memory, or crashed in native code."""


class Executor(Protocol):
    """Runs a picklable function over arguments; knows nothing of retries or order."""

    slots: int

    def submit(self, ticket: int, function: Callable[[Any], Any], argument: Any) -> None:
        """Starts one call; its outcome is told by `wait` under the same ticket."""

    def wait(self) -> list[tuple[int, Any]]:
        """Blocks until at least one call has ended: (ticket, result or the exception it raised)."""

    def close(self) -> None:
        """Stops what runs and frees what it started."""


def run_units(
    executor: Executor,
    function: Callable[[A], R],
    units: Sequence[Unit[A]],
    on_done: Callable[[Unit[A], R], None] = lambda _unit, _result: None,
) -> list[R]:
    """Runs every unit, results in the units' order whatever the order of completion.

    A unit whose worker was lost, or that failed in a way that another attempt may mend, is retried `MAX_RETRIES`
    times; any other exception stops the run once the units in flight have ended, so that finished work stays
    finished. Raises the first failing unit's error.
    """
    results: dict[int, R] = {}
    losses = dict.fromkeys(range(len(units)), 0)
    failure: Exception | None = None
    waiting = iter(range(len(units)))
    in_flight = 0

    def start(ticket: int) -> None:
        nonlocal in_flight
        executor.submit(ticket, function, units[ticket].argument)
        in_flight += 1

    for ticket in islice(waiting, 2 * executor.slots):
        start(ticket)
    suspects: deque[int] = deque()
    while in_flight:
        alone = in_flight == 1
        for ticket, outcome in sorted(executor.wait(), key=lambda ended: ended[0]):
            in_flight -= 1
            if isinstance(outcome, WorkerLost) and not alone:
                suspects.append(ticket)  # any unit in flight may be the cause: each is run again by itself
                continue
            if isinstance(outcome, WorkerLost) or (isinstance(outcome, UnitFailed) and outcome.retryable):
                losses[ticket] += 1
                if losses[ticket] <= MAX_RETRIES:
                    suspects.append(ticket)
                    continue
            if isinstance(outcome, WorkerLost):
                lost = f"its worker process died {losses[ticket]} times: {outcome}"
                failure = failure or UnitFailed(units[ticket].name, lost)
            elif isinstance(outcome, Exception):
                failure = failure or outcome
            else:
                results[ticket] = outcome
                on_done(units[ticket], outcome)
        if failure is not None:
            continue
        if suspects:
            if in_flight == 0:
                start(suspects.popleft())
            continue
        for following in islice(waiting, 2 * executor.slots - in_flight):
            start(following)
    if failure is not None:
        raise failure
    return [results[ticket] for ticket in range(len(units))]
