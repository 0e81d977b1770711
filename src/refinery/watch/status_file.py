"""Writes `WORK/pipelines/NAME/status.json` every few seconds while a run works.

A thread of its own does it, so it goes on while a unit takes minutes; when it stops, the run has died.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

import orjson

from refinery.storage.clock import steady_seconds
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place, is_remote
from refinery.storage.url import redact, without_secrets
from refinery.storage.work_folder import pipeline_folder
from refinery.watch.events import Event, Phase, RunEnded, UnitBegun, UnitEnded, UnitFailed, WorkFolder
from refinery.watch.log import RunLog
from refinery.watch.progress import Progress
from refinery.watch.status import FILE, Failure, InFlight, State, Status

BEAT = 2.0  # seconds between two writings
REMOTE_BEAT = 10.0  # the same on an object store, where each is a request
UPLOAD = 60.0  # seconds between two objects of the log on an object store
LISTED = 20  # failures and units in flight that are listed


class StatusFile:
    """A listener that keeps the file; its thread starts with the first phase and ends with the run."""

    def __init__(
        self,
        work: Place,
        pipeline: str,
        outputs: Mapping[str, Place],
        started: datetime,
        log: RunLog,
        still_held: Callable[[], None],
    ) -> None:
        self._file = pipeline_folder(work, pipeline) / FILE
        self._log, self._still_held = log, still_held
        self._progress = Progress()
        self._lock = threading.Lock()
        self._flight: dict[tuple[str, int], float] = {}
        self._begun = steady_seconds()
        self._failures: deque[Failure] = deque(maxlen=LISTED)
        self._failed = 0
        self._run = Status(  # what stays the same
            state="running",
            pipeline=pipeline,
            pid=os.getpid(),
            host=socket.gethostname(),
            started=started.timestamp(),
            updated=started.timestamp(),
            outputs={name: redact(str(folder)) for name, folder in outputs.items()},
            log=log.path,
            work=redact(str(work)),
        )
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Takes an event into account; the last one is written at once, but for a run that had nothing to do."""
        self._progress(event)
        with self._lock:
            self._note(event)
        if isinstance(event, RunEnded):
            self._end(event)
        elif self._thread is None and isinstance(event, Phase):
            self._write("running")  # here, since the thread may have to wait for kernels to be compiled
            self._thread = threading.Thread(target=self._beat, name="status", daemon=True)
            self._thread.start()

    def _note(self, event: Event) -> None:
        if isinstance(event, UnitBegun):
            self._flight[event.unit, event.attempt] = steady_seconds()
        elif isinstance(event, UnitEnded | UnitFailed):
            self._flight.pop((event.unit, event.attempt), None)
        elif isinstance(event, WorkFolder):
            self._run = self._run.model_copy(update={"work_bytes": dict(event.kinds)})
        if isinstance(event, UnitFailed):
            self._failed += 1
            problem = without_secrets(event.problem)
            self._failures.append(
                Failure(phase=event.phase, unit=event.unit, attempt=event.attempt, problem=problem)
            )

    def _end(self, event: RunEnded) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        elif event.state == "finished":
            return
        self._write(event.state, event.message)

    def _beat(self) -> None:
        remote = is_remote(self._file)
        uploaded = time.monotonic()
        while not self._ending.wait(REMOTE_BEAT if remote else BEAT):
            self._write("running")
            if time.monotonic() - uploaded > UPLOAD:
                uploaded = time.monotonic()
                with contextlib.suppress(Exception):
                    self._log.upload()

    def _write(self, state: State, message: str = "") -> None:
        content = orjson.dumps(self._now(state, message).model_dump(), option=orjson.OPT_INDENT_2)
        with contextlib.suppress(Exception):  # it stops no run
            self._still_held()  # else the file is another run's
            commit_bytes(self._file, content, scratch=True)

    def _now(self, state: State, message: str) -> Status:
        with self._lock:
            now, work, running = steady_seconds(), self._progress.work, state == "running"
            epoch = (
                time.time() - now
            )  # as the clock is set by now, so that what is told agrees with the reader's
            left = work.seconds_left(now) if running else None
            flight = list(self._flight.items()) if running else []
            changed = {
                "state": state,
                "started": epoch + self._begun,
                "updated": epoch + now,
                "phase": work.phase,
                "phase_started": epoch + work.started if work.started else 0.0,
                "units_done": work.units_done,
                "units": work.units,
                "bytes_done": work.bytes_done,
                "bytes": work.bytes,
                "documents": work.documents,
                "documents_per_second": round(work.per_second(work.documents, now), 3),
                "mb_per_second": round(work.per_second(work.bytes_done, now) / 1e6, 3),
                "seconds_left": None if left is None else round(left, 1),
                "lines": self._progress.lines(),
                "in_flight": tuple(
                    InFlight(unit=u, attempt=a, since=epoch + at) for (u, a), at in flight[:LISTED]
                ),
                "in_flight_units": len(flight),
                "failed_attempts": self._failed,
                "failures": tuple(self._failures),
                "message": without_secrets(message),
            }
            return self._run.model_copy(update=changed)
