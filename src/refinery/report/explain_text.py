"""What a pipeline says of a text that it has not read: measured here and judged by the rules, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pyarrow as pa

from refinery.filters.predicate import columns_of, compute
from refinery.filters.rules import evaluate
from refinery.plan.graph import Column, Derived, Identity, Measurement, ResolvedStage, View
from refinery.plan.plan import Plan
from refinery.report.cuts import cuts_by_stage
from refinery.report.document import Document
from refinery.report.explain import Explanation, RuleVerdict, StageVerdict
from refinery.run.texts import apply_transforms
from refinery.text.batch import TextBatch


def explain_text(plan: Plan, output: str, source: str, text: str) -> Explanation:
    """A text as if it were a document of a source, without columns of its files.

    What verbs do depends on all documents together and is left open. The text is followed as far as rules keep it.
    """
    texts = _Text(source, text)
    kept, verdicts, measured = {source}, list[StageVerdict](), dict[str, Any]()
    views: list[View] = []
    document = _document(source, text, None, None)
    for name in plan.graph.ancestors(plan.graph.stage_of(output).name):
        stage = plan.graph.stages[name]
        if source not in stage.sources or kept.isdisjoint(plan.graph.parents(stage, source)):
            continue
        measured |= {column: texts.value(one)[0] for column, one in stage.columns[source].items()}
        views.append(stage.views[source])
        verdict = replace(_verdict(stage, source, texts), cuts=cuts_by_stage(views, texts.through)[-1])
        verdicts.append(verdict)
        if verdict.dropped_by is None:
            kept.add(name)
            document = _document(source, texts.seen(stage), None, None)
        elif document.outcome != "dropped":
            document = _document(source, texts.seen(stage), name, verdict)
    return Explanation(document, tuple(verdicts), measured, None, ())


class _Text:
    """One text, what is measured on it computed once."""

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._text = pa.array([text], pa.large_string())
        self._measured: dict[str, pa.RecordBatch] = {}

    def seen(self, stage: ResolvedStage) -> str:
        """As the stage gets it."""
        (text,) = self.through([stage.views[self._source]])
        return text

    def through(self, views: Sequence[View]) -> list[str]:
        """As views have it."""
        return [str(apply_transforms(view, self._text)[0].as_py()) for view in views]

    def value(self, column: Column) -> pl.Series:
        """A column of it, one value."""
        if isinstance(column, Derived):
            inputs = {name: self.value(one) for name, one in column.inputs.items()}
            inputs["source"] = pl.Series([self._source])
            return compute(column.expression, pl.DataFrame(inputs))
        if isinstance(column, Identity):
            return pl.Series([None], dtype=pl.String)
        found = self._batch(column.measurement).column(column.original)
        if pa.types.is_null(found.type):
            found = pa.nulls(1, column.type)
        return pl.Series(found)

    def _batch(self, measurement: Measurement) -> pa.RecordBatch:
        if measurement.key not in self._measured:
            of_files = measurement.measurer.column is not None
            text = pa.array([""], pa.large_string()) if of_files else self._text
            batch = TextBatch.from_arrow(apply_transforms(measurement.view, text))
            self._measured[measurement.key] = measurement.measurer(batch)
        return self._measured[measurement.key]


def _verdict(stage: ResolvedStage, source: str, texts: _Text) -> StageVerdict:
    columns = stage.columns[source]
    read = {rule.name: sorted(columns_of(rule.predicate) & columns.keys()) for rule in stage.rules}
    values = {name: texts.value(columns[name]) for names in read.values() for name in names}
    frame = pl.DataFrame({**values, "source": [source]})
    failed = set(evaluate(frame, stage.rules)["failed"][0]) if stage.rules else set()
    rules = tuple(
        RuleVerdict(
            rule.name,
            rule.predicate,
            {n: values[n][0] for n in read[rule.name]},
            index not in failed,
            rule.published,
        )
        for index, rule in enumerate(stage.rules)
    )
    dropped_by = next((rule.rule for rule in rules if not rule.passed), None)
    return StageVerdict(
        stage.name,
        rules,
        stage.verb.summary if stage.verb else "",
        {},
        dropped_by,
        decided=stage.verb is None,
    )


def _document(source: str, text: str, stage: str | None, verdict: StageVerdict | None) -> Document:
    failed = [rule for rule in verdict.rules if not rule.passed] if verdict else []
    return Document(
        source=source,
        path="",
        row=0,
        id=None,
        outcome="dropped" if verdict else "kept",
        stage=stage,
        rule=verdict.dropped_by if verdict else None,
        failed=tuple(rule.rule for rule in failed),
        limits={rule.rule: rule.limit for rule in failed},
        values={name: value for rule in failed for name, value in rule.values.items()},
        duplicate_of=None,
        similarity=None,
        text=text,
    )
