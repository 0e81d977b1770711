"""A folder that one process at a time works in: by a file lock on this machine, by a lease on an object store."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

from refinery.errors import FolderInUse, OutputError
from refinery.storage.commit import cannot_write, make_directory, remove_leftovers
from refinery.storage.lease import RENEW_EVERY, TAKEN_OVER_AFTER, hold_lease
from refinery.storage.place import Place

LOCK = ".lock"
POLL = 0.5  # seconds between two looks at whether a folder is free

Held: TypeAlias = Callable[[], None]  # raises RunError when a folder is held no longer


@contextmanager
def hold(folder: Place, every: float = RENEW_EVERY, after: float = TAKEN_OVER_AFTER) -> Iterator[Held]:
    """Makes the folder and holds it for this process alone; leftovers of a killed run are removed.

    A local folder is held by a file lock, one on an object store by a lease, renewed every `every` seconds and
    taken over `after` seconds after the last renewal, which the function that is given tells. Raises OutputError
    when the folder cannot be written or has no locks, FolderInUse when another run holds it.
    """
    if not isinstance(folder, Path):
        with ExitStack() as stack:
            try:
                lease = stack.enter_context(hold_lease(str(folder / LOCK), every, after))
            except OSError as error:
                raise cannot_write(str(folder), error, 0) from None
            yield lease.check
        return
    make_directory(folder)
    with _file_lock(folder):
        remove_leftovers(folder)
        yield lambda: None  # the lock lasts as long as the process


@contextmanager
def _file_lock(folder: Path) -> Iterator[None]:
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    with os.fdopen(handle):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait for it, or give this one another folder; `refinery status` tells whose it is"
            raise FolderInUse(f"{folder}: another run is working here; {hint}") from None
        except OSError as error:
            hint = (
                "two runs could not be kept apart there, so choose a folder on a file system that has locks"
            )
            raise OutputError(f"{folder}: cannot be locked: {error.strerror}; {hint}") from None
        yield


@contextmanager
def hold_when_free(folder: Place, tell: Callable[[str], None]) -> Iterator[Held]:
    """As `hold`, but waits for whoever holds the folder; who that is, is told once."""
    told = False
    with ExitStack() as stack:
        while True:
            try:
                held = stack.enter_context(hold(folder))
                break
            except FolderInUse as error:
                if not told:
                    tell(f"waiting: {error}")
                    told = True
                time.sleep(POLL)
        yield held
