"""Damaged files of the work folder: removed with what belongs to them, so that the run makes them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from refinery.errors import DamagedFile
from refinery.plan.plan import DOCUMENTS, RECORD, REJECTS, VERBS, Plan
from refinery.storage.place import place_of, remove_file
from refinery.watch.events import Listener, Note

R = TypeVar("R")

SCRATCH = 3  # times that the scratch of the verbs is made again


def repair(plan: Plan, emit: Listener, work: Callable[[], R]) -> R:
    """Does work that skips what is done already; each file found damaged is removed and the work begun again.

    Raises DamagedFile for a file outside of the run's folders, and for one that is damaged again once it was made
    again: then it is the disk, and not what happened to it before. Scratch of the verbs is one thing, however many
    files it is, since all of it is made again for any of them.
    """
    scratch = f"{plan.own}/{VERBS}/"
    folders = [str(folder).rstrip("/") + "/" for folder in (plan.work, *plan.graph.output_paths.values())]
    mended: Counter[str] = Counter()
    while True:
        try:
            return work()
        except DamagedFile as error:
            own = any(error.place.startswith(folder) for folder in folders)
            thing, times = (scratch, SCRATCH) if error.place.startswith(scratch) else (error.place, 1)
            if not own or mended[thing] == times:
                raise
            emit(Note(f"{error.place}: {error.problem}; it is made again"))
            mended[thing] += 1
            _remove(error.place)


def _remove(place: str) -> None:
    file = place_of(place)
    if file.name in {DOCUMENTS, REJECTS}:
        remove_file(file.with_name(RECORD))  # first: without it the shard is read again
    if file.name.startswith("decided-"):
        remove_file(file.with_suffix(".json"))
    remove_file(file)
