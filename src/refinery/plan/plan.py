"""The plan of a run: shards, and for each the name of every result that the run needs.

Every result has a key that covers all it depends on, so what is there already needs no work:

    measurement   = view (transforms) + measurer + model content            in the shard's folder
    decision      = shard + rules of the stages at one depth + verbs above  in the shard's folder
    verb          = settings + all shards that reach it + verbs above       in the shard's folder, part of a whole
    output        = all of the above + how it is written                    in the output folder's manifest
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version

from refinery.errors import InputError
from refinery.plan.fingerprint import fingerprint
from refinery.plan.graph import OWN_OUTPUT, Graph, Measurement, ResolvedStage, against_source
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.read import READING
from refinery.sources.shards import SHARD_BYTES, SourceShards, list_shards
from refinery.storage.place import Place, files_below, lies_in
from refinery.storage.url import redact
from refinery.watch.log import FOLDER as LOGS

DOCUMENTS, REJECTS, RECORD = "documents.parquet", "rejects.parquet", "record.json"  # of a shard's folder
SHARDS = "shards"  # the folder of the work folder with a folder for each shard
VERBS, UNITS = "verbs", "units"  # those that hold scratch of a run
MODELS = "models"  # the one with copies of models for other machines
PIPELINES = "pipelines"  # the one with what each pipeline needs of it
FILES = "files"  # the one with what is known of the sources' files
_OWN = (SHARDS, VERBS, UNITS, MODELS, PIPELINES, FILES, LOGS)
LAYOUT = 6  # raised when the files of the work folder change their form


@dataclass(frozen=True)
class PlannedShard:
    """A shard with how it is read, where its results lie and its place among all shards.

    It goes into units of work, so its `spec` names none of the source's other files.
    """

    shard: Shard
    spec: SourceSpec
    folder: Place
    number: int  # over all sources, in the definition's order

    @property
    def name(self) -> str:
        """What errors, logs and reports call it."""
        return self.shard.name

    def measurement_file(self, measurement: Measurement) -> Place:
        """Row-aligned with the shard's accepted documents."""
        return self.folder / measurement.file

    @property
    def documents_file(self) -> Place:
        """Row number and id of every accepted document."""
        return self.folder / DOCUMENTS

    @property
    def rejects_file(self) -> Place:
        """Row number, reason and detail of every rejected row."""
        return self.folder / REJECTS

    @property
    def record_file(self) -> Place:
        """Counts of the shard; written last, so its presence says that the documents are known."""
        return self.folder / RECORD

    def decision_file(self, key: str) -> Place:
        """Outcome of every document in the stages of one depth."""
        return self.folder / f"decided-{key}.parquet"

    def verb_file(self, key: str) -> Place:
        """Documents that a verb dropped."""
        return self.folder / f"dropped-{key}.parquet"


@dataclass(frozen=True)
class Plan:
    """A resolved definition with the shards it meets today."""

    graph: Graph
    work: Place
    listed: dict[str, SourceShards]  # by source, the earlier runs of `against` among them
    shards: tuple[PlannedShard, ...]

    def of(self, source: str) -> tuple[PlannedShard, ...]:
        """The shards of a source, in order."""
        return self._by_source.get(source, ())

    @cached_property
    def _by_source(self) -> dict[str, tuple[PlannedShard, ...]]:
        names = dict.fromkeys(planned.spec.name for planned in self.shards)
        return {n: tuple(p for p in self.shards if p.spec.name == n) for n in names}

    def reaching(self, stage: ResolvedStage) -> tuple[PlannedShard, ...]:
        """The shards whose documents can reach a stage, in trust order."""
        return tuple(planned for source in stage.sources for planned in self.of(source))

    def earlier(self, stage: ResolvedStage) -> tuple[PlannedShard, ...]:
        """The shards of the earlier run that a stage's verb looks at."""
        return self.of(against_source(stage.name))

    def measurements(self, planned: PlannedShard) -> tuple[Measurement, ...]:
        """What is measured on every document of a shard."""
        return tuple(m for m in self.graph.measurements(planned.spec.name) if not m.measurer.costly)

    def stages_at(self, depth: int, source: str) -> tuple[ResolvedStage, ...]:
        """The stages that a source reaches at one depth, parents first."""
        return tuple(s for s in self.graph.stages.values() if s.depth == depth and source in s.sources)

    def depths(self, source: str) -> tuple[int, ...]:
        """The depths at which a source is decided on."""
        return tuple(sorted({s.depth for s in self.graph.stages.values() if source in s.sources}))

    @cached_property
    def stage_keys(self) -> dict[str, str]:
        """For each stage, a fingerprint of its rules and of all that its rules see."""
        keys: dict[str, str] = {}
        for stage in self.graph.stages.values():
            seen = [
                (source, name, column.measurement.key, column.original)
                for source, columns in stage.columns.items()
                for name, column in columns.items()
            ]
            parents = [keys.get(parent, parent) for parent in stage.parents]
            rules = [(rule.name, rule.predicate) for rule in stage.rules]
            keys[stage.name] = fingerprint(LAYOUT, stage.name, parents, rules, sorted(seen))
        return keys

    @cached_property
    def verb_keys(self) -> dict[str, str]:
        """For each stage with a verb, a fingerprint of it and of every document that can reach it."""
        keys: dict[str, str] = {}
        for stage in self.graph.stages.values():
            if stage.verb:
                verb = (stage.verb.name, stage.verb.version, stage.verb.settings)
                shards = [(p.folder.name, p.spec.name) for p in (*self.earlier(stage), *self.reaching(stage))]
                above = [keys[name] for name in self.graph.ancestors(stage.name) if name in keys]
                keys[stage.name] = fingerprint(self.stage_keys[stage.name], verb, _read(stage), shards, above)
        return keys

    def decision_key(self, source: str, depth: int) -> str:
        """Names the decisions on a source's shards at a depth."""
        stages = self.stages_at(depth, source)
        above = [
            self.verb_keys[name]
            for stage in stages
            for name in self.graph.ancestors(stage.name)
            if name in self.verb_keys and self.graph.stages[name].depth < depth
        ]
        return fingerprint(source, [self.stage_keys[stage.name] for stage in stages], sorted(set(above)))

    def output_key(self, output: str) -> str:
        """Names an output's content."""
        stage = self.graph.stage_of(output)
        shards = [(p.folder.name, p.spec.name) for p in self.reaching(stage)]
        verbs = [self.verb_keys[name] for name in self.graph.ancestors(stage.name) if name in self.verb_keys]
        settings = self.graph.outputs[output].model_dump(exclude={"path", "from_"})
        broken = [self.listed[source].broken for source in stage.sources]  # they are in its account
        return fingerprint(self.stage_keys[stage.name], settings, shards, verbs, broken)

    def present(self) -> frozenset[str]:
        """Every file that lies in a shard's folder by now, from one listing; leftovers of killed processes too."""
        folder, listed = self.work / SHARDS, files_below(self.work / SHARDS)
        return frozenset(f"{folder}/{name}" for name in listed if listed[name] or name.endswith(".tmp"))

    def with_first_rows(self, rows: Mapping[int, int]) -> Plan:
        """The plan in which each shard knows its first row in its file; rows: of each shard, by its number."""
        before: Counter[tuple[str, str]] = Counter()
        shards = []
        for planned in self.shards:
            file = (planned.spec.name, planned.shard.path)
            shard = replace(planned.shard, first_row=before[file])
            shards.append(replace(planned, shard=shard))
            before[file] += rows[planned.number]
        return replace(self, shards=tuple(shards))

    def missing(self, planned: PlannedShard, present: frozenset[str]) -> tuple[Measurement, ...]:
        """The measurements of a shard that are not among the files `present`."""
        wanted = self.measurements(planned)
        return tuple(m for m in wanted if str(planned.measurement_file(m)) not in present)


