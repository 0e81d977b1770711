"""The plan of a run: the shards that a definition meets today, and all results that are to be made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from refinery.errors import InputError
from refinery.plan.fingerprint import fingerprint
from refinery.plan.graph import OWN_OUTPUT, Graph, Measurement, ResolvedStage
from refinery.plan.result import Result, decision_name, outcome_name, output_name
from refinery.plan.result_settings import reading_settings
from refinery.plan.results import LAYOUT, Listed, results_of
from refinery.sources.archives import ARCHIVES
from refinery.sources.documents import Pack, Shard, SourceSpec
from refinery.sources.html import EXTRACTION
from refinery.sources.limit import limit_shards
from refinery.sources.read import READING
from refinery.sources.shards import SHARD_BYTES, SourceShards
from refinery.storage.claims import CLAIMS
from refinery.storage.marks import records_of
from refinery.storage.place import Place, first_in, lies_in
from refinery.storage.url import redact
from refinery.storage.work_folder import PIPELINES, make_work_folder, pipeline_folder

if TYPE_CHECKING:
    from refinery.models.maker import Made

DOCUMENTS, REJECTS = "documents.parquet", "rejects.parquet"  # of a shard's folder
MEMBERS, LINEAGE = "files.parquet", "lineage.parquet"  # of the folder of a shard that is a pack
ARCHIVED = "archived.parquet"  # of that of archives
RECORD = "record.json"  # of a shard, and of a model or a count: written last, so all of it is there
_PAGES = {"warc", "html", "tar", "zip"}  # formats with pages whose text is extracted
SHARDS = "shards"  # the folder of the work folder with a folder for each shard
MADE = "made"  # the one with models and counts
VERBS, UNITS, MODELS = "verbs", "units", "models"  # of a pipeline's own: scratch, copies for other machines
FILES = "files"  # the folder with what is known of the sources' files
_OWN = (SHARDS, MADE, PIPELINES, CLAIMS, FILES)


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
        """Row number, id and hash of the text of every accepted document."""
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
        """What a stage's rules decide on every document."""
        return self.folder / f"decided-{key}.parquet"

    def verb_file(self, key: str) -> Place:
        """Documents that a verb dropped."""
        return self.folder / f"dropped-{key}.parquet"

    def cut_file(self, key: str) -> Place:
        """Passages that a verb cut."""
        return self.folder / f"cut-{key}.parquet"

    def repeats_file(self, key: str) -> Place:
        """Documents that a verb has written more than once."""
        return self.folder / f"repeats-{key}.parquet"


@dataclass(frozen=True)
class Plan:
    """A resolved definition with the shards it meets today.

    made: models and counts that it knows, by result; warnings: about sources of which nothing was known before.
    """

    graph: Graph
    work: Place
    listed: dict[str, SourceShards]  # by source, the earlier runs of `against` among them
    shards: tuple[PlannedShard, ...]
    made: Mapping[str, Made] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def own(self) -> Place:
        """What the pipeline alone has in the work folder, held by one run at a time."""
        return pipeline_folder(self.work, self.graph.name)

    def __repr__(self) -> str:
        """In short, since it knows every shard."""
        outputs, shards = ", ".join(self.graph.outputs), len(self.shards)
        return f"Plan({self.graph.name!r}, {shards} shards, {len(self.results)} results, outputs: {outputs})"

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
        """The shards that a stage's verb looks at and never drops from: of an earlier run, of what is protected."""
        return tuple(planned for source in stage.against for planned in self.of(source))

    def measurements(self, planned: PlannedShard) -> tuple[Measurement, ...]:
        """What is measured on every document of a shard."""
        return self._measured[planned.spec.name]

    @cached_property
    def _measured(self) -> dict[str, tuple[Measurement, ...]]:
        return {name: tuple(m for m in self.graph.measurements(name) if not m.late) for name in self.listed}

    @cached_property
    def results(self) -> dict[str, Result]:
        """All that a run makes, by name, inputs first."""
        return results_of(self.graph, {name: self._listed(name) for name in self.listed})

    def _listed(self, source: str) -> Listed:
        shards = self.of(source)
        cuts = [(p.shard.relative_path, p.shard.identity, p.shard.start, p.shard.stop) for p in shards]
        content = f"{len(shards)} shards, {fingerprint(cuts)[:12]}"
        return Listed(tuple(p.folder.name for p in shards), content, self.listed[source].broken)

    def decision_key(self, stage: str, source: str) -> str:
        """Names a stage's decisions on a source's shards."""
        return self.results[decision_name(stage)].parts[source]

    def outcome_key(self, stage: str) -> str | None:
        """Names what a stage's verb decides, if it has one."""
        name = outcome_name(self.graph.stages[stage])
        return self.results[name].key if name else None

    @property
    def cuts(self) -> dict[str, str]:
        """The keys of what verbs cut, by stage."""
        keys = {name: self.outcome_key(name) for name, stage in self.graph.stages.items() if stage.cuts}
        return {name: key for name, key in keys.items() if key}

    def output_key(self, output: str) -> str:
        """Names an output's content."""
        return self.results[output_name(output)].key

    def made_folder(self, name: str) -> Place:
        """Where a model or a count lies once it is made."""
        return self.work / MADE / self.results[name].key

    def with_first_rows(self, rows: Mapping[int, int]) -> Plan:
        """The plan in which shards know their first row in their file; rows: of shards, by number."""
        before: Counter[tuple[str, str, str]] = Counter()
        shards = []
        for planned in self.shards:
            file = (planned.spec.name, planned.shard.path, planned.shard.relative_path)
            shard = replace(planned.shard, first_row=before[file])
            shards.append(replace(planned, shard=shard))
            before[file] += rows.get(planned.number, 0)
        return replace(self, shards=tuple(shards))

    def missing(
        self, planned: PlannedShard, present: Container[str], keys: Container[str] | None = None
    ) -> tuple[Measurement, ...]:
        """The measurements of a shard, those with these keys or all, that are not among the files `present`."""
        wanted = (m for m in self.measurements(planned) if keys is None or m.key in keys)
        return tuple(m for m in wanted if str(planned.measurement_file(m)) not in present)


