"""A fixed pool of actors for units that need GPUs.

A model takes seconds to minutes to load, so the workers stay from unit to unit, and all are started at once. An actor
is given a unit when it has none, so a lost one takes no other unit with it; it is replaced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import ray

from refinery.errors import RunError

Start = Callable[[Any], Any]  # of a unit on an actor; gives the reference to its result


class ModelWorkers:
    """Workers that each hold `gpus` of a cluster that has `total`; raises RunError when that is not one."""

    def __init__(self, run: Callable[..., Any], gpus: float, total: float) -> None:
        count = int(total / gpus + 1e-9)
        if count == 0:
            raise RunError(f"a measurer needs {gpus:g} GPUs; the nodes of the cluster have {total:g} in all")
        self._make = ray.remote(_ModelWorker).options(num_cpus=1, num_gpus=gpus, max_restarts=0)
        self._idle = deque(self._make.remote(run) for _ in range(count))
        self._busy: dict[Any, Any] = {}  # the actor of each reference
        self._waiting: deque[tuple[Start, Any]] = deque()

    def submit(self, start: Start, token: Any) -> None:
        """Has a unit started as soon as an actor is free; `token` is given back with its reference."""
        self._waiting.append((start, token))

    def started(self) -> Iterator[tuple[Any, Any]]:
        """Starts what can be started: (reference, token)."""
        while self._idle and self._waiting:
            actor, (start, token) = self._idle.popleft(), self._waiting.popleft()
            ref = start(actor)
            self._busy[ref] = actor
            yield ref, token

    def ended(self, ref: Any, run: Callable[..., Any], *, lost: bool) -> None:
        """The actor of an ended unit is free again, or another takes its place."""
        actor = self._busy.pop(ref)
        self._idle.append(self._make.remote(run) if lost else actor)


class _ModelWorker:
    """A process that keeps what its units loaded."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def run(self, *arguments: Any) -> Any:
        """Runs a unit."""
        return self._run(*arguments)
