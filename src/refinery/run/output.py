"""An output, from the decisions to the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import orjson
import pyarrow as pa

from refinery.definition.licences import LicenceColumn
from refinery.errors import ConservationError, RunError
from refinery.executors.base import Unit
from refinery.filters.licence import LICENCE
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import PlannedShard
from refinery.plan.result import output_name
from refinery.run import folder as folders
from refinery.run import guards
from refinery.run.account import make_manifest
from refinery.run.attribution import attribution, telling_columns
from refinery.run.context import Run
from refinery.run.counts import Decided
from refinery.run.dataset_card import dataset_card
from refinery.run.decisions import decisions_tasks, write_decisions
from refinery.run.joined_tables import warn_of_unmatched
from refinery.run.kinds import unknown_licences
from refinery.run.manifest import Manifest
from refinery.run.mixture import mixture
from refinery.run.output_files import Written, write_output
from refinery.run.parts import part_accounts
from refinery.run.tokenised import data_paths
from refinery.sources.ids import common_id_type
from refinery.sources.schema import unify
from refinery.storage.marks import CARD, records_of
from refinery.storage.place import Place
from refinery.storage.url import redact
from refinery.watch.events import Count, Subject


def carried_columns(run: Run, stage: ResolvedStage) -> pa.Schema:
    """The source columns that reach a stage, unified by name; raises InputError where their types clash."""
    return unify([(p.name, run.records[p.number].carried()) for p in _by_schema(run, stage)])


def _by_schema(run: Run, stage: ResolvedStage) -> Iterable[PlannedShard]:
    """The first shard of each schema: there may be hundreds of thousands of shards, and few schemas."""
    first: dict[str, PlannedShard] = {}
    for planned in run.plan.reaching(stage):
        first.setdefault(run.records[planned.number].schema, planned)
    return first.values()


def _telling(run: Run, stage: ResolvedStage) -> dict[str, tuple[str, ...]]:
    """Of each source the columns by which its documents are attributed, those of any of its files."""
    schemas = {
        (planned.spec.name, run.records[planned.number].schema): planned
        for planned in run.plan.reaching(stage)
    }
    found: dict[str, list[pa.Schema]] = {}
    for (source, _), planned in schemas.items():
        found.setdefault(source, []).append(run.records[planned.number].carried())
    return {
        source: telling_columns({field.name: field for schema in each for field in schema}.values())
        for source, each in found.items()
    }


def make_output(run: Run, name: str) -> Manifest:
    """Brings an output up to date: its decisions, then its files, then its manifest.

    Raises RunError when a guard stops it, ConservationError when other documents are written than were kept.
    """
    plan, records = run.plan, run.records
    key, folder = plan.output_key(name), plan.graph.output_paths[name]
    current, of = folders.current_manifest(folder, key), Subject("output", name)
    if current is not None and not guards.judged_alike(current, plan.graph.definition.pipeline):
        current = None
    run.checked(plan.results[output_name(name)], "output", int(current is not None), int(current is None))
    if current is not None:
        manifest = Manifest.model_validate(current)
        run.finish(of, manifest.kept.documents, manifest.kept.documents)
        return manifest
    staged, stage = folders.staging(folder, key), plan.graph.stage_of(name)
    decided = run.map(
        "decisions",
        write_decisions,
        [Unit(t.decisions.name, t, of=(of,)) for t in decisions_tasks(plan, name, records, staged)],
        documents=lambda one: one.documents,
        counts=lambda _, one: [Count(of, one.kept[stage.name].documents)] if stage.name in one.kept else [],
        more=True,
    )
    for above in plan.graph.ancestors(stage.name):  # what verbs kept whose outcome was there
        before = run.finished[Subject("stage", above)]
        left = sum(one.kept[above].documents for one in decided if above in one.kept)
        run.finish(before.of, before.documents, left)
    kept = sum(one.kept[stage.name].documents for one in decided if stage.name in one.kept)
    _guard(run, name, stage, decided)
    warn_of_unmatched(run, stage.sources)
    id_type = common_id_type(records[planned.number].id_type() for planned in _by_schema(run, stage))
    output = write_output(run, name, carried_columns(run, stage), id_type, staged)
    written = sum(file.rows for file in output.files)
    again = sum(one.repeated[stage.name].documents for one in decided if stage.name in one.repeated)
    due = kept if plan.graph.outputs[name].repeats == "counts" else kept + again
    if written != due:
        raise ConservationError(
            f"output {name}: {due} rows are due but {written} written; please report this"
        )
    _warn_of_licences(run, name, output)
    manifest = make_manifest(run, name, decided, output)
    data = [file.path for file in manifest.files]
    beside = [file.path for file in (*manifest.decisions, *manifest.rejects, *manifest.sequences)]
    texts = {CARD: dataset_card(manifest, output.layout.schema)}
    texts |= attribution(manifest, _telling(run, stage))
    texts |= mixture(manifest)
    if manifest.tokenised:
        texts |= data_paths(manifest.tokenised, manifest.files)
    content = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    folders.finish(folder, staged, data, beside, content, texts, run.still_held)
    run.finish(of, kept, written)
    return manifest


def _guard(run: Run, name: str, stage: ResolvedStage, decided: Sequence[Decided]) -> None:
    """Stops or warns, as `guards` of the definition say, by what was decided on the way to an output."""
    graph = run.plan.graph
    for above in graph.ancestors(stage.name):
        at = graph.stages[above]
        guards.judge(run, [*guards.losses(run, at, decided), *guards.budget_missed(at, decided)])
        guards.warn_of_unjudged(run, at)
    if repeating := graph.repeating(stage.name):
        accounts = part_accounts(run.plan, repeating, decided)
        guards.judge(run, [guards.part_missed(repeating.name, *one) for one in accounts.items()])
    guards.warn_of_empty_sources(run, name, stage)


def _warn_of_licences(run: Run, name: str, output: Written) -> None:
    """Tells what the columns of licences have that SPDX does not know and the output does not allow by its name."""
    allowed = run.plan.graph.outputs[name].licences
    for source, kinds in output.arrived.items():
        entry = run.plan.graph.definition.pipeline.sources[source].licence
        if isinstance(entry, LicenceColumn) and (unknown := unknown_licences(kinds[LICENCE], allowed)):
            run.warn(Subject("source", source), unknown)


def refuse_empty(manifests: Mapping[str, Manifest], folders: Mapping[str, Place]) -> None:
    """Raises RunError for outputs without a document, with what took the most; what became of all is on record."""
    empty = [
        _nothing_left(manifest, folders[name])
        for name, manifest in manifests.items()
        if not manifest.kept.documents
    ]
    if empty:
        raise RunError("\n".join(empty))


def _nothing_left(manifest: Manifest, folder: Place) -> str:
    lost = Counter[str]()
    for stage, tally in manifest.stages.items():
        for rule, dropped in tally.rules.items():
            lost[f"{stage}: {rule} dropped"] += dropped.dropped.documents
    for name, source in manifest.sources.items():
        for reason, count in source.reasons.items():
            lost[f"{name}: {reason} rejected"] += count
        for reason, count in source.skipped.items():
            lost[f"{name}: {reason} skipped"] += count
    reasons = ", ".join(f"{why} {count:,}" for why, count in lost.most_common(5) if count)
    sources = manifest.sources.values()
    read, rejected = sum(s.documents for s in sources), sum(s.rejected for s in sources)
    found = f"no document is left of {read:,} read ({rejected:,} rows rejected): {reasons}"
    where = f"what became of each is in {redact(str(records_of(folder)))}"
    return "\n".join([f"output {manifest.output}: {found}; {where}", *manifest.warnings])
