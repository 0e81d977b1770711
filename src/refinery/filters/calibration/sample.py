"""Documents with the columns that rules read, and what each needs of the rules' thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.filters.calibration.account import LANGUAGE, TOKENS
from refinery.filters.calibration.search import PUBLISHED, Bools, Floats, any_in_row
from refinery.filters.calibration.thresholds import Threshold, thresholds_of, without_thresholds
from refinery.filters.rules import Rule, evaluate


@dataclass(frozen=True)
class Sample:
    """Documents by identity, uint64, with the columns that rules read, `tokens`, and `lang` where it is measured."""

    identities: NDArray[np.uint64]
    frame: pl.DataFrame

    def __len__(self) -> int:
        return len(self.identities)

    def only(self, chosen: Bools) -> Sample:
        """Some of the documents."""
        return Sample(self.identities[chosen], self.frame.filter(pl.Series(chosen, dtype=pl.Boolean)))

    @cached_property
    def tokens(self) -> Floats:
        """Of each document."""
        return self.frame[TOKENS].fill_null(0).cast(pl.Float64).to_numpy()

    @cached_property
    def languages(self) -> pl.Series:
        """Of each document, empty where none is known."""
        if LANGUAGE not in self.frame.columns:
            return pl.repeat("", len(self), eager=True).alias(LANGUAGE)
        return self.frame[LANGUAGE].cast(pl.String).fill_null("")


def failed(sample: Sample, rules: Sequence[Rule]) -> Bools:
    """bool (documents, rules): which documents fail which rules; raises what `evaluate` raises."""
    lists = evaluate(sample.frame, rules)["failed"].to_arrow()
    found = np.zeros((len(sample), len(rules)), bool)
    rows = np.repeat(np.arange(len(sample)), np.diff(lists.offsets.to_numpy()))
    found[rows, lists.values.to_numpy()] = True
    return found


@dataclass(frozen=True)
class Needs:
    """What documents need of thresholds, float64 (documents, thresholds), see `search`.

    thresholds: each with the place of its rule; looseness: what each document would need were there no published
    number, -inf of those that other conditions exempt; lost: bool (documents, rules), what no threshold changes:
    conditions that are none, columns without a value.
    """

    thresholds: tuple[tuple[int, Threshold], ...]
    needs: Floats
    looseness: Floats
    lost: Bools

    @property
    def searched(self) -> Bools:
        """Documents that thresholds decide on."""
        return ~any_in_row(self.lost) & any_in_row(self.needs > PUBLISHED)


def needs_of(sample: Sample, rules: Sequence[Rule]) -> Needs:
    """The needs of documents; raises what `evaluate` raises."""
    thresholds = tuple((i, t) for i, rule in enumerate(rules) for t in thresholds_of(rule.predicate))
    lost = failed(sample, [Rule(rule.name, without_thresholds(rule.predicate)) for rule in rules])
    misses = failed(sample, [Rule(rules[i].name, t.predicate) for i, t in thresholds])
    judged = failed(sample, [Rule(rules[i].name, t.exemption) for i, t in thresholds])
    looseness = np.full(misses.shape, PUBLISHED)
    for number, (rule, threshold) in enumerate(thresholds):
        values = sample.frame[threshold.column].cast(pl.Float64).fill_null(np.nan).to_numpy()
        known = judged[:, number] & np.isfinite(values)
        looseness[known, number] = threshold.sign * values[known]
        lost[misses[:, number] & ~known, rule] = True
    return Needs(thresholds, np.where(misses, looseness, PUBLISHED), looseness, lost)
