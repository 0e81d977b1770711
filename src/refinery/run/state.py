"""Which results of a plan are there: for `refinery plan`, from one listing of the work folder."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from refinery.errors import DamagedFile
from refinery.plan.plan import Plan, PlannedShard
from refinery.plan.results import Kind, Result
from refinery.run.decide import tally_file
from refinery.run.folder import current_manifest
from refinery.run.make import find_made
from refinery.storage.place import Place


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
    if result.kind in {Kind.COUNT, Kind.MODEL}:
        return State(1, int(not _is_made(plan, result)))
    shards = _shards(plan, result)
    missing = sum(any(str(file) not in present for file in _files(result, one)) for one in shards)
    return State(len(shards), missing)


def _is_made(plan: Plan, result: Result) -> bool:
    try:
        return find_made(plan.made_folder(result.name)) is not None
    except DamagedFile:
        return False  # the run makes it again


def _shards(plan: Plan, result: Result) -> list[PlannedShard]:
    if result.kind in {Kind.DOCUMENTS, Kind.MEASUREMENT}:
        return list(plan.of(result.of.name))
    sources = result.parts or plan.graph.stages[result.of.name].sources
    return [planned for source in sources for planned in plan.of(source)]


def _files(result: Result, planned: PlannedShard) -> Iterator[Place]:
    if result.kind is Kind.DOCUMENTS:
        yield planned.record_file
    elif result.kind is Kind.OUTCOME:
        yield planned.verb_file(result.key)
    elif result.kind is Kind.DECISION:
        key = result.parts[planned.spec.name]
        yield from (planned.decision_file(key), tally_file(planned, key))
    else:
        measured = result.parts[planned.spec.name]
        name = result.name.rpartition(".")[2].partition(" ")[0]
        yield planned.folder / f"measured-{name}-{measured}.parquet"
