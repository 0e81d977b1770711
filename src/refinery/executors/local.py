"""Units on this machine: in this process for one worker, in a pool of fresh processes for more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from refinery.executors.base import Attempt, Unit, WorkerLost
from refinery.executors.limits import one_thread
from refinery.executors.worker import attempt, attempt_elsewhere

if TYPE_CHECKING:
    from refinery.executors.shipping import Shipped


class _Here:
    """What both executors of this machine have in common: there is no other."""

    elsewhere = False

    def prepare(self, function: Callable[[Any], None], argument: Any) -> None:
        """In this process: workers find what it left on disk."""
        function(argument)

    def everywhere(self, function: Callable[[Any], Any], argument: Any) -> dict[str, Any]:
        """There is no other machine."""
        return {}

    def ship(self, files: Mapping[str, Shipped]) -> None:
        """Nothing has to go anywhere."""


class InProcess(_Here):
    """One worker: this process. An error keeps its traceback, a debugger works, nothing is pickled."""

    slots = 1

    def __init__(self) -> None:
        self._queue: deque[tuple[int, Callable[[Any], Any], Unit[Any]]] = deque()

    def submit(self, ticket: int, function: Callable[[Any], Any], unit: Unit[Any], doublings: int) -> None:
        """Queues the call; `wait` makes it."""
        self._queue.append((ticket, function, unit))

    def wait(self) -> list[tuple[int, Attempt]]:
        """Makes the next call."""
        ticket, function, unit = self._queue.popleft()
        return [(ticket, attempt(function, unit.argument))]

    def close(self) -> None:
        """Nothing to free."""
        self._queue.clear()


class ProcessPool(_Here):
    """Several workers, started with `spawn`: a forked child would inherit locks held by Arrow's threads."""

    def __init__(self, workers: int) -> None:
        self.slots = workers
        self._pool: ProcessPoolExecutor | None = None
        self._futures: dict[Future[Attempt], int] = {}

    def submit(self, ticket: int, function: Callable[[Any], Any], unit: Unit[Any], doublings: int) -> None:
        """Hands the call to a worker; starts the pool when there is none."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.slots, mp_context=context, initializer=_start_worker)
        try:
            with _without_main():
                future = self._pool.submit(attempt_elsewhere, function, unit.argument)
        except BrokenProcessPool as error:  # broken by a call whose end has not been collected yet
            future = Future()
            future.set_exception(error)
        self._futures[future] = ticket

    def wait(self) -> list[tuple[int, Attempt]]:
        """Collects every call that has ended; a dead worker breaks the pool, which is then replaced."""
        ended, _ = wait(self._futures, return_when=FIRST_COMPLETED)
        if any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
            ended, _ = wait(self._futures)  # the others fail with it at once
            self._shut_down()
        return [(self._futures.pop(future), _ended(future)) for future in list(ended)]

    def close(self) -> None:
        """Kills what runs: files are committed whole, and a stopped run should end now."""
        if self._futures and self._pool:
            for worker in list((self._pool._processes or {}).values()):
                worker.kill()
        self._shut_down()
        self._futures.clear()

    def _shut_down(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def local(workers: int) -> InProcess | ProcessPool:
    """The executor for this machine: in process for one worker, else a pool."""
    return InProcess() if workers <= 1 else ProcessPool(workers)


def default_workers() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ended(future: Future[Attempt]) -> Attempt:
    error = future.exception()
    if isinstance(error, BrokenProcessPool):  # with all units in flight, the guilty one among them
        return Attempt(WorkerLost("killed, out of memory, or crashed", certain=False))
    return Attempt(error) if error is not None else future.result()


_MAIN = ("__file__", "__spec__")  # by which a worker finds the main program


@contextmanager
def _without_main() -> Iterator[None]:
    """Workers that start now do not run the main program again: units need nothing of it, and it may be a script.

    Such a script, without a guard, would call refinery anew in each of them.
    """
    main = sys.modules["__main__"]
    hidden: dict[str, object] = {name: vars(main).pop(name) for name in _MAIN if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)


def _start_worker() -> None:
    """One thread a worker; Ctrl-C is the parent's to handle; a worker never outlives its parent."""
    one_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
