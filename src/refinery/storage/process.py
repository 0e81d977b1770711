"""Which process does something, so that others, on other machines too, can tell whether it is gone."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process: of which machine, its number there, and when it started, empty where that is not known."""

    host: str
    process: int
    started: str

    @classmethod
    def here(cls) -> Process:
        """This process."""
        return cls(_machine(), os.getpid(), _started(os.getpid()))

    @property
    def label(self) -> str:
        """What people are told."""
        return f"process {self.process} on {self.host.partition('/')[0]}"

    def is_dead(self) -> bool:
        """Whether it is known to be gone: a process of this machine that does not exist any more."""
        return self.host == _machine() and bool(self.started) and _started(self.process) != self.started


@cache
def _machine() -> str:
    """Name, boot and process namespace, so that process numbers of two containers are not taken for each other."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def _started(process: int) -> str:
    """When a running process started, in the system's ticks; empty when it does not run or that is not known."""
    fields = _stat(process)
    return "" if not fields or fields[0] in {"Z", "X"} else fields[19]


def is_suspended(process: int) -> bool:
    """Whether a process of this machine was stopped by a signal (Ctrl-Z, SIGSTOP) or a debugger."""
    return _stat(process)[:1] in (["T"], ["t"])


def _stat(process: int) -> list[str]:
    """State and what follows it in /proc/N/stat; nothing for a process that is not there."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
