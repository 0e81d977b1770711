"""What a run knows about an output, put together in its manifest."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from refinery.dedup.split import split_names
from refinery.definition.models import Pipeline
from refinery.definition.outputs import Output
from refinery.executors.versions import versions
from refinery.filters.licence import LICENCE
from refinery.run.context import Run
from refinery.run.counts import Decided
from refinery.run.decide import CutTally, RuleTally, StageTally, Tally
from refinery.run.joined_tables import unmatched
from refinery.run.kinds import LANGUAGE, total
from refinery.run.manifest import BrokenShard, Manifest, SourceAccount, SplitAccount, Suggested
from refinery.run.output_files import Written
from refinery.run.parts import part_accounts, verb_tables
from refinery.run.recalled import recalled_of
from refinery.run.removed import RemovedTallies, add_removed
from refinery.run.suggested import suggested_precisions, warn_of_impure
from refinery.run.tokenised import token_account
from refinery.sources.schema import notes
from refinery.storage.url import is_url, redact
from refinery.storage.write import WrittenFile


def make_manifest(
    run: Run,
    name: str,
    decided: Sequence[Decided],
    written: Written,
) -> Manifest:
    """Puts together what the run knows about an output."""
    plan, layout, files = run.plan, written.layout, written.files
    last = plan.graph.stage_of(name)
    stages, sources = plan.graph.ancestors(last.name), last.sources
    measurers = {m.key: m.measurer for source in sources for m in plan.graph.measurements(source)}
    columns = (c for s in stages for known in plan.graph.stages[s].columns.values() for c in known.values())
    tallies = {stage: _stage(run, stage, decided) for stage in stages}
    models = {model for column in columns for m in column.measurements for model in m.measurer.models}
    return Manifest(
        refinery=version("refinery"),
        pipeline=plan.graph.name,
        output=name,
        fingerprint=plan.output_key(name),
        definition=_definition(plan.graph.definition.pipeline),
        measurers={
            key: {"name": m.name, "version": m.version, "settings": dict(m.settings)}
            for key, m in sorted(measurers.items(), key=lambda item: (item[1].name, item[0]))
        },
        versions={"python": platform.python_version(), **dict(versions())},
        sources={source: _source(run, source) for source in sources},
        protected={source: _source(run, source) for source in plan.graph.protected_sources(last.name)},
        stages=tallies,
        calibrated={name: c for name in stages if (c := plan.graph.stages[name].calibration)},
        suggested=_suggested(run, tallies),
        recalled={name: one for name, one in recalled_of(plan).items() if name in models},
        kept=_kept(last.name, decided),
        repeated=_repeated(last.name, decided),
        parts=part_accounts(plan, plan.graph.repeating(last.name), decided),
        tables=verb_tables(plan, (plan.graph.stages[stage] for stage in stages)),
        licences={s: dict(kinds[LICENCE]) for s, kinds in written.kinds.items() if kinds.get(LICENCE)},
        languages=dict(total(written.kinds.values()).get(LANGUAGE, {})),
        splits=_splits(plan.graph.outputs[name], files),
        made_columns=layout.made,
        renamed_columns=layout.renamed,
        notes=notes(layout.carried),
        warnings=_warnings(run, name, (*stages, *sources), models),
        files=files,
        file_keys={file.path: written.keys[file.path] for file in files if file.path in written.keys},
        decisions=tuple(one.decisions for one in decided),
        rejects=tuple(one.rejects for one in decided if one.rejects),
        tokenised=token_account(layout.tokens, files) if layout.tokens else None,
        sequences=written.sequences,
        started=run.started.isoformat(timespec="seconds"),
        seconds={
            phase: round(seconds, 3) for phase, seconds in {**run.seconds, "total": run.elapsed}.items()
        },
    )


def _definition(pipeline: Pipeline) -> dict[str, Any]:
    """The definition without what is a default and without the secrets of URLs, wherever they stand."""
    content = pipeline.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    found: dict[str, Any] = _redacted(content)
    return found


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_redacted(inner) for inner in value]
    return redact(value) if isinstance(value, str) and is_url(value) else value


def _source(run: Run, source: str) -> SourceAccount:
    mine = [run.records[planned.number] for planned in run.plan.of(source)]
    listed = run.plan.listed[source]
    reasons, skipped, nulled = Counter[str](), Counter[str](), Counter[str]()
    for record in mine:
        reasons.update(record.reasons)
        skipped.update(record.skipped)
        nulled.update(record.nulled)
    return SourceAccount(
        shards=len(mine),
        documents=sum(record.documents for record in mine),
        rejected=sum(record.rejected for record in mine),
        bytes=sum(record.bytes for record in mine),
        reasons=dict(sorted(reasons.items())),
        skipped=dict(sorted(skipped.items())),
        nulled=dict(sorted(nulled.items())),
        unmatched=unmatched(run, source),
        broken=tuple(BrokenShard(path=path, problem=problem) for path, problem in listed.broken),
        ignored=sum(group.count for group in listed.passed_over),
        passed_over=listed.passed_over,
    )


def _warnings(run: Run, output: str, names: Sequence[str], models: Collection[str]) -> tuple[str, ...]:
    """What was warned of on the way to an output; names: its sources and stages, which have one set of names."""
    on_the_way = {"output": (output,), "model": models}
    about = [of for of in run.warnings if of.name in on_the_way.get(of.kind, names)]
    return tuple(f"{of.kind} {of.name}: {message}" for of in about for message in run.warnings[of])


def _stage(run: Run, stage: str, decided: Sequence[Decided]) -> StageTally:
    """Over all shards, the stage's verb included."""
    resolved = run.plan.graph.stages[stage]
    rules = {rule.name: RuleTally() for rule in resolved.rules}
    arrived, unjudged, removed = Tally(), 0, list[RemovedTallies]()
    for planned in run.plan.reaching(resolved):
        tally = run.tallies[stage, planned.number]
        arrived += tally.arrived
        unjudged += tally.unjudged
        for rule, found in tally.rules.items():
            rules[rule] += found
        removed.append(tally.removed)
    for one in decided:
        for (name, _), dropped in one.verbs.items():
            for rule, found in dropped.items() if name == stage else ():
                rules[rule] = rules.get(rule, RuleTally()) + found
    cut = sum((one.cut.get(stage, CutTally()) for one in decided), CutTally())
    kept, repeated = _kept(stage, decided), _repeated(stage, decided)
    return StageTally(arrived, kept, rules, cut, unjudged, repeated, add_removed(removed))


