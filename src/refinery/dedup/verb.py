"""Verb `dedup`: one document of each group of duplicates is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from refinery.dedup.bands import explain_recall
from refinery.dedup.keys import column_keys
from refinery.dedup.minhash import key_measurers
from refinery.dedup.settings import Settings
from refinery.dedup.split import Split
from refinery.filters.ranking import ranking
from refinery.filters.verb import Needed, Outcome, Verb, VerbTable, ranking_keys
from refinery.shuffle.partition import partition_bytes
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.dedup.corpus import DedupShard
    from refinery.definition.paths import Paths
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits


@dataclass(frozen=True)
class Dedup(Verb):
    """See docs/dedup.md."""

    chosen: Settings
    held_out: Split | None = None  # the splits below it
    name: str = "dedup"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """All but the folder of the earlier run, whose files count by their content."""
        chosen = self.chosen.model_dump(mode="json", exclude={"against"})
        split = {"split": self.held_out.settings} if self.held_out else {}
        return {**chosen, "exact": self.chosen.compares_texts, **split}

    def holding_out(self, split: Split) -> Dedup:
        """Of duplicates it keeps those of an earlier split before all others, see dedup.split."""
        return replace(self, held_out=split)

    @property
    def needed(self) -> tuple[Needed, ...]:
        """The columns of `prefer`, of `by` and of `within`."""
        everywhere = self.chosen.missing is None
        prefer = (
            Needed(ranking(text)[0], ("prefer", n), ranks=True, everywhere=everywhere)
            for n, text in enumerate(self.chosen.prefer)
        )
        by = (Needed(column, ("by", n)) for n, column in enumerate(self.chosen.by))
        columns = self.chosen.near.within if self.chosen.near else ()
        within = (Needed(column, ("near", "within", n)) for n, column in enumerate(columns))
        return (*prefer, *by, *within)

    @property
    def own_measurers(self) -> tuple[Measurer, ...]:
        """The keys that are compared."""
        return key_measurers(self.chosen.near, exact=self.chosen.compares_texts, fold=self.chosen.fold)

    @property
    def against(self) -> str | None:
        """The folder of the earlier run."""
        return self.chosen.against

    @property
    def summary(self) -> str:
        """What is compared, and with whom."""
        wanted = {
            f"by {', '.join(self.chosen.by)}": self.chosen.by,
            "exact": self.chosen.compares_texts,
            "near" + self._within: self.chosen.near,
        }
        kinds = " + ".join(kind for kind, is_wanted in wanted.items() if is_wanted)
        kinds += f", {self.chosen.fold}" if self.chosen.fold else ""
        return f"dedup {kinds}" + (f", against {self.against}" if self.against else "")

    @property
    def _within(self) -> str:
        columns = self.chosen.near.within if self.chosen.near else ()
        return f" within {', '.join(columns)}" if columns else ""

    def explained(self) -> tuple[VerbTable, ...]:
        """The recall that the bands promise."""
        near = self.chosen.near
        return (explain_recall("Near duplicates", near),) if near else ()

    def memory(self, documents: int) -> int:
        """As dedup.run says."""
        from refinery.dedup.bands import bands_of
        from refinery.dedup.corpus import KEY_BYTES
        from refinery.dedup.run import UNIT_PARTITIONS

        keys = bands_of(self.chosen.near).count if self.chosen.near else 2
        return UNIT_PARTITIONS * partition_bytes(documents * keys, KEY_BYTES)

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds the duplicates and gives each removed document with the one that is kept in its place."""
        from refinery.dedup.corpus import entries_of
        from refinery.dedup.run import dedup

        exact, near = self.chosen.compares_texts, self.chosen.near is not None
        entries = entries_of(shards, work, exact=exact, near=near)
        size = max((shard.bytes for shard in shards), default=0)
        write = partial(write_keys, self.chosen, self.held_out)
        map_units("dedup entries", write, entries, memory=size or 1)
        return dedup(entries, self.chosen, map_units=map_units, work=work / "dedup")


def build(settings: Settings, paths: Paths) -> Dedup:  # noqa: ARG001  (the shape of every `build`)
    """The verb."""
    return Dedup(settings)


def write_keys(chosen: Settings, held_out: Split | None, unit: DedupShard) -> None:
    """Writes which documents of a shard come to the verb, and their preferences, `by` and `within` as keys.

    Those of an earlier split are preferred to all others.
    """
    from refinery.dedup.corpus import write_entries

    shard = unit.documents
    keys = ranking_keys(shard, chosen.prefer, chosen.missing)
    if held_out:
        splits = held_out.numbers(shard.columns(held_out.needed)).astype(np.uint64)
        keys = np.column_stack([splits, keys])
    columns: dict[str, object] = {f"prefer_{n}": keys[:, n] for n in range(keys.shape[1])}
    if chosen.by:
        columns["by"] = column_keys(shard.columns(chosen.by))
    if chosen.near and chosen.near.within:
        columns["within"] = column_keys(shard.columns(chosen.near.within), nothing_is_a_value=True)
    write_entries(unit, columns)
