"""HTML extraction in a process of its own, so that no page can take more than its time, or take the worker down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import BinaryIO, cast

from refinery.sources.html import ANSWER, EXTRACTORS, FAILED, REQUEST, UNDECODABLE, Extraction


class ExtractionError(Exception):
    """A page without text to show for it: `reason` in one snake_case word, `detail` for people."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class Extractor:
    """Extracts pages one after another; a page over `seconds` of processor time, or one that crashes, is an error."""

    def __init__(self, extractor: Extraction, seconds: int) -> None:
        self._number = EXTRACTORS.index(extractor)
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def text(self, body: bytes, declared: str | None) -> str:
        """The text of a page; raises ExtractionError with undecodable, extraction_timeout or extraction_failed."""
        process = self._process or self._start()
        charset = (declared or "").encode("ascii", "replace")
        try:
            requests = cast(BinaryIO, process.stdin)
            requests.write(REQUEST.pack(self._number, len(charset), len(body)) + charset + body)
            requests.flush()
            answers = cast(BinaryIO, process.stdout)
            status, size = ANSWER.unpack(_exactly(answers, ANSWER.size))
            text = _exactly(answers, size).decode()
        except (EOFError, BrokenPipeError):
            raise self._died() from None
        except BaseException:
            self._end()  # interrupted in the middle of an answer: the next one would be out of step
            raise
        if status == UNDECODABLE:
            raise ExtractionError(
                "undecodable", f"no character encoding fits (declared: {declared or 'none'})"
            )
        if status == FAILED:
            raise ExtractionError("extraction_failed", text)
        return text

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "refinery.sources.html", str(self._seconds)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        return self._process

    def _died(self) -> ExtractionError:
        code = self._process.wait() if self._process else 0
        self._end()
        if code == -signal.SIGPROF:
            return ExtractionError("extraction_timeout", f"more than {self._seconds} s of processor time")
        return ExtractionError("extraction_failed", f"the extractor ended with code {code}")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        process.wait()


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data
