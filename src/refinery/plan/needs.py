"""What a pipeline needs of its work folder, noted there by each run, so that `refinery clean` knows the rest.

A pipeline is known by its name, as an output is. The note is `WORK/pipelines/NAME/needs.json`: some 35 bytes a shard.
Without it (that folder was removed by hand, say) the pipeline is given up: what it alone needs may be removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from refinery.errors import InputError
from refinery.plan.files import shard_files
from refinery.plan.plan import ARCHIVED, LINEAGE, MEMBERS, SHARDS, Plan
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.lock import hold_when_free
from refinery.storage.place import Place, read_many
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.url import redact
from refinery.storage.work_folder import pipeline_folder, pipelines_in

FILE = "needs.json"


@dataclass(frozen=True)
class SourceNeeds:
    """The shard folders of a source by their keys, and the files that are needed in each of them."""

    shards: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Needs:
    """What a pipeline needs.

    definition: its file, or the folder of one that a program made; made: the keys of models and counts.
    """

    pipeline: str
    definition: str
    sources: tuple[SourceNeeds, ...]
    made: tuple[str, ...]

    def files(self) -> Iterator[str]:
        """Every file in the folder of a shard, relative to the work folder."""
        for source in self.sources:
            for key in source.shards:
                for name in source.files:
                    yield f"{SHARDS}/{key[:2]}/{key}/{name}"


def needs_of(plan: Plan) -> Needs:
    """What a run of the plan makes or finds there."""
    files: dict[str, list[str]] = {source: [] for source in plan.listed}
    for result in plan.results.values():
        for source, names in shard_files(plan, result).items():
            files[source] += names
    for source, listed in plan.listed.items():
        if listed.members:
            files[source] += [MEMBERS, LINEAGE]
        if any(planned.shard.archived for planned in plan.of(source)):
            files[source].append(ARCHIVED)
    sources = [
        SourceNeeds(
            tuple(planned.folder.name for planned in plan.of(source)),
            tuple(dict.fromkeys(files[source])),
        )
        for source in plan.listed
    ]
    source = plan.graph.definition.source.file
    definition = str(Path(source).absolute()) if source else str(plan.graph.definition.base)
    made = [plan.results[name].key for name in plan.graph.makings]
    made += [join.identity for source in plan.listed for join in plan.graph.joins(source)]
    return Needs(plan.graph.name, definition, tuple(sources), tuple(made))


def note_needs(plan: Plan, tell: Callable[[str], None]) -> bool:
    """Notes what a run needs, before it makes anything or takes anything for made; whether that is new.

    Not while `refinery clean` works, which holds the work folder from the moment that it reads the notes: it is told
    of and waited for.
    """
    file, content = plan.own / FILE, sealed_json(needs_of(plan))
    if read_many([file]) == [content]:
        return False
    make_directory(file.parent)
    with hold_when_free(plan.work, tell):
        commit_bytes(file, content, scratch=True)
    return True


def noted_needs(work: Place) -> dict[str, Needs]:
    """The notes that lie in a work folder, by the pipeline's name; raises InputError for one that is damaged."""
    files = [pipeline_folder(work, name) / FILE for name in pipelines_in(work)]
    found = zip(files, read_many(files), strict=True)
    return {
        needs.pipeline: needs for needs in (_read(file, note) for file, note in found if note is not None)
    }


def _read(file: Place, note: bytes) -> Needs:
    try:
        found = read_sealed_json(note)
        sources = tuple(SourceNeeds(tuple(s["shards"]), tuple(s["files"])) for s in found.pop("sources"))
        return Needs(**{**found, "sources": sources, "made": tuple(found["made"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = "run its pipeline again, or remove the file if the pipeline is given up"
        raise InputError(
            redact(str(file)), "damaged, so it is not known what its pipeline needs", hint
        ) from None
