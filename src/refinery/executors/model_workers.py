"""A pool of actors for units that need GPUs.

A model takes seconds to minutes to load, so its workers stay from unit to unit. An actor is given a unit when it has
none, so that a lost one takes no other unit with it, and only once it has answered: Ray cannot place one whose GPU
another job holds or whose node is gone, and a unit given to it would wait for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError

from refinery.errors import RunError

Start = Callable[[Any], Any]  # starts a unit on an actor; gives the reference to its end
MAX_ROUNDS = 3  # of as many actors as there may be that end before they answer


class ModelWorkers:
    """Actors that call `run`, each with `gpus`, `memory` (bytes) and one processor."""

    def __init__(self, run: Callable[..., Any], gpus: float, memory: int) -> None:
        self.gpus = gpus
        self.memory = memory
        self._actor = ray.remote(_ModelWorker).options(
            num_cpus=1, num_gpus=gpus, memory=memory, max_restarts=0
        )
        self._run = run
        self._starting: dict[Any, Any] = {}  # actors by the reference to their first answer
        self._idle: deque[Any] = deque()
        self._busy: dict[Any, Any] = {}  # by the reference to their unit
        self._waiting: deque[tuple[Start, Any]] = deque()
        self._most = 0  # actors there ever were room for
        self._failed = 0  # actors that ended before they answered, since one did answer

    def submit(self, start: Start, token: Any) -> None:
        """Has a unit started as soon as an actor is free; `token` comes back with its reference."""
        self._waiting.append((start, token))

    def started(self, room: int) -> Iterator[tuple[Any, Any]]:
        """Starts what actors are free for, and more actors while the nodes have room: (reference, token)."""
        self._take_answers()
        self._most = max(self._most, room)
        wanted = min(room, len(self._busy) + len(self._waiting))
        for _ in range(wanted - len(self._busy) - len(self._idle) - len(self._starting)):
            self._await(self._actor.remote(self._run))
        while self._idle and self._waiting:
            actor, (start, token) = self._idle.popleft(), self._waiting.popleft()
            ref = start(actor)
            self._busy[ref] = actor
            yield ref, token

    def ended(self, ref: Any, *, lost: bool) -> None:
        """The actor of a unit that has ended is free again; after a loss the others may be lost as well."""
        actor = self._busy.pop(ref, None)
        if actor is None:
            return
        if not lost:
            self._idle.append(actor)
            return
        ray.kill(actor)
        while self._idle:
            self._await(self._idle.popleft())

    @property
    def starting(self) -> list[Any]:
        """References to the answers of actors that have not answered yet."""
        return list(self._starting)

    @property
    def waiting(self) -> int:
        """How many units no actor has been free for."""
        return len(self._waiting)

    @property
    def unused(self) -> bool:
        """Whether no unit runs or waits: time to give the GPUs back."""
        return not self._busy and not self._waiting

    def close(self) -> None:
        """Ends every actor with what it does."""
        for actor in (*self._starting.values(), *self._idle, *self._busy.values()):
            with suppress(Exception):
                ray.kill(actor)

    def _await(self, actor: Any) -> None:
        self._starting[actor.ready.remote()] = actor

    def _take_answers(self) -> None:
        refs = self.starting
        answered = ray.wait(refs, num_returns=len(refs), timeout=0)[0] if refs else []
        for ref in answered:
            actor = self._starting.pop(ref)
            try:
                ray.get(ref)
            except RayError as error:
                self._failed += 1
                if self._failed > MAX_ROUNDS * self._most:
                    raise RunError(
                        f"a worker with {self.gpus:g} of a GPU cannot be started: {error}"
                    ) from None
            else:
                self._failed = 0
                self._idle.append(actor)


class _ModelWorker:
    """A process that keeps what its units loaded."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def ready(self) -> None:
        """Answers, once the process runs."""

    def run(self, *arguments: Any) -> Any:
        """Runs a unit."""
        return self._run(*arguments)
