"""Which results a run makes now, and which it waits for since a run of another pipeline makes them.

Pipelines that need the same result of one source claim it under one name. What was measured on arrival is claimed for
the source's name alone: such a file grows, and two runs that add to one at once would lose what the other adds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from refinery.plan.fingerprint import fingerprint
from refinery.plan.plan import RECORD, Plan
from refinery.plan.result import MADE, Kind, Result
from refinery.run.context import Run
from refinery.run.state import shards_state
from refinery.storage.claims import Claimed, claim
from refinery.storage.place import exists, is_remote
from refinery.watch.events import Note

LOOK_AGAIN, REMOTE_LOOK_AGAIN = 0.5, 5.0  # seconds


@contextmanager
def claimed(run: Run, group: Sequence[Result]) -> Iterator[list[Result]]:
    """Those of a group, one at least, that are there already or that no other run makes while the block lasts.

    Waits while other runs make them all, and tells once who does. The files in the work folder are looked at once all
    is claimed that can be, so that `run.present` has what other runs have made before, and then only when another
    claim has ended.
    """
    if group[0].kind is Kind.OUTPUT:  # its folder is held
        yield list(group)
        return
    keys = {result.name: _keys(run.plan, result) for result in group}
    told: set[str] = set()
    waiting: Mapping[str, str] | None = None
    while True:
        run.still_held()
        with claim(run.plan.work, run.plan.graph.name, (key for of in keys.values() for key in of)) as found:
            mine = _free(run, group, keys, found) if found.others != waiting else []
            if mine:
                yield mine
                return
        waiting = found.others
        for name, wanted in keys.items():
            for who in {found.others[key] for key in wanted & found.others.keys()} - told:
                told.add(who)
                run.emit(Note(f"waiting for {name}: {who} makes it"))
        pause = REMOTE_LOOK_AGAIN if is_remote(run.plan.work) else LOOK_AGAIN
        time.sleep(pause * random.uniform(0.5, 1.5))


def _free(run: Run, group: Sequence[Result], keys: Mapping[str, set[str]], found: Claimed) -> list[Result]:
    """Those that are there or claimed; claims on all else are given up."""
    run.list_files()
    there = {one.name for one in group if _is_there(run, one)}
    free = _makeable([one for one in group if one.name in there or keys[one.name] <= found.mine], group)
    making = [keys[one.name] for one in free if one.name not in there]
    found.release(found.mine.difference(*making))
    return free


def _makeable(mine: list[Result], group: Sequence[Result]) -> list[Result]:
    """Without those that need what others make."""
    names = {result.name for result in group}
    while True:
        others = names - {result.name for result in mine}
        left = [result for result in mine if others.isdisjoint(result.inputs)]
        if len(left) == len(mine):
            return mine
        mine = left


def _is_there(run: Run, result: Result) -> bool:
    """Whether all of a result is there; what is measured on arrival may always lack documents."""
    if result.kind in MADE:
        return exists(run.plan.made_folder(result.name) / RECORD)
    return result.kind is not Kind.ARRIVAL and not shards_state(run.plan, result, run.present).missing


def _keys(plan: Plan, result: Result) -> set[str]:
    """What a result is claimed by: for each source, or as a whole."""
    if result.kind is Kind.DOCUMENTS:
        return {_of_source(plan, result.of.name, Kind.DOCUMENTS.value)}
    if result.kind is Kind.ARRIVAL:
        return {fingerprint(source, key) for source, key in result.parts.items()}
    return {_of_source(plan, source, key) for source, key in result.parts.items()} or {result.key}


def _of_source(plan: Plan, source: str, key: str) -> str:
    """Pipelines that read other files under the same name do not wait for each other."""
    spec = plan.graph.sources.get(source)  # none of an earlier run
    return fingerprint(source, key, spec.path if spec else ())
