"""A fixed pool of actors for units that need GPUs.

A model takes seconds to minutes to load, so its workers stay from unit to unit, and all are started at once. An actor
is given a unit when it has none: a lost one takes no other unit with it, and another takes its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import ray

from refinery.errors import RunError

Start = Callable[[Any], Any]  # starts a unit on an actor; gives the reference to its end


class ModelWorkers:
    """So many actors that call `run`, each with `gpus` and one processor; raises RunError for none."""

    def __init__(self, run: Callable[..., Any], gpus: float, count: int) -> None:
        if count == 0:
            problem = (
                f"a measurer needs {gpus:g} of a GPU, and no node of the cluster has that and a processor"
            )
            raise RunError(f"{problem}; start nodes with GPUs, or set its `gpus` to 0")
        self._actor = ray.remote(_ModelWorker).options(num_cpus=1, num_gpus=gpus, max_restarts=0)
        self._run = run
        self._idle = deque(self._actor.remote(run) for _ in range(count))
        self._busy: dict[Any, Any] = {}  # the actor of each reference
        self._waiting: deque[tuple[Start, Any]] = deque()

    def submit(self, start: Start, token: Any) -> None:
        """Has a unit started as soon as an actor is free; `token` comes back with its reference."""
        self._waiting.append((start, token))

    def started(self) -> Iterator[tuple[Any, Any]]:
        """Starts what actors are free for: (reference, token)."""
        while self._idle and self._waiting:
            actor, (start, token) = self._idle.popleft(), self._waiting.popleft()
            ref = start(actor)
            self._busy[ref] = actor
            yield ref, token

    def ended(self, ref: Any, *, lost: bool) -> None:
        """The actor of a unit that has ended is free again; a lost one is replaced."""
        actor = self._busy.pop(ref, None)
        if actor is not None:
            self._idle.append(self._actor.remote(self._run) if lost else actor)

    @property
    def unused(self) -> bool:
        """Whether no unit runs or waits: time to give the GPUs back."""
        return not self._busy and not self._waiting


class _ModelWorker:
    """A process that keeps what its units loaded."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def run(self, *arguments: Any) -> Any:
        """Runs a unit."""
        return self._run(*arguments)
