"""Finds the status of the runs that work or worked in a folder, and tells whether each is still there."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from refinery.errors import InputError
from refinery.storage.place import Place, folders_in, read_file
from refinery.storage.process import is_suspended
from refinery.storage.url import redact
from refinery.storage.work_folder import pipeline_folder, pipelines_in
from refinery.watch.status import FILE, SILENCE, Status

USUAL = ".refinery"  # the work folder beside a definition
_NEAR = (
    2  # folders above an output in which the definition's folder may lie, as in `defs` beside `out/corpus`
)


def find_status(folder: Place) -> list[Status]:
    """The last run of each pipeline of a work folder, or of that of a definition's folder; the newest comes first.

    The folder of a pipeline, or one of its outputs, names that pipeline alone. A run that says it is running and is
    not (its process is gone, or its heartbeat stopped) is `died`. Raises InputError when no run is known there or a
    status cannot be read, StorageError when a store does not answer.
    """
    own = [folder / FILE, *_statuses(folder), *_statuses(folder / USUAL)]
    found = [status for place in own if (status := _read(place))]
    if not found:
        found = [status for status in _above(folder) if _writes_to(status, folder)]
    if not found:
        hint = "give the work folder (--work), or the folder of the definition"
        raise InputError(redact(str(folder)), "no run is known here", hint)
    return sorted((_as_it_is(status) for status in found), key=lambda status: -status.started)


def last_heard(work: Place, pipeline: str) -> dict[str, float] | None:
    """When the last run of each other pipeline of a work folder wrote its status, in seconds since the epoch.

    None while one goes on, or may go on since its status cannot be read. A run that makes anything has a status from
    its first phase on. Raises StorageError when a store does not answer.
    """
    own = pipeline_folder(work, pipeline) / FILE
    try:
        found = [status for place in _statuses(work) if place != own and (status := _read(place))]
    except InputError:
        return None
    going_on = any(_as_it_is(status).state == "running" for status in found)
    return None if going_on else {status.pipeline: status.updated for status in found}


def _statuses(work: Place) -> list[Place]:
    try:
        return [pipeline_folder(work, name) / FILE for name in pipelines_in(work)]
    except OSError as error:
        raise InputError(redact(str(work)), f"cannot be read: {error.strerror}") from None


def _read(place: Place) -> Status | None:
    try:
        return Status.model_validate_json(read_file(place))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(redact(str(place)), f"cannot be read: {error.strerror}") from None
    except ValueError:
        hint = "the next run writes it anew"
        raise InputError(redact(str(place)), "the file is damaged", hint) from None


def _above(output: Place) -> Iterator[Status]:
    """Of definitions in folders that an output lies in, or near it; what is there may be anybody's: none is told."""
    folders: dict[Place, None] = dict.fromkeys(output.parents)
    for above in list(output.parents)[:_NEAR] if isinstance(output, Path) else ():
        with contextlib.suppress(OSError):
            near = (above / name for name in folders_in(above))
            folders |= dict.fromkeys(folder for folder in near if not folder.is_symlink())
    for folder in folders:
        places: list[Place] = []
        with contextlib.suppress(InputError):
            places = _statuses(folder / USUAL)
        for place in places:
            with contextlib.suppress(InputError):
                if status := _read(place):
                    yield status


def _writes_to(status: Status, folder: Place) -> bool:
    return redact(str(folder)) in {place.rstrip("/") for place in status.outputs.values()}


def _as_it_is(status: Status) -> Status:
    if status.state != "running":
        return status
    silent = f"nothing was heard of it for {time.time() - status.updated:,.0f} s"
    if _is_suspended(status):
        message = f"suspended; `kill -CONT {status.pid}` lets it go on; {silent}"
        return status.model_copy(update={"message": message})
    if not _is_gone(status):
        return status
    message = f"{silent}; the same command goes on from there"
    return status.model_copy(update={"state": "died", "message": message})


def _is_suspended(status: Status) -> bool:
    """Whether its process, on this machine, was stopped by a signal: it still holds its folder."""
    return status.host == socket.gethostname() and is_suspended(status.pid)


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
