"""What this process may take: threads, address space, memory, open files. Imports nothing heavy."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from refinery.errors import InputError, RunError
from refinery.executors.base import BASE_MEMORY

ADDRESS_SPACE = 1 << 30  # that a process maps with its libraries, and what its unit needs
UNIT = 1 << 28  # bytes of memory
WORKER = BASE_MEMORY + UNIT
DRIVER = 1 << 29

_THREADS = (
    "POLARS_MAX_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ARROW_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
_M_ARENA_MAX = -8  # of mallopt(3)
_NEAR = 1 << 26  # bytes that no estimate tells
_UNLIMITED = 1 << 60  # what cgroup v1 says for none is a page below 2**63


def one_thread() -> None:
    """Numeric libraries get one thread, and no address space in advance where that is limited.

    To be called before any of them is imported. Arrow's own allocator maps 1 GiB at a time and glibc's 64 MiB for
    every thread, of which next to nothing is used: under `ulimit -v` that is what a process dies of.
    """
    for name in _THREADS:
        os.environ[name] = "1"
    if address_space():
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        with suppress(AttributeError, OSError):  # another C library than glibc
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def address_space() -> int:
    """The limit of each process's address space in bytes (`ulimit -v`), 0 for none."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return 0 if limit == resource.RLIM_INFINITY else limit


def memory(cgroups: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> int:
    """The least limit in bytes of the memory of all processes together (cgroups v1 and v2), 0 for none."""
    found = [limit for file in _limit_files(cgroups, mounted) if 0 < (limit := _number(file)) < _UNLIMITED]
    return min(found, default=0)


def is_limited() -> bool:
    """Whether the memory of processes, or of all of them together, has a limit."""
    return bool(_found())


def check_address_space() -> None:
    """Raises InputError where too little address space is left to begin with."""
    limit = address_space()
    if 0 < limit < ADDRESS_SPACE:
        told = f"{limit >> 20} MiB of address space for each process are too little"
        raise InputError("ulimit -v", told, f"at least {ADDRESS_SPACE >> 20} MiB are needed")


def workers_within(limit: int, worker: int = WORKER) -> int:
    """How many workers of so many bytes fit into so much memory beside the process that hands out the work.

    One if more than that is unlikely to be taken; raises InputError where that is not enough for the least of work.

    >>> workers_within(4 << 30), workers_within(4 << 30, 2 << 30)
    (3, 1)
    """
    if limit < WORKER:
        needed = f"at least {WORKER >> 20} MiB are needed"
        raise InputError("memory", f"the limit of this container or job is {limit >> 20} MiB", needed)
    return max(1, (limit - DRIVER) // worker)


def workers_here(wanted: int, worker: int) -> int:
    """So many workers, or where the memory of all processes is limited those that fit; raises as `workers_within`."""
    limit = memory()
    return min(wanted, workers_within(limit, worker)) if limit else wanted


def shortfall(worker: int) -> str:
    """What allows a worker fewer bytes than it may take, in words; nothing where it has them."""
    short = [f"{name} allows {limit >> 20} MiB" for name, limit in _found() if limit < worker - _NEAR]
    return ", ".join(short)


def shortage(error: BaseException) -> RunError | None:
    """The error in words where the system gave no more memory, threads or open files; None for any other."""
    if isinstance(error, MemoryError) or type(error).__name__ == "PanicException":  # the latter is of Polars
        return RunError(f"out of memory: {_first_line(error) or 'no more could be allocated'}{_limits()}")
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return RunError(f"no more threads can be started (see ulimit -u and ulimit -v){_limits()}")
    if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
        least = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return RunError(f"too many open files: the limit is {least}; raise it (ulimit -n 256)")
    if isinstance(error, OSError) and error.errno in {errno.ENOMEM, errno.EAGAIN}:
        return RunError(f"the system gives no more memory or processes: {error}{_limits()}")
    return None


def _limits() -> str:
    told = [f"{name} allows {limit >> 20} MiB" for name, limit in _found()]
    return f"; {', '.join(told)}" if told else ""


def _found() -> list[tuple[str, int]]:
    """The limits that there are."""
    limits = {"ulimit -v": address_space(), "the container or job": memory()}
    return [(name, limit) for name, limit in limits.items() if limit]


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _limit_files(cgroups: Path, mounted: Path) -> Iterator[Path]:
    """Of this process's groups and of those above; inside a container the mounted root is its own group."""
    with suppress(OSError):
        for line in cgroups.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            root, name = (
                (mounted / "memory", "memory.limit_in_bytes") if controllers else (mounted, "memory.max")
            )
            here = root / path.lstrip("/")
            yield from (group / name for group in (here, *here.parents) if group.is_relative_to(root))


def _number(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # v2 says "max" for none
        return 0
