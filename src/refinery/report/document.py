"""A document with what became of it and the values that decided, its text read by its row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from refinery.filters.predicate import columns_of
from refinery.plan.graph import ResolvedStage, View
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import find_columns, load_columns
from refinery.run.texts import texts_of
from refinery.sources.read import read_documents
from refinery.storage.tables import read_batches, read_table

DUPLICATE = "duplicate_of_"


@dataclass(frozen=True)
class Found:
    """A row of a shard: its position among the documents, -1 if it was rejected, and its row of the decisions."""

    planned: PlannedShard
    position: int
    decision: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """What became of a document, and by what.

    failed: the rules of `stage` that failed, the first is `rule`; limits: what each of them asks for, as SQL; values:
    the columns that they read, and those that the stage's verb read; duplicate_of: source, path, row and id of the
    document that was kept instead; text: as the stage got it, None of a rejected row; detail: why that was rejected;
    repeats: times that it is written, None of one that is not kept.
    """

    source: str
    path: str
    row: int
    id: str | None
    outcome: str
    stage: str | None
    rule: str | None
    failed: tuple[str, ...]
    limits: Mapping[str, str]
    values: Mapping[str, Any]
    duplicate_of: Mapping[str, Any] | None
    similarity: float | None
    text: str | None
    detail: str = ""
    repeats: int | None = None


def read_found(plan: Plan, output: str, found: Sequence[Found], also: Sequence[str] = ()) -> list[Document]:
    """The documents in the same order; each shard is opened once, for their rows alone.

    also: columns of the output's stage whose values are told of each, where its source has them.
    """
    by_shard: dict[int, list[int]] = defaultdict(list)
    for index, one in enumerate(found):
        by_shard[one.planned.number].append(index)
    documents: dict[int, Document] = {}
    for indices in by_shard.values():
        here = [found[index] for index in indices]
        texts = _texts(plan, output, here)
        values = _values(plan, output, here, also)
        details = _details(here)
        for index, one, text, value, detail in zip(indices, here, texts, values, details, strict=True):
            documents[index] = _document(plan, one, text, value, detail)
    return [documents[index] for index in range(len(found))]


def stage_of(plan: Plan, output: str, one: Found) -> ResolvedStage:
    """The stage that decided: that dropped it, or the output's."""
    name = one.decision["stage"]
    return plan.graph.stages[name] if name else plan.graph.stage_of(output)


def failed_limits(stage: ResolvedStage, failed: Iterable[str]) -> dict[str, str]:
    """What rules of a stage ask for, by name; none of those of a verb."""
    wanted = set(failed)
    return {rule.name: rule.predicate for rule in stage.rules if rule.name in wanted}


def deciding_columns(stage: ResolvedStage, source: str, decision: Mapping[str, Any]) -> list[str]:
    """The columns of a stage that decided on a document: those of the rules that failed, or those of its verb.

    Of a kept document those of the rules that the definition itself writes, without those of rule sets.
    """
    rules = [*failed_limits(stage, decision["failed"] or ()).values()]
    if not decision["stage"]:
        rules = [rule.predicate for rule in stage.rules if not rule.place]
    read = dict.fromkeys(name for predicate in rules for name in sorted(columns_of(predicate)))
    if stage.verb and not rules:
        read |= dict.fromkeys(needed.column for needed in stage.verb.needed)
    return [name for name in read if name in stage.columns[source]]


def _document(plan: Plan, one: Found, text: str | None, values: Mapping[str, Any], detail: str) -> Document:
    decision = one.decision
    failed = tuple(decision["failed"] or ())
    stage = plan.graph.stages.get(decision["stage"])
    kept = {
        name.removeprefix(DUPLICATE): value for name, value in decision.items() if name.startswith(DUPLICATE)
    }
    return Document(
        **{name: decision[name] for name in ("source", "path", "row", "id", "outcome", "stage", "rule")},
        failed=failed,
        limits=failed_limits(stage, failed) if stage else {},
        values=values,
        duplicate_of=kept if kept["source"] is not None else None,
        similarity=decision["similarity"],
        text=text,
        detail=detail,
        repeats=decision["repeats"],
    )


def _texts(plan: Plan, output: str, found: Sequence[Found]) -> list[str | None]:
    """As the stage that decided got them."""
    planned = found[0].planned
    there = [one for one in found if one.position >= 0]
    views = [stage_of(plan, output, one).views[planned.spec.name] for one in there]
    texts = iter(read_texts(planned, [one.position for one in there], views))
    return [next(texts) if one.position >= 0 else None for one in found]


def read_texts(planned: PlannedShard, positions: Sequence[int], views: Sequence[View]) -> list[str]:
    """The texts of a shard's documents, each as a view has it."""
    rows = read_table(planned.documents_file, ["row"]).column(0).to_numpy()
    raw: dict[int, str] = {}
    if positions:
        for batch in read_documents(planned.shard, planned.spec, wanted=np.unique(rows[list(positions)])):
            raw |= zip(batch.rows.tolist(), batch.text.to_pylist(), strict=True)
    texts = []
    for position, view in zip(positions, views, strict=True):
        row = rows[position : position + 1]
        text = pa.array([raw[int(row[0])]], pa.large_string())
        texts.append(str(texts_of(view, planned, row, text)[0].as_py()))
    return texts


def _values(plan: Plan, output: str, found: Sequence[Found], also: Sequence[str]) -> list[dict[str, Any]]:
    last, source = plan.graph.stage_of(output), found[0].planned.spec.name
    more = [name for name in also if name in last.columns[source]]
    values = []
    for one in found:
        stage = stage_of(plan, output, one)
        names = deciding_columns(stage, source, one.decision)
        there = one.position >= 0
        values.append(values_at(one, last, more) | values_at(one, stage, names) if there else {})
    return values


def values_at(one: Found, stage: ResolvedStage, names: Iterable[str]) -> dict[str, Any]:
    """Columns of a stage at a document."""
    columns = find_columns(stage.columns[one.planned.spec.name], names)
    if not columns:
        return {}
    nothing = np.zeros(read_table(one.planned.documents_file, ["row"]).num_rows, np.bool_)
    return load_columns(one.planned, columns, nothing).row(one.position, named=True)


def _details(found: Sequence[Found]) -> list[str]:
    """Of rejected rows what was found in them; `position` counts them from -1 down."""
    if all(one.position >= 0 for one in found):
        return [""] * len(found)
    rejects = [
        text for batch in read_batches(found[0].planned.rejects_file) for text in batch["detail"].to_pylist()
    ]
    return ["" if one.position >= 0 else rejects[-1 - one.position] or "" for one in found]
