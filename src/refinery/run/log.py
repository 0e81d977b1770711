"""The log of a run: one JSON object a line for every attempt of a unit, with phase, time, memory and worker.

On a local disk a line is there as soon as it is told. An object store takes whole objects only: lines go there in
pieces of their own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

import orjson

from refinery.errors import OutputError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import is_remote
from refinery.storage.url import shown, without_secrets

if TYPE_CHECKING:
    from refinery.executors.base import Attempt, Unit
    from refinery.storage.place import Place

FOLDER = "logs"


class RunLog:
    """Progress as lines in `WORK/logs/run-<start>.jsonl`; a log that cannot be written stops no run."""

    def __init__(self, work: Place, started: datetime) -> None:
        self.folder = work / FOLDER
        self.name = f"run-{started:%Y%m%dT%H%M%S%fZ}"
        self.shown = f"{shown(str(self.folder))}/{self.name}{'-*' if is_remote(work) else ''}.jsonl"
        self._phase = ""
        self._lines: list[bytes] = []  # that are not written yet
        self._pieces = 0
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def start(self, phase: str, units: int, weight: int) -> None:
        """A phase with its size; the first one makes the file, since a run with nothing to do leaves no log."""
        if not self._phase:
            self._open()
        self._phase = phase
        self.tell("phase", phase=phase, units=units, bytes=weight)

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """An attempt is handed out."""
        known = {"bytes": unit.weight, "memory": unit.memory}
        self.tell("unit_begun", phase=self._phase, unit=unit.name, attempt=attempt, **known)

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """An attempt ended: where and when it ran, what it took, or why it failed."""
        measured = {
            "phase": self._phase,
            "unit": unit.name,
            "attempt": attempt,
            "worker": ended.worker,
            "started": round(ended.started, 3),
            "seconds": round(ended.seconds, 6),
            "peak_memory": ended.memory,
            "bytes": unit.weight,
        }
        if isinstance(ended.outcome, Exception):
            error, problem = type(ended.outcome).__name__, without_secrets(str(ended.outcome))
            self.tell("unit_failed", **measured, error=error, problem=problem)
        else:
            self.tell("unit_ended", **measured, documents=documents)

    def note(self, message: str) -> None:
        """Something a person was told."""
        self.tell("note", message=without_secrets(message))

    def tell(self, event: str, **content: object) -> None:
        """One line."""
        line = orjson.dumps({"time": round(time.time(), 3), "event": event, **content}) + b"\n"
        with self._lock:
            self._lines.append(line)
            if self._file is not None:
                self._write(self._file)

    def _open(self) -> None:
        if is_remote(self.folder):
            return
        with contextlib.suppress(OSError, OutputError):
            make_directory(self.folder)
            self._file = (self.folder / f"{self.name}.jsonl").open("ab")

    def _write(self, file: IO[bytes]) -> None:
        with contextlib.suppress(OSError):  # the disk is full: units and outputs need the room more
            file.write(b"".join(self._lines))
            file.flush()
        self._lines.clear()

    def upload(self) -> None:
        """Brings the lines since the last call to the object store, as an object of their own."""
        with self._lock:
            if not (self._phase and self._lines and is_remote(self.folder)):
                return
            lines, self._lines = self._lines, []
            piece = self.folder / f"{self.name}-{self._pieces:05}.jsonl"
            self._pieces += 1
        commit_bytes(piece, b"".join(lines))

    def close(self) -> None:
        """Nothing follows."""
        self.upload()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
