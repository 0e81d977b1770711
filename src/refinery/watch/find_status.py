"""Finds the status of the run that works or worked in a folder, and tells whether that run is still there."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

from refinery.errors import InputError
from refinery.storage.place import Place, files_below, is_remote, read_file
from refinery.storage.url import redact
from refinery.watch.status import FILE, SILENCE, Status


def find_status(folder: Place) -> Status:
    """The status of a run, by its work folder, the folder of its definition, or one of its outputs.

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
                refused = refused or InputError(redact(str(place)), f"cannot be read: {error.strerror}")
            continue
        except ValueError:
            if own:
                hint = "the next run writes it anew"
                refused = refused or InputError(redact(str(place)), "the file is damaged", hint)
            continue
        if not own and not _writes_to(status, folder):
            continue
        if status.state == "running" and _is_gone(status):
            silent = time.time() - status.updated
            message = f"nothing was heard of it for {silent:,.0f} s; the same command goes on from there"
            status = status.model_copy(update={"state": "died", "message": message})
        counted = status.state != "running" or not is_remote(place)
        size = sum(files_below(place.parent).values()) if counted else None
        return status.model_copy(update={"work_bytes": size})
    if refused:
        raise refused
    hint = "give the work folder (--work), or the folder of the definition"
    raise InputError(redact(str(folder)), "no run is known here", hint)


def _places(folder: Place) -> Iterator[Place]:
    """Where the status may lie: here, in the usual work folder, or in that of a definition above an output."""
    yield folder / FILE
    for above in (folder, *folder.parents):
        yield above / ".refinery" / FILE


def _writes_to(status: Status, folder: Place) -> bool:
    return redact(str(folder)) in {place.rstrip("/") for place in status.outputs.values()}


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
