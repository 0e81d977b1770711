"""What a pipeline needs of its work folder, noted there by each run, so that `refinery clean` knows the rest.

A pipeline is known by its name, as an output is. The note is a file of its own in `WORK/pipelines`: some 35 bytes a
shard. Without it (removed by hand, say) the pipeline is given up: what it alone needs may be removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from refinery.errors import InputError
from refinery.plan.plan import PIPELINES, SHARDS, Plan, PlannedShard
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place, files_below, read_file, read_many
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.url import redact


@dataclass(frozen=True)
class SourceNeeds:
    """The shard folders of a source by their keys, and the files that are needed in each of them."""

    shards: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Needs:
    """What a pipeline needs; definition: its file, or the folder of one that a program made."""

    pipeline: str
    definition: str
    sources: tuple[SourceNeeds, ...]

    def files(self) -> Iterator[str]:
        """Every file, relative to the work folder."""
        for source in self.sources:
            for key in source.shards:
                for name in source.files:
                    yield f"{SHARDS}/{key[:2]}/{key}/{name}"


def needs_of(plan: Plan) -> Needs:
    """What a run of the plan makes or finds there."""
    by_source: dict[str, list[PlannedShard]] = {}
    for planned in plan.shards:
        by_source.setdefault(planned.spec.name, []).append(planned)
    sources = [
        SourceNeeds(
            tuple(planned.folder.name for planned in shards),
            tuple(dict.fromkeys(place.name for place in _files(plan, shards[0]))),
        )
        for shards in by_source.values()
    ]
    source = plan.graph.definition.source.file
    definition = str(Path(source).absolute()) if source else str(plan.graph.definition.base)
    return Needs(plan.graph.name, definition, tuple(sources))


def _files(plan: Plan, planned: PlannedShard) -> Iterator[Place]:
    """The files of one shard; they are called alike in every shard of a source."""
    source = planned.spec.name
    yield from (planned.documents_file, planned.rejects_file, planned.record_file)
    for measurement in plan.graph.measurements(source):
        yield planned.measurement_file(measurement)
    for stage in plan.graph.stages.values():
        if source in stage.sources:
            decided = planned.decision_file(plan.decision_key(stage.name, source))
            yield from (decided, decided.with_suffix(".json"))
            if key := plan.outcome_key(stage.name):
                yield planned.verb_file(key)


def note_needs(plan: Plan) -> None:
    """Notes what a run needs, before it makes anything."""
    file, content = _file(plan.work, plan.graph.name), sealed_json(needs_of(plan))
    if read_many([file]) != [content]:
        make_directory(file.parent)
        commit_bytes(file, content, scratch=True)


def noted_needs(work: Place) -> dict[str, Needs]:
    """The notes that lie in a work folder, by the pipeline's name; raises InputError for one that is damaged."""
    names = sorted(name for name in files_below(work / PIPELINES) if "/" not in name)
    return {needs.pipeline: needs for needs in (_read(work / PIPELINES / name) for name in names)}


def _read(file: Place) -> Needs:
    try:
        found = read_sealed_json(read_file(file))
        sources = tuple(SourceNeeds(tuple(s["shards"]), tuple(s["files"])) for s in found.pop("sources"))
        return Needs(**found, sources=sources)
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = "run its pipeline again, or remove the file if the pipeline is given up"
        raise InputError(
            redact(str(file)), "damaged, so it is not known what its pipeline needs", hint
        ) from None


def _file(work: Place, pipeline: str) -> Place:
    return work / PIPELINES / f"{pipeline}.json"
