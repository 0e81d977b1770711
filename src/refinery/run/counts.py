"""Counts of what becomes of documents: by stage what is kept, dropped, cut and repeated, and by part of a mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.run.decide import CutTally, PartTally, RuleTally, Tally, tally, weighted_tally
from refinery.storage.write import WrittenFile


@dataclass(frozen=True)
class Decided:
    """What the shards of a file of decisions add up to.

    kept: by stage, what its rules and its verb left; verbs: by stage and source, what its verb dropped, by rule;
    duplicates: by stage and source, how many its verb dropped for others that arrived there; cut: by stage, what its
    verb cut; repeated: by stage, from one that repeats on, what is written of its documents beyond the first time;
    parts: by part of a mix, what the last stage has of it.
    """

    documents: int
    rejected: int
    decisions: WrittenFile
    rejects: WrittenFile | None
    kept: dict[str, Tally]
    verbs: dict[tuple[str, str], dict[str, RuleTally]]
    duplicates: dict[tuple[str, str], int]
    cut: dict[str, CutTally]
    repeated: dict[str, Tally]
    parts: dict[str, PartTally]


@dataclass
class Counts:
    """What becomes of documents, shard after shard; the fields are those of `Decided`."""

    kept: dict[str, Tally] = field(default_factory=dict)
    verbs: dict[tuple[str, str], dict[str, RuleTally]] = field(default_factory=dict)
    duplicates: dict[tuple[str, str], int] = field(default_factory=dict)
    cut: dict[str, CutTally] = field(default_factory=dict)
    repeated: dict[str, Tally] = field(default_factory=dict)
    parts: dict[str, PartTally] = field(default_factory=dict)

    def add_cut(self, stage: str, cut: CutTally) -> None:
        """What a stage's verb cut out of documents of one shard."""
        self.cut[stage] = self.cut.get(stage, CutTally()) + cut

    def add_again(self, stage: str, sizes: pl.DataFrame, again: NDArray[np.int32]) -> None:
        """Documents of one shard that a stage keeps, with the times that they are written beyond the first."""
        if again.any():
            self.repeated[stage] = self.repeated.get(stage, Tally()) + weighted_tally(sizes, again)

    def add_parts(
        self, of: Mapping[str, NDArray[np.bool_]], sizes: pl.DataFrame, times: NDArray[np.int32]
    ) -> None:
        """Documents of one shard by the part that each is of, with the times that they are written."""
        for name, mask in of.items():
            here = times * mask
            again = weighted_tally(sizes, np.maximum(here - 1, 0))
            found = PartTally(tally(sizes, here > 0), again, int(here.max(initial=0)))
            self.parts[name] = self.parts.get(name, PartTally()) + found

    def add(
        self,
        here: tuple[str, str],
        sources: Sequence[str],
        sizes: pl.DataFrame,
        stays: NDArray[np.bool_],
        by_verb: Sequence[tuple[NDArray[np.int64], pa.Table]],
    ) -> None:
        """A stage's documents of one shard, of which it keeps those that stay; here: the stage, and their source.

        sources: all that arrive there; by_verb: what its verb drops, with reasons.
        """
        name, _ = here
        self.kept[name] = self.kept.get(name, Tally()) + tally(sizes, stays)
        for documents, why in by_verb:
            found = sizes[documents].with_columns(rule=pl.Series(why.column("rule")))
            sums = found.group_by("rule").agg(pl.len(), pl.sum("bytes"), pl.sum("tokens"))
            rules = self.verbs.setdefault(here, {})
            for rule, count, size, tokens in sums.sort("rule").iter_rows():
                rules[rule] = rules.get(rule, RuleTally()) + RuleTally(Tally(count, size, tokens), count)
            others = pc.is_in(why.column("duplicate_of_source"), pa.array(sources, pa.string()))
            self.duplicates[here] = self.duplicates.get(here, 0) + (pc.sum(others).as_py() or 0)


def documents_of_parts(
    parts: Sequence[str],
    source: str,
    kept: Mapping[str, NDArray[np.bool_]],
    arrived: NDArray[np.bool_],
) -> dict[str, NDArray[np.bool_]]:
    """By part, the documents of which it is the first by which they came; kept: what each stage above kept."""
    found, left = {}, arrived.copy()
    for name in parts:
        came = arrived if name == source else kept.get(name, np.zeros_like(arrived))
        found[name] = left & came
        left &= ~came
    return found
