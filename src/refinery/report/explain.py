"""`refinery explain`: all that was measured and decided on a document, and how the one kept instead differs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from refinery.filters.measurer import RemovedPart
from refinery.filters.predicate import columns_of
from refinery.filters.rules import Rule
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan
from refinery.report.cuts import cuts_by_stage
from refinery.report.document import Document, Found, read_found, read_texts, values_at
from refinery.report.earlier import earlier_document
from refinery.report.shared import shared_passages
from refinery.run.decide import KEPT
from refinery.run.decisions import ShardOutcomes, outcomes_of, rows_of
from refinery.storage.tables import read_table

_PLACE = re.compile(r"(.+):(\d+)")
# A character of a script without spaces, or a word with what follows it.
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+\s*|\s+"
)
_MOST_WORDS = 20_000  # of each text that are compared
INSIDE = ".overlap"  # the end of rules by which documents go for what they have inside


@dataclass(frozen=True)
class RuleVerdict:
    """A rule, what it asks for as SQL, the values that it read, and whether the document satisfies it.

    published: what the rule asked for before a calibration moved its thresholds, empty where none did.
    """

    rule: str
    limit: str
    values: Mapping[str, Any]
    passed: bool
    published: str = ""


@dataclass(frozen=True)
class StageVerdict:
    """What a stage that a document came to did with it; verb: what it asks of all documents together, in words.

    ranked: the values that its verb read; dropped_by: the rule, or None for a document that was kept; decided: False
    where only all documents together could tell; cuts: what transforms removed by rules and no stage above has.
    """

    stage: str
    rules: tuple[RuleVerdict, ...]
    verb: str
    ranked: Mapping[str, Any]
    dropped_by: str | None
    decided: bool = True
    cuts: tuple[RemovedPart, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Words of a document that stand in place of words of another; `before` and `after` stand in both."""

    before: str
    ours: str
    theirs: str
    after: str


@dataclass(frozen=True)
class CutPassage:
    """A passage that a stage's verb cut; other: source, path, row and id of the document that it went for, if any."""

    stage: str
    rule: str
    text: str
    other: Mapping[str, Any] | None


@dataclass(frozen=True)
class Explanation:
    """A document, the stages that it came to, all that was measured on it, and the document kept instead, if any.

    cut: the passages that verbs cut out of its text, by stage and in order; shared: of a document that went for one
    that it has inside, its passages that are of that, in place of differences.
    """

    document: Document
    stages: tuple[StageVerdict, ...]
    measured: Mapping[str, Any]
    duplicate: Document | None
    differences: tuple[Difference, ...]
    cut: tuple[CutPassage, ...] = ()
    shared: tuple[str, ...] = ()


def find_document(plan: Plan, output: str, name: str) -> Found | None:
    """A document by its id, or by PATH:ROW below its source's root; the ids of every shard are looked through."""
    place = _PLACE.fullmatch(name)
    for shard in _shards(plan, output):
        table = rows_of(shard)
        mask = pc.equal(table.column("id"), name)
        if place:
            here = pc.and_(
                pc.equal(table.column("path"), place[1]), pc.equal(table.column("row"), int(place[2]))
            )
            mask = pc.or_kleene(mask, here)
        if (found := _first(shard, table, mask)) is not None:
            return found
    return None


def _shards(plan: Plan, output: str) -> Iterator[ShardOutcomes]:
    last = plan.graph.stage_of(output)
    for source in last.sources:
        yield from outcomes_of(plan, last.name, source)


def _first(shard: ShardOutcomes, table: pa.Table, mask: pa.ChunkedArray) -> Found | None:
    rows = np.flatnonzero(pc.fill_null(mask, False).to_numpy())
    if len(rows) == 0:
        return None
    row, size = int(rows[0]), len(read_table(shard.planned.documents_file, ["row"]))
    decision = table.slice(row, 1).to_pylist()[0]
    return Found(shard.planned, row if row < size else size - 1 - row, decision)


def _at(plan: Plan, output: str, source: str, path: str, row: int) -> Found | None:
    """The document of this run at a place."""
    for shard in _shards(plan, output):
        if shard.planned.spec.name == source:
            table = rows_of(shard)
            here = pc.and_(pc.equal(table.column("path"), path), pc.equal(table.column("row"), row))
            if (found := _first(shard, table, here)) is not None:
                return found
    return None


