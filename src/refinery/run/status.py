"""`WORK/status.json`: what a run is doing, written every few seconds while it does it, and read by `refinery status`.

It is written by a thread of its own, so it goes on while a unit takes minutes; when it stops, the run has died.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from refinery.errors import InputError
from refinery.run.log import RunLog
from refinery.run.progress import Progress, Several
from refinery.storage.commit import commit_bytes
from refinery.storage.place import files_below, is_remote, read_file
from refinery.storage.url import shown, without_secrets

if TYPE_CHECKING:
    from refinery.executors.base import Attempt, Unit
    from refinery.plan.plan import Plan
    from refinery.run.folder import Held
    from refinery.storage.place import Place

FILE = "status.json"
BEAT = 2.0  # seconds between two writings
REMOTE_BEAT = 10.0  # the same on an object store, where each is a request
UPLOAD = 60.0  # seconds between two pieces of the log on an object store
SILENCE = 60.0  # seconds without a heartbeat after which a run on another machine is taken for dead
SHOWN = 20  # failures and units in flight that are listed

State = Literal["running", "finished", "failed", "stopped", "died"]


class InFlight(BaseModel):
    """A unit that was handed to the executor and has not ended."""

    model_config = ConfigDict(frozen=True)

    unit: str
    attempt: int
    since: float  # seconds since the epoch


class Failure(BaseModel):
    """An attempt that failed; the unit may have been tried again since."""

    model_config = ConfigDict(frozen=True)

    phase: str
    unit: str
    attempt: int
    problem: str


class Status(BaseModel):
    """What `status.json` says. Times are seconds since the epoch, rates those of the phase."""

    model_config = ConfigDict(frozen=True)

    state: State
    pipeline: str
    pid: int
    host: str
    started: float
    updated: float
    phase: str = ""
    phase_started: float = 0.0
    units_done: int = 0
    units: int = 0
    bytes_done: int = 0
    bytes: int = 0
    documents: int = 0
    documents_per_second: float = 0.0
    mb_per_second: float = 0.0
    seconds_left: float | None = None
    in_flight: tuple[InFlight, ...] = ()
    in_flight_units: int = 0
    failed_attempts: int = 0
    failures: tuple[Failure, ...] = ()  # the last ones
    outputs: dict[str, str] = {}
    log: str = ""
    message: str = ""
    work: str = ""
    work_bytes: int | None = None  # counted when it is read; on an object store, once the run has ended


@dataclass(frozen=True)
class Phase:
    """A phase with what has been handed out in it."""

    name: str = ""
    units: int = 0
    bytes: int = 0
    started: float = 0.0  # seconds since the epoch


class StatusFile:
    """Progress as a file; the thread that writes it starts with the first phase."""

    def __init__(self, plan: Plan, log: RunLog, started: datetime, still_held: Held) -> None:
        self._file, self._log = plan.work / FILE, log
        self._still_held = still_held
        self._lock = threading.Lock()
        self._flight: dict[tuple[str, int], float] = {}
        self._failures: deque[Failure] = deque(maxlen=SHOWN)
        self._failed = 0
        self._phase = Phase()
        self._done = self._bytes = self._documents = 0
        self._run = Status(  # what stays the same
            state="running",
            pipeline=plan.graph.name,
            pid=os.getpid(),
            host=socket.gethostname(),
            started=started.timestamp(),
            updated=started.timestamp(),
            outputs={name: shown(str(folder)) for name, folder in plan.graph.output_paths.items()},
            log=log.shown,
            work=shown(str(plan.work)),
        )
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, phase: str, units: int, weight: int) -> None:
        """A phase begins, or goes on with another step."""
        with self._lock:
            before = self._phase
            if before.name == phase:
                self._phase = replace(before, units=before.units + units, bytes=before.bytes + weight)
            else:
                self._phase = Phase(phase, units, weight, time.time())
                self._done = self._bytes = self._documents = 0
        if self._thread is None:
            self._write("running")  # here, since the thread may have to wait for kernels to be compiled
            self._thread = threading.Thread(target=self._beat, name="status", daemon=True)
            self._thread.start()

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """The unit is in flight."""
        with self._lock:
            self._flight[unit.name, attempt] = time.time()

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """It is not any more."""
        with self._lock:
            self._flight.pop((unit.name, attempt), None)
            if isinstance(ended.outcome, Exception):
                problem = without_secrets(str(ended.outcome))
                self._failed += 1
                failure = Failure(phase=self._phase.name, unit=unit.name, attempt=attempt, problem=problem)
                self._failures.append(failure)
                return
            self._done += 1
            self._bytes += unit.weight
            self._documents += documents

    def note(self, message: str) -> None:
        """Notes are in the log."""

    def close(self, state: State, message: str = "") -> None:
        """The last word; nothing is written for a run that had nothing to do."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        elif state == "finished":
            return
        self._write(state, message)

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
            now, phase, running = time.time(), self._phase, state == "running"
            seconds = max(now - (phase.started or now), 1e-3)
            left = (phase.bytes - self._bytes) * seconds / self._bytes if self._bytes else None
            flight = [
                InFlight(unit=u, attempt=a, since=at) for (u, a), at in list(self._flight.items())[:SHOWN]
            ]
            changed = {
                "state": state,
                "updated": now,
                "phase": phase.name,
                "phase_started": phase.started,
                "units_done": self._done,
                "units": phase.units,
                "bytes_done": self._bytes,
                "bytes": phase.bytes,
                "documents": self._documents,
                "documents_per_second": round(self._documents / seconds, 3),
                "mb_per_second": round(self._bytes / seconds / 1e6, 3),
                "seconds_left": round(left, 1) if left is not None and running else None,
                "in_flight": tuple(flight) if running else (),
                "in_flight_units": len(self._flight) if running else 0,
                "failed_attempts": self._failed,
                "failures": tuple(self._failures),
                "message": without_secrets(message),
            }
            return self._run.model_copy(update=changed)


