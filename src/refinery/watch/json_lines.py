"""Events as JSON lines: `refinery run --json` on standard error, and the log of a run."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from functools import cache, partial
from typing import IO

from refinery.storage.url import without_secrets
from refinery.watch.events import Event, Listener
from refinery.watch.printable import json_text


def json_lines(stream: IO[str]) -> Listener:
    """A listener that writes every event to `stream`, one JSON object a line."""
    return partial(_print, stream)


def json_line(event: Event) -> bytes:
    """Time in seconds since the epoch, the event's name and its fields, without secrets; ends with a newline."""
    fields = {
        name: without_secrets(value) if name in {"message", "problem"} else value
        for name, value in vars(event).items()
    }
    line = {"time": round(time.time(), 3), "event": _name(type(event).__name__), **fields}
    return f"{json_text(line)}\n".encode()


@cache
def _name(event: str) -> str:
    """`UnitEnded` is `unit_ended`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()


def _print(stream: IO[str], event: Event) -> None:
    with suppress(OSError):  # a run goes on though nobody can read of it
        stream.write(json_line(event).decode())
        stream.flush()