def _read(stage: ResolvedStage) -> list[tuple[str, str, str, str]]:
    """What a stage's verb reads of each source: columns by name, and what is measured for it alone."""
    needed = [
        (source, name, column.measurement.key, column.original)
        for source, columns in stage.needed.items()
        for name, column in columns.items()
    ]
    own = [(source, "", measurement.key, "") for source, found in stage.own.items() for measurement in found]
    return sorted(needed + own)


def make_plan(graph: Graph, work: Place, *, shard_bytes: int = SHARD_BYTES, keep: bool = True) -> Plan:
    """Lists the shards of every source; `keep`: what is known of files is read from the work folder and kept there.

    Raises InputError for a source that cannot be read at all, and for folders that would be mixed up.
    """
    from refinery.plan.against import earlier_spec
    from refinery.plan.verbs import refuse_lacking

    _refuse_work_folder(work, graph.output_paths)
    specs = dict(graph.sources)
    for stage in graph.stages.values():
        if earlier := earlier_spec(stage, graph.definition.paths):
            refuse_lacking(stage, earlier)
            specs[earlier.name] = earlier
    known_in = work / FILES if keep else None
    listed = {name: list_shards(spec, shard_bytes, known_in=known_in) for name, spec in specs.items()}
    for name in graph.sources:
        for shard in listed[name].shards:
            if any(lies_in(shard.path, str(folder)) for folder in graph.output_paths.values()):
                raise InputError(shard.name, f"source {name} reads what this pipeline writes", OWN_OUTPUT)
    return Plan(graph, work, listed, tuple(_numbered(listed, specs, work)))


def _refuse_work_folder(work: Place, outputs: dict[str, Place]) -> None:
    """An output is a folder of its own, and what lies in the work folder's own folders is removed when it is old."""
    for name, output in outputs.items():
        if lies_in(str(work), str(output)):
            problem = f"the work folder would lie in the output {name!r}"
            if lies_in(str(output), str(work)):
                problem = f"the work folder and the output {name!r} are the same folder"
        elif any(lies_in(str(output), str(work / own)) for own in _OWN):
            problem = f"the output {name!r} would lie among the files that the work folder keeps"
        else:
            continue
        raise InputError(redact(str(output)), problem, "choose another --work or another output path")


def _numbered(
    listed: dict[str, SourceShards], specs: dict[str, SourceSpec], work: Place
) -> Iterator[PlannedShard]:
    number = 0
    for name, found in listed.items():
        spec = replace(specs[name], path=())
        for shard in found.shards:
            key = shard_key(shard, spec)
            yield PlannedShard(shard, spec, work / SHARDS / key[:2] / key, number)
            number += 1


def shard_key(shard: Shard, spec: SourceSpec) -> str:
    """Names all that is made of a shard alone: its file's identity, its cut, how it is read and by what name.

    By its source, since two may read one file; by its path below the root, since lineage and minted ids hold it.
    """
    cut = (shard.identity, shard.format, shard.start, shard.stop)
    reading = (spec.text, spec.id, spec.binary_text, spec.max_document_bytes)
    # another version of the extractor gives other texts of pages
    extraction = (spec.extractor, version(spec.extractor)) if shard.format == "warc" else ()
    # made, since the manifest beside a file decides which columns its rows have
    return fingerprint(LAYOUT, READING, cut, reading, extraction, shard.made, spec.name, shard.relative_path)