def explain(plan: Plan, output: str, found: Found) -> Explanation:
    """All that is known of a document; raises InputError when its file has changed since."""
    (document,) = read_found(plan, output, [found])
    if found.position < 0:
        return Explanation(document, (), {}, None, ())
    source = found.planned.spec.name
    stages = [
        plan.graph.stages[name]
        for name in plan.graph.ancestors(plan.graph.stage_of(output).name)
        if source in plan.graph.stages[name].sources
    ]
    came = [(stage, verdict) for stage in stages if (verdict := _verdict(plan, stage, found))]
    cuts = cuts_by_stage(
        [stage.views[source] for stage, _ in came],
        lambda views: read_texts(found.planned, [found.position] * len(views), views),
    )
    verdicts = (replace(verdict, cuts=cut) for (_, verdict), cut in zip(came, cuts, strict=True))
    measured: dict[str, Any] = {}
    for stage, _ in came:
        measured |= values_at(found, stage, stage.columns[source])
    duplicate = _kept_instead(plan, output, document)
    texts = document.text or "", (duplicate and duplicate.text) or ""
    inside = (document.rule or "").endswith(INSIDE)
    differences = tuple(compare(*texts)) if duplicate and not inside else ()
    shared = tuple(shared_passages(*texts)) if duplicate and inside else ()
    cut = tuple(passage for stage, _ in came if stage.cuts for passage in _cut(plan, stage, found))
    return Explanation(document, tuple(verdicts), measured, duplicate, differences, cut, shared)


def _cut(plan: Plan, stage: ResolvedStage, found: Found) -> Iterator[CutPassage]:
    """What a stage's verb cut out of a document."""
    planned = found.planned
    row = read_table(planned.documents_file, ["row"]).column(0)[found.position].as_py()
    passages = read_table(planned.cut_file(plan.outcome_key(stage.name) or ""))
    passages = passages.filter(pc.equal(passages.column("row"), row)).to_pylist()
    if passages:
        (text,) = read_texts(planned, [found.position], [stage.views[planned.spec.name]])
        content = text.encode()
        for one in passages:
            passage = content[one["start"] : one["end"]].decode()
            other = {name: one[f"other_{name}"] for name in ("source", "path", "row", "id")}
            yield CutPassage(stage.name, one["rule"], passage, other if other["source"] else None)


def _kept_instead(plan: Plan, output: str, document: Document) -> Document | None:
    """Of this run, of an earlier one or of what is protected; None if there is none or it is not to be found."""
    kept = document.duplicate_of
    if kept is None or document.stage is None:
        return None
    if earlier := earlier_document(plan, plan.graph.stages[document.stage], kept):
        return earlier
    there = _at(plan, output, kept["source"], kept["path"], kept["row"])
    return read_found(plan, output, [there])[0] if there and there.position >= 0 else None


def _verdict(plan: Plan, stage: ResolvedStage, found: Found) -> StageVerdict | None:
    """None for a stage to which the document did not come."""
    planned, source = found.planned, found.planned.spec.name
    decided = read_table(planned.decision_file(plan.decision_key(stage.name, source)))
    outcome = decided.column("outcome")[found.position].as_py()
    if outcome is None:
        return None
    failed = set(decided.column("failed")[found.position].as_py() or ())
    rules = tuple(
        RuleVerdict(rule.name, rule.predicate, _read(stage, found, rule), index not in failed, rule.published)
        for index, rule in enumerate(stage.rules)
    )
    dropped_by = None if outcome == KEPT else stage.rules[outcome].name
    key = plan.outcome_key(stage.name)
    if dropped_by is None and key:
        verb = pl.DataFrame(read_table(planned.verb_file(key), ["document", "rule"]))
        dropped_by = next(iter(verb.filter(pl.col("document") == found.position)["rule"]), None)
    needed = [one.column for one in stage.verb.needed] if stage.verb else []
    ranked = values_at(found, stage, [name for name in needed if name in stage.columns[source]])
    return StageVerdict(stage.name, rules, stage.verb.summary if stage.verb else "", ranked, dropped_by)


def _read(stage: ResolvedStage, found: Found, rule: Rule) -> dict[str, Any]:
    columns = stage.columns[found.planned.spec.name]
    return values_at(found, stage, sorted(columns_of(rule.predicate) & columns.keys()))


def compare(ours: str, theirs: str, context: int = 6) -> Iterator[Difference]:
    """What differs between two texts, by words, or by characters in scripts without spaces.

    >>> [(one.ours, one.theirs) for one in compare("a low dose of it", "a high dose of it")]
    [('low ', 'high ')]
    """
    mine, other = (_WORDS.findall(text)[:_MOST_WORDS] for text in (ours, theirs))
    matcher = difflib.SequenceMatcher(None, mine, other, autojunk=False)
    for kind, start, stop, first, last in matcher.get_opcodes():
        if kind != "equal":
            yield Difference(
                "".join(mine[max(start - context, 0) : start]),
                "".join(mine[start:stop]),
                "".join(other[first:last]),
                "".join(mine[stop : stop + context]),
            )