def make_plan(graph: Graph, work: Place, *, shard_bytes: int = SHARD_BYTES, keep: bool = True) -> Plan:
    """Lists the shards of every source; `keep`: what is found out about files is kept in the work folder.

    Raises InputError for a source that cannot be read at all, and for folders that would be mixed up; DefinitionError
    for several such sources, columns that clash, models that need themselves, and files that are trusted and junk.
    """
    from refinery.plan.against import earlier_spec
    from refinery.plan.calibrations import refuse_shared
    from refinery.plan.inputs import list_inputs
    from refinery.plan.joins import placed
    from refinery.plan.protect import refuse_incomplete
    from refinery.plan.verbs import refuse_lacking

    _refuse_work_folder(work, graph.output_paths)
    specs = dict(graph.sources)
    for stage in graph.stages.values():
        if earlier := earlier_spec(stage, graph.definition.paths):
            refuse_lacking(stage, earlier)
            specs[earlier.name] = earlier
    specs = {name: placed(spec, work / MADE) for name, spec in specs.items()}
    if keep:
        make_work_folder(work)
    inputs = list_inputs(graph, specs, shard_bytes, work / FILES, keep=keep)
    listed = inputs.listed
    if limit := graph.definition.limit:
        unlimited = {name for one in graph.definition.pipeline.protect.values() for name in one.from_}
        for name in graph.definition.pipeline.sources.keys() - unlimited:
            listed[name] = replace(listed[name], shards=limit_shards(listed[name].shards, limit))
    refuse_incomplete(graph, listed)
    refuse_shared(graph, listed)
    for name in graph.sources:
        for folder in graph.output_paths.values():
            if found := first_in((shard.path for shard in listed[name].unpacked()), str(folder)):
                raise InputError(redact(found), f"source {name} reads what this pipeline writes", OWN_OUTPUT)
    plan = Plan(graph, work, listed, tuple(_numbered(listed, specs, work)), warnings=inputs.warnings)
    _ = plan.results  # what needs itself is found when they are put in order
    return with_cuts(plan)


def with_cuts(plan: Plan) -> Plan:
    """The plan in which what is below a verb that cuts knows the verb's outcome by its key."""
    from refinery.plan.resolve import resolve

    while (cuts := plan.cuts) != plan.graph.cuts:  # one may lie below another
        plan = replace(plan, graph=resolve(plan.graph.definition, plan.made, cuts))
    return plan


def _refuse_work_folder(work: Place, outputs: dict[str, Place]) -> None:
    """An output is a folder of its own, and what lies in the work folder's own folders is removed when it is old."""
    for name, output in outputs.items():
        if any(lies_in(str(work), str(folder)) for folder in (output, records_of(output))):
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
    number, folder = 0, work / SHARDS
    for name, found in listed.items():
        spec = replace(specs[name], path=())
        for shard in found.shards:
            key = shard_key(shard, spec)
            place = folder / f"{key[:2]}/{key}"
            if members := found.members.get(shard.index):
                shard = replace(shard, pack=Pack(len(members), place / MEMBERS, place / LINEAGE))  # noqa: PLW2901
            if shard.format in ARCHIVES:
                shard = replace(shard, archived=place / ARCHIVED)  # noqa: PLW2901
            yield PlannedShard(shard, spec, place, number)
            number += 1


def shard_key(shard: Shard, spec: SourceSpec) -> str:
    """Names all that is made of a shard alone: its file's identity, its cut, how it is read and by what name.

    By its source, since two may read one file; by its path below the root, since lineage and minted ids hold it.
    """
    cut = (shard.identity, shard.format, shard.start, shard.stop)
    # another version of the extractor gives other texts of pages
    extraction = (EXTRACTION, version(spec.extractor)) if shard.format in _PAGES else ""
    # made, since the manifest beside a file decides which columns its rows have
    reading = (READING, reading_settings(spec), extraction, shard.made)
    more: list[object] = [shard.limit] if shard.limit else []
    if shard.format in ARCHIVES:  # of which the format that is said is that of the files in it
        more += [spec.format, ARCHIVED]
    return fingerprint(LAYOUT, cut, reading, spec.name, shard.relative_path, *more)
