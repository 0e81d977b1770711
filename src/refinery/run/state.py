"""Which results of a plan are there: for `refinery plan`, from one listing of the work folder."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from refinery.errors import DamagedFile
from refinery.plan.files import shard_files
from refinery.plan.plan import Plan
from refinery.plan.result import MADE, Kind, Result
from refinery.run.folder import current_manifest
from refinery.run.make import find_made

_DECIDING = {Kind.DECISION, Kind.OUTCOME}


@dataclass(frozen=True)
class State:
    """Of how many parts (mostly shards) a result is made, and how many of them are missing."""

    parts: int
    missing: int


def states(plan: Plan, present: Container[str]) -> dict[str, State]:
    """The state of each result by name, inputs first; present: the files in the folders of shards."""
    return {name: _state(plan, result, present) for name, result in plan.results.items()}


def _state(plan: Plan, result: Result, present: Container[str]) -> State:
    if result.kind is Kind.OUTPUT:
        folder = plan.graph.output_paths[result.of.name]
        return State(1, int(current_manifest(folder, result.key) is None))
    if result.kind in MADE:
        return State(1, int(not _is_made(plan, result)))
    state = shards_state(plan, result, present)
    if result.kind is Kind.ARRIVAL:  # other documents may come where it is decided anew
        above = [plan.results[name] for name in result.inputs]
        missing = [shards_state(plan, one, present).missing for one in above if one.kind in _DECIDING]
        state = State(state.parts, min(state.parts, max([state.missing, *missing])))
    return state


def shards_state(plan: Plan, result: Result, present: Container[str]) -> State:
    """The state of a result that lies in the folders of shards."""
    files = shard_files(plan, result)
    folders = [(str(planned.folder), names) for source, names in files.items() for planned in plan.of(source)]
    missing = sum(any(f"{folder}/{name}" not in present for name in names) for folder, names in folders)
    return State(len(folders), missing)


def _is_made(plan: Plan, result: Result) -> bool:
    try:
        return find_made(plan.made_folder(result.name)) is not None
    except DamagedFile:
        return False  # the run makes it again
