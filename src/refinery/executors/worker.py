"""What happens in a worker around a unit: clock, peak memory, errors. Imports nothing heavy by itself."""

from __future__ import annotations

import os
import pickle
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refinery.errors import RunError
from refinery.executors.base import Attempt
from refinery.executors.limits import shortage
from refinery.executors.shipping import Filed

_PEAK = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def attempt(function: Callable[[Any], Any], argument: Any) -> Attempt:
    """Calls the function, with the argument read if it lies in a file; whatever is raised is part of the answer."""
    _forget_peak()
    started, clock = time.time(), time.perf_counter()
    try:
        outcome = function(argument.read() if isinstance(argument, Filed) else argument)
    except Exception as error:
        outcome = error
    except BaseException as error:
        outcome = shortage(error)  # Polars panics where it gets no thread or memory, with no Exception
        if outcome is None:
            raise
    ended = Attempt(outcome, started, time.perf_counter() - clock, _peak(), _here())
    _return_memory()
    return ended


def make_portable(ended: Attempt) -> Attempt:
    """The same with an error that can be sent to another process: what cannot is told in words."""
    if not isinstance(ended.outcome, Exception):
        return ended
    try:
        pickle.loads(pickle.dumps(ended.outcome))
    except Exception:
        told = "".join(traceback.format_exception(ended.outcome))
        return Attempt(RunError(told), ended.started, ended.seconds, ended.memory, ended.worker)
    return ended


def attempt_elsewhere(function: Callable[[Any], Any], argument: Any) -> Attempt:
    """`attempt` whose answer can be sent to another process."""
    return make_portable(attempt(function, argument))


def _here() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _forget_peak() -> None:
    """Starts the peak anew: a worker's earlier units are not this one's memory (Linux, proc(5): clear_refs 5)."""
    try:
        handle = os.open(_PEAK, os.O_WRONLY)
        try:
            os.write(handle, b"5")
        finally:
            os.close(handle)
    except OSError:
        return


def _return_memory() -> None:
    """Gives the system what Arrow holds for later: a worker would keep gigabytes of one unit through all others."""
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()


def _peak() -> int:
    """Peak resident memory of this process in bytes, since `_forget_peak` where the system can tell."""
    try:
        content = _STATUS.read_bytes()
        start = content.index(b"VmHWM:") + 6
        return int(content[start : content.index(b"kB", start)]) << 10
    except (OSError, ValueError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