@contextmanager
def recorded(plan: Plan, progress: Progress, still_held: Held) -> Iterator[Progress]:
    """The progress with a log and a status file in the work folder, both closed with how the run ended.

    A run that does not hold the work folder any more leaves the status to the one that has taken over.
    """
    started = datetime.now(UTC)
    log = RunLog(plan.work, started)
    status = StatusFile(plan, log, started, still_held)
    state: State = "failed"
    message = ""
    try:
        yield Several((progress, log, status))
        state = "finished"
    except KeyboardInterrupt:
        state, message = "stopped", "stopped by Ctrl-C or SIGTERM"
        raise
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        raise
    finally:
        with contextlib.suppress(Exception):
            log.tell("run_ended", state=state, message=without_secrets(message))
            log.close()
        status.close(state, message)


def read_status(folder: Place) -> Status:
    """The status of the run that works or worked in a folder: a work folder, one with a definition, or an output.

    A run that says it is running and is not (its process is gone, or its heartbeat stopped) is `died`. Raises
    InputError when no run is known there or its status cannot be read, StorageError when a store does not answer.
    """
    refused: InputError | None = None
    for place in _places(folder):
        own = place.parent in {folder, folder / ".refinery"}  # what lies above may be anybody's
        try:
            status = Status.model_validate_json(read_file(place))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if own:
                refused = refused or InputError(shown(str(place)), f"cannot be read: {error.strerror}")
            continue
        except ValueError:
            if own:
                hint = "the next run writes it anew"
                refused = refused or InputError(shown(str(place)), "the file is damaged", hint)
            continue
        if not own and not _writes_to(status, folder):
            continue
        if status.state == "running" and _is_gone(status):
            silent = time.time() - status.updated
            told = f"nothing was heard of it for {silent:,.0f} s; the same command goes on from there"
            status = status.model_copy(update={"state": "died", "message": told})
        counted = status.state != "running" or not is_remote(place)
        size = sum(files_below(place.parent).values()) if counted else None
        return status.model_copy(update={"work_bytes": size})
    if refused:
        raise refused
    hint = "give the work folder (--work), or the folder of the definition"
    raise InputError(shown(str(folder)), "no run is known here", hint)


def _places(folder: Place) -> Iterator[Place]:
    """Where the status may lie: here, in the usual work folder, or in that of a definition above an output."""
    yield folder / FILE
    for above in (folder, *folder.parents):
        yield above / ".refinery" / FILE


def _writes_to(status: Status, folder: Place) -> bool:
    return shown(str(folder)) in {place.rstrip("/") for place in status.outputs.values()}


def _is_gone(status: Status) -> bool:
    if time.time() - status.updated > SILENCE:
        return True
    if status.host != socket.gethostname():
        return False
    try:
        os.kill(status.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def told(status: Status) -> str:
    """The status in a few lines for people."""
    from rich import filesize

    lines = [f"{status.state}: {status.pipeline}"]
    if status.message:
        lines[0] += f" ({status.message})"
    if status.phase and status.state != "finished":
        rates = f"{status.documents_per_second:,.0f} docs/s, {status.mb_per_second:,.1f} MB/s"
        left = f", {status.seconds_left:,.0f} s left" if status.seconds_left is not None else ""
        lines.append(f"{status.phase}: {status.units_done:,} of {status.units:,} units, {rates}{left}")
    if status.in_flight:
        now = time.time()
        first = ", ".join(f"{one.unit} ({now - one.since:,.0f} s)" for one in status.in_flight[:5])
        lines.append(f"in flight: {status.in_flight_units:,}, the first: {first}")
    if status.failed_attempts:
        last = status.failures[-1]
        lines.append(f"failed attempts: {status.failed_attempts:,}, the last: {last.unit}: {last.problem}")
    lines += [f"output {name}: {folder}" for name, folder in status.outputs.items()]
    when = f"started {_time(status.started)}"
    if status.state != "running":
        end = "last heard of" if status.state == "died" else "ended"
        when += f", {end} {_time(status.updated)}, after {status.updated - status.started:,.0f} s"
    lines.append(f"{when}; process {status.pid} on {status.host}")
    if status.work and status.work_bytes is not None:
        lines.append(f"work folder: {status.work}, {filesize.decimal(status.work_bytes)}")
    lines.append(f"log: {status.log}")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")
