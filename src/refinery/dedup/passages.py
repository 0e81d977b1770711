"""Verb `passages`: of a paragraph or passage that several documents have, or one has twice, one copy stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from refinery.dedup.passage_settings import Settings
from refinery.definition.values import DEFAULT_FAMILY, Family
from refinery.filters.ranking import ranking
from refinery.filters.verb import Needed, Outcome, Verb, key_count

if TYPE_CHECKING:
    from refinery.dedup.split import Split
    from refinery.definition.paths import Paths
    from refinery.shuffle.units import MapUnits
    from refinery.sources.documents import ShardDocuments
    from refinery.storage.place import Place


@dataclass(frozen=True)
class Passages(Verb):
    """See docs/dedup.md."""

    chosen: Settings
    held_out: Split | None = None  # the splits below it
    family: Family = DEFAULT_FAMILY  # for which tokens are estimated
    name: str = "passages"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """As they are written, with what is a default."""
        split = {"split": self.held_out.settings} if self.held_out else {}
        tokens = {"family": self.family} if self.chosen.tokens else {}
        written = self.chosen.model_dump(mode="json", exclude=None if tokens else {"tokens"})
        return {**written, "rest": self.chosen.least_left, **tokens, **split}

    def holding_out(self, split: Split) -> Passages:
        """The document of an earlier split keeps its copy, before all preferences."""
        return replace(self, held_out=split)

    def for_family(self, family: Family) -> Passages:
        """Passages are as long as it says."""
        return replace(self, family=family)

    @property
    def needed(self) -> tuple[Needed, ...]:
        """The columns of `prefer` and of `within`."""
        everywhere = self.chosen.missing is None
        prefer = (
            Needed(ranking(text)[0], ("prefer", n), ranks=True, everywhere=everywhere)
            for n, text in enumerate(self.chosen.prefer)
        )
        return (*prefer, *(Needed(column, ("within", n)) for n, column in enumerate(self.chosen.within)))

    @property
    def cuts(self) -> bool:
        """True."""
        return True

    @property
    def summary(self) -> str:
        """What is compared, and from which length on."""
        kind = "paragraphs" if self.chosen.paragraphs else "passages"
        unit = "tokens" if self.chosen.tokens else "characters"
        within = f" within {', '.join(self.chosen.within)}" if self.chosen.within else ""
        return f"{kind} of {self.chosen.least:,} {unit} or more{within}, one copy each"

    def memory(self, documents: int) -> int:
        """As dedup.passage_search says, for documents of DOCUMENT_BYTES each."""
        from refinery.dedup.passage_search import DOCUMENT_BYTES, unit_bytes

        return unit_bytes(documents * DOCUMENT_BYTES)

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Gives what is cut out of each document, and the documents of which too little is left."""
        from refinery.dedup.passage_cuts import cut_passages
        from refinery.dedup.passage_search import Search, batches_of, find_claims, unit_bytes

        batches = batches_of(shards)
        ends = np.array([batch.starts[-1] for batch in batches], np.int64)
        preferences = key_count(shards, self.chosen.prefer) + (self.held_out is not None)
        size = sum(shard.bytes for shard in shards)
        search = Search(self.chosen, self.family, self.held_out, preferences, ends, size, work)
        map_units = partial(map_units, memory=unit_bytes(size))
        claims, claims_on = find_claims(search, batches, map_units)
        return cut_passages(search, claims, claims_on, batches, map_units)


def build(settings: Settings, paths: Paths) -> Passages:  # noqa: ARG001  (the shape of every `build`)
    """The verb."""
    return Passages(settings)
