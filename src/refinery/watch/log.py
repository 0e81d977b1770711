"""The log of a run: one JSON object a line for every event, attempts of units with time, memory and worker.

On a local disk a line is there as soon as it is written. An object store takes whole objects only: lines go there in
objects of their own.
"""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from pathlib import Path
from typing import IO

from refinery.errors import OutputError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place, is_remote
from refinery.storage.url import redact
from refinery.watch.events import Event, Note, RunEnded
from refinery.watch.json_lines import json_line

FOLDER = "logs"


class RunLog:
    """Events as lines in `logs/run-<start>.jsonl` of its pipeline's folder; without a place for it a run goes on."""

    def __init__(self, own: Place, started: datetime) -> None:
        self.folder = own / FOLDER
        self.name = f"run-{started:%Y%m%dT%H%M%S%fZ}"
        self.path = f"{redact(str(self.folder))}/{self.name}{'-*' if is_remote(own) else ''}.jsonl"
        self._begun = False
        self._lines: list[bytes] = []  # that are not written yet
        self._objects = 0
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def __call__(self, event: Event) -> None:
        """One line; the first event of work makes the file, since a run with nothing to do leaves no log."""
        if not self._begun and not isinstance(event, Note | RunEnded):
            self._begun = True
            self._open()
        with self._lock:
            self._lines.append(json_line(event))
            if self._file is not None:
                self._write(self._file)
        if isinstance(event, RunEnded):
            self._close()

    def _open(self) -> None:
        if not isinstance(self.folder, Path):
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
            if not (self._begun and self._lines and is_remote(self.folder)):
                return
            lines, self._lines = self._lines, []
            name = f"{self.name}-{self._objects:05}.jsonl"
            self._objects += 1
        commit_bytes(self.folder / name, b"".join(lines))

    def _close(self) -> None:
        with contextlib.suppress(Exception):
            self.upload()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