def _suggested(run: Run, tallies: Mapping[str, StageTally]) -> dict[str, dict[str, Suggested]]:
    """By stage and rule; tells of those that miss the precision."""
    graph = run.plan.graph
    found = {
        name: suggested_precisions(
            graph.stages[name].rules,
            tally,
            {*graph.ancestors(name), *graph.stages[name].sources} - {name},
            graph.definition.paths,
        )
        for name, tally in tallies.items()
    }
    for stage, rules in found.items():
        warn_of_impure(run, stage, rules)
    return {stage: rules for stage, rules in found.items() if rules}


def _splits(output: Output, files: Sequence[WrittenFile]) -> dict[str, SplitAccount]:
    """By split, in order; a split without documents has no files."""
    found = {
        name: [f for f in files if f.path.startswith(f"data/{name}-")] for name in split_names(output.split)
    }
    return {
        name: SplitAccount(documents=sum(f.rows for f in mine), files=tuple(f.path for f in mine))
        for name, mine in found.items()
    }


def _kept(stage: str, decided: Sequence[Decided]) -> Tally:
    return sum((one.kept.get(stage, Tally()) for one in decided), Tally())


def _repeated(stage: str, decided: Sequence[Decided]) -> Tally:
    return sum((one.repeated.get(stage, Tally()) for one in decided), Tally())
