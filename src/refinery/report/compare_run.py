"""What a run says of scores without labels: their recall on gold hosts, and how fast they are measured."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.errors import DefinitionError, InputError
from refinery.filters.measurer import Measurer
from refinery.labels.gold_hosts import GoldCut, GoldRecall, gold_cuts
from refinery.plan.graph import Measured
from refinery.plan.plan import Plan
from refinery.report.label_sample import Request, draw_sample, stage_of
from refinery.report.sample import limits_of
from refinery.report.stage_values import stage_values
from refinery.text.batch import TextBatch
from refinery.text.hosts import absent_of, of_sites

MOST = 1 << 17  # documents, and documents of gold hosts, that recall is told of: those of the lowest hashes
HOST = "host"
TEXTS, CHARS = 200, 10_000  # documents that are measured for speed, and characters of each
SECONDS = 0.3  # that a measurer is timed at least

Floats = NDArray[np.float64]


def gold_recall(
    plan: Plan, output: str, columns: Sequence[str], hosts: Sequence[str], stage: str | None = None
) -> GoldRecall:
    """The share of gold hosts' documents above cuts, of those that came to a stage; of many a sample.

    stage: by default the first whose rules compare the first column with a number. Raises DefinitionError for columns
    and stages that cannot be meant, InputError where no document is of a gold host.
    """
    found = stage_of(plan, output, Request(tuple(columns), stage=stage))
    if not any(HOST in known for known in found.columns.values()):
        problem = "has no column `host`, which tells gold hosts: add `url` to its `measure`"
        raise DefinitionError(f"stage {found.name}: {problem}")
    every, gold = _Lowest(columns), _Lowest(columns)
    seen: set[str] = set()
    for shard in stage_values(plan, found, [*columns, HOST], seed=0):
        host = shard.columns[HOST].cast(pl.String)
        is_gold = of_sites(host.to_arrow(), hosts)
        seen.update(host.filter(pl.Series(is_gold)).unique())
        every.add(shard.columns, shard.draws)
        gold.add(shard.columns.filter(pl.Series(is_gold)), shard.draws[is_gold])
    if not gold.documents:
        problem = f"none of the {len(hosts):,} gold hosts has a document that came to {found.name}"
        raise InputError(hosts[0], problem, "give hosts of the source's pages")
    rules = [rule.predicate for rule in found.rules]
    cuts: list[GoldCut] = []
    for number, column in enumerate(columns):
        limits = [n for rule in rules for n in limits_of(rule, column)]
        cuts += gold_cuts(column, every.values[:, number], gold.values[:, number], limits)
    absent = absent_of(hosts, seen)
    return GoldRecall(found.name, every.documents, gold.documents, len(seen), len(hosts), absent, tuple(cuts))


class _Lowest:
    """Values of documents, float64 (documents, columns), -inf where there is none: MOST of those that are added."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns
        self.documents = 0
        self.values: Floats = np.empty((0, len(columns)))
        self._draws = np.empty(0, np.uint64)

    def add(self, columns: pl.DataFrame, draws: NDArray[np.uint64]) -> None:
        """Those of the lowest draws stay."""
        numbers = [pl.col(name).cast(pl.Float64).fill_nan(None).fill_null(-np.inf) for name in self.columns]
        self.documents += len(draws)
        self.values = np.concatenate([self.values, columns.select(numbers).to_numpy()])
        self._draws = np.append(self._draws, draws)
        if len(self._draws) > MOST:
            lowest = np.argpartition(self._draws, MOST)[:MOST]
            self.values, self._draws = self.values[lowest], self._draws[lowest]


def speeds(plan: Plan, output: str, columns: Sequence[str], stage: str | None = None) -> dict[str, float]:
    """Bytes of text a second and core, by column that a stage measures, on a sample of its documents, timed here.

    A column that is derived, or of the files, has none.
    """
    request = Request(tuple(columns), documents=TEXTS, chars=CHARS, stage=stage)
    texts = TextBatch.from_texts([row["text"] for row in draw_sample(plan, output, request).rows])
    found = stage_of(plan, output, request)
    known = {name: one for there in found.columns.values() for name, one in there.items()}
    measurers = {
        name: one.measurement.measurer
        for name in columns
        if isinstance(one := known[name], Measured) and one.measurement.measurer.column is None
    }
    timed = {one: _speed(one, texts) for one in {*measurers.values()}}
    return {name: timed[one] for name, one in measurers.items()}


def _speed(measurer: Measurer, texts: TextBatch) -> float:
    """Bytes a second: what the first call loads and compiles is not counted."""
    measurer(texts)
    started, calls = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < SECONDS:
        measurer(texts)
        calls += 1
    return calls * texts.nbytes / seconds
