"""Damaged files of the work folder: removed with what belongs to them, so that the run makes them again.

Another run may have found the same damage and made the file again: a file that pipelines share is removed only if it
is damaged still, by one run at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from refinery.errors import DamagedFile
from refinery.plan.plan import ARCHIVED, DOCUMENTS, LINEAGE, MADE, RECORD, REJECTS, VERBS, Plan
from refinery.run.make import find_made
from refinery.storage.lock import hold_when_free
from refinery.storage.marks import records_of
from refinery.storage.place import Place, place_of, read_file, remove_file
from refinery.storage.sealed import read_sealed_json
from refinery.storage.tables import verify_table
from refinery.watch.events import Listener, Note

R = TypeVar("R")

SCRATCH = 3  # times that the scratch of the verbs is made again


def repair(plan: Plan, emit: Listener, work: Callable[[], R]) -> R:
    """Does work that skips what is done already; each file found damaged is removed and the work begun again.

    Raises DamagedFile for a file outside of the run's folders, and for one that is damaged again once it was made
    again: then it is the disk, and not what happened to it before. Scratch of the verbs is one thing, however many
    files it is, since all of it is made again for any of them.
    """
    scratch, own = f"{plan.own}/{VERBS}/", [plan.own, *map(records_of, plan.graph.output_paths.values())]
    mended: Counter[str] = Counter()
    mended_by_others: set[str] = set()
    while True:
        try:
            return work()
        except DamagedFile as error:
            thing, times = (scratch, SCRATCH) if error.place.startswith(scratch) else (error.place, 1)
            if not _lies_in(error.place, plan.work, *own) or mended[thing] == times:
                raise
            emit(Note(f"{error.place}: {error.problem}; it is made again"))
            if thing in mended_by_others or _lies_in(error.place, *own):
                _remove(error.place)
            elif not _remove_damaged(error.place, plan.work, emit):
                mended_by_others.add(thing)
                continue
            mended[thing] += 1


def _lies_in(place: str, *folders: Place) -> bool:
    return any(place.startswith(f"{str(folder).rstrip('/')}/") for folder in folders)


def _remove_damaged(place: str, work: Place, emit: Listener) -> bool:
    """Removes a file unless it is whole by now; whether it was removed."""
    with hold_when_free(work, lambda message: emit(Note(message))):
        damaged = _is_damaged(place_of(place))
        if damaged:
            _remove(place)
    return damaged


def _is_damaged(file: Place) -> bool:
    try:
        if file.parent.parent.name == MADE:
            return find_made(file.parent) is None
        if file.name.endswith(".json"):
            read_sealed_json(read_file(file))
        elif file.name.endswith(".parquet"):
            verify_table(file)
        else:
            return True
    except (FileNotFoundError, ValueError, DamagedFile):
        return True
    return False


def _remove(place: str) -> None:
    file = place_of(place)
    if file.name in {DOCUMENTS, REJECTS, LINEAGE, ARCHIVED}:
        remove_file(file.with_name(RECORD))  # first: without it the shard is read again
    if file.name.startswith("decided-"):
        remove_file(file.with_suffix(".json"))
    remove_file(file)
