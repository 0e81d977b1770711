"""The run manifest: the definition, what it met, what each stage and rule did, exactly which files came out."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from refinery import __version__
from refinery.definition.models import Pipeline
from refinery.plan.plan import PlannedShard
from refinery.run.account import ShardAccount
from refinery.run.decide import Tally
from refinery.run.measure import ShardRecord
from refinery.run.write import Layout
from refinery.storage.schema import notes
from refinery.storage.url import shown
from refinery.storage.write import WrittenFile

if TYPE_CHECKING:
    from refinery.run.run import Run

_VERSIONS = ("numpy", "numba", "polars", "pyarrow", "fasttext-community", "xxhash", "resiliparse", "fastwarc")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Count(_Model):
    """Documents, bytes of text, estimated tokens."""

    documents: int
    bytes: int
    tokens: int

    @classmethod
    def of(cls, tally: Tally) -> Count:
        """The same numbers as a model."""
        return cls(documents=tally.documents, bytes=tally.bytes, tokens=tally.tokens)


class BrokenShard(_Model):
    """A file that could not be read at all."""

    path: str
    problem: str


class SourceAccount(_Model):
    """What was read from a source."""

    shards: int
    documents: int
    rejected: int
    bytes: int
    reasons: dict[str, int]
    skipped: dict[str, int]
    broken: tuple[BrokenShard, ...]
    ignored: int


class RuleAccount(_Model):
    """What a rule dropped as the first that failed, and how many documents failed it at all."""

    dropped: Count
    failed: int


class StageAccount(_Model):
    """in = kept + dropped, for all shards together."""

    arrived: Count
    kept: Count
    rules: dict[str, RuleAccount]


class OutputFile(_Model):
    """A file of the output, relative to the manifest."""

    path: str
    rows: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, file: WrittenFile) -> OutputFile:
        """The file as the manifest tells it."""
        return cls(path=file.path.name, rows=file.rows, bytes=file.bytes, sha256=file.sha256)


class Manifest(_Model):
    """The record of a finished run of one output."""

    refinery: str
    pipeline: str
    output: str
    fingerprint: str
    definition: dict[str, Any]
    measurers: dict[str, dict[str, Any]]
    versions: dict[str, str]
    sources: dict[str, SourceAccount]
    stages: dict[str, StageAccount]
    kept: Count
    made_columns: tuple[str, ...]
    renamed_columns: dict[str, str]
    notes: tuple[str, ...]
    files: tuple[OutputFile, ...]
    decisions: OutputFile
    rejects: OutputFile | None
    started: str
    seconds: dict[str, float]


def make_manifest(
    run: Run,
    name: str,
    records: dict[int, ShardRecord],
    found: dict[PlannedShard, ShardAccount],
    layout: Layout,
    files: list[WrittenFile],
    decisions: WrittenFile,
    rejects: WrittenFile | None,
    started: datetime,
) -> Manifest:
    """Puts together what the run knows about an output; `rejects`: None if there are none."""
    plan = run.plan
    stage = plan.graph.stage_of(name)
    stages, sources = plan.graph.ancestors(stage.name), stage.sources
    measurers = {m.key: m.measurer for source in sources for m in plan.graph.measurements(source)}
    return Manifest(
        refinery=__version__,
        pipeline=plan.graph.name,
        output=name,
        fingerprint=plan.output_key(name),
        definition=_definition(plan.graph.definition.pipeline),
        measurers={
            key: {"name": m.name, "version": m.version, "settings": dict(m.settings)}
            for key, m in sorted(measurers.items(), key=lambda item: (item[1].name, item[0]))
        },
        versions={"python": platform.python_version()}
        | {p: importlib.metadata.version(p) for p in _VERSIONS},
        sources={source: _source(run, source, records) for source in sources},
        stages={stage: _stage(run, stage, found) for stage in stages},
        kept=Count.of(sum((a.kept for a in found.values()), Tally())),
        made_columns=layout.made,
        renamed_columns=layout.renamed,
        notes=notes(layout.carried),
        files=tuple(OutputFile.of(file) for file in files),
        decisions=OutputFile.of(decisions),
        rejects=OutputFile.of(rejects) if rejects else None,
        started=started.isoformat(timespec="seconds"),
        seconds={
            phase: round(seconds, 3)
            for phase, seconds in {
                **run.seconds,
                "total": (datetime.now(UTC) - started).total_seconds(),
            }.items()
        },
    )


def _definition(pipeline: Pipeline) -> dict[str, Any]:
    """The definition without what is a default and without the secrets of URLs."""
    content = pipeline.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for source in content["sources"].values():
        source["path"] = [shown(path) for path in source["path"]]
    return content


def _source(run: Run, source: str, records: dict[int, ShardRecord]) -> SourceAccount:
    mine = [records[planned.number] for planned in run.plan.of(source)]
    listed = run.plan.listed[source]
    reasons, skipped = Counter[str](), Counter[str]()
    for record in mine:
        reasons.update(record.reasons)
        skipped.update(record.skipped)
    return SourceAccount(
        shards=len(mine),
        documents=sum(record.documents for record in mine),
        rejected=sum(record.rejected for record in mine),
        bytes=sum(record.bytes for record in mine),
        reasons=dict(sorted(reasons.items())),
        skipped=dict(sorted(skipped.items())),
        broken=tuple(BrokenShard(path=path, problem=problem) for path, problem in listed.broken),
        ignored=len(listed.ignored),
    )


def _stage(run: Run, stage: str, found: dict[PlannedShard, ShardAccount]) -> StageAccount:
    resolved = run.plan.graph.stages[stage]
    rules = {rule.name: (Tally(), 0) for rule in resolved.rules}
    arrived = Tally()
    for planned in run.plan.reaching(resolved):
        tally = run.tallies[stage, planned.number]
        arrived += tally.arrived
        for rule, count in tally.dropped.items():
            rules[rule] = (rules[rule][0] + count, rules[rule][1])
        for rule, failed in tally.failed.items():
            rules[rule] = (rules[rule][0], rules[rule][1] + failed)
    for account in found.values():
        for rule, count in account.verb_dropped.get(stage, {}).items():
            before, failed = rules.get(rule, (Tally(), 0))
            rules[rule] = (before + count, failed + count.documents)
    return StageAccount(
        arrived=Count.of(arrived),
        kept=Count.of(sum((a.stage_kept.get(stage, Tally()) for a in found.values()), Tally())),
        rules={
            name: RuleAccount(dropped=Count.of(tally), failed=failed)
            for name, (tally, failed) in rules.items()
        },
    )
