"""What rules of transforms removed of the documents that came to a stage, added up by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.filters.removed import REMOVED
from refinery.plan.graph import Measured, ResolvedStage
from refinery.plan.plan import PlannedShard
from refinery.run.columns import NamedColumn, find_columns, load_columns


@dataclass(frozen=True, slots=True)
class RemovedTally:
    """Documents of which a rule removed lines or paragraphs: how many, and how long they are."""

    documents: int = 0
    parts: int = 0
    bytes: int = 0
    characters: int = 0

    def __add__(self, other: RemovedTally) -> RemovedTally:
        parts, characters = self.parts + other.parts, self.characters + other.characters
        return RemovedTally(self.documents + other.documents, parts, self.bytes + other.bytes, characters)


RemovedTallies = dict[str, dict[str, RemovedTally]]  # by source and rule


@dataclass(frozen=True)
class RemovedColumn:
    """Where it is stored what the rules of a transform removed of each document; rules: their names."""

    column: NamedColumn
    rules: tuple[str, ...]


def removed_columns(stage: ResolvedStage, source: str) -> tuple[RemovedColumn, ...]:
    """What is counted at a stage of a source's documents."""
    found = []
    for m in stage.removed.get(source, ()):
        stored = Measured(m, REMOVED, m.measurer.schema.field(REMOVED).type)
        (column,) = find_columns({REMOVED: stored}, [REMOVED])
        found.append(RemovedColumn(column, m.view.transforms[-1].rules))
    return tuple(found)


def removed_of(
    planned: PlannedShard, columns: Iterable[RemovedColumn], arrived: NDArray[np.bool_]
) -> RemovedTallies:
    """Of the documents of a shard that arrived; a rule that removed nothing is left out. Raises DamagedFile."""
    found: dict[str, RemovedTally] = {}
    for one in columns:
        here = load_columns(planned, [one.column], arrived)[REMOVED].filter(pl.Series(arrived))
        entries = here.explode().drop_nulls().struct.unnest()
        sums = entries.group_by("rule").agg(pl.len(), pl.sum("parts", "bytes", "characters"))
        for rule, *counts in sums.sort("rule").iter_rows():
            name = one.rules[rule]
            found[name] = found.get(name, RemovedTally()) + RemovedTally(*counts)
    return {planned.spec.name: found} if found else {}


def add_removed(tallies: Iterable[Mapping[str, Mapping[str, RemovedTally]]]) -> RemovedTallies:
    """Of several shards, sources and rules in the order in which they come."""
    found: RemovedTallies = {}
    for tally in tallies:
        for source, rules in tally.items():
            here = found.setdefault(source, {})
            for rule, one in rules.items():
                here[rule] = here.get(rule, RemovedTally()) + one
    return found
