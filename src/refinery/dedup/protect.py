"""Verb `protect`: what is held out of a corpus stays out of it, with its copies.

No stage names it: a definition's `protect` implies it before each output and before what a model learns from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refinery.dedup.bands import explain_recall, split_for_recall
from refinery.dedup.content import Content
from refinery.dedup.minhash import MinHash
from refinery.dedup.settings import Near
from refinery.filters.verb import Explained, Needed, Outcome, Verb
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.definition.models import NearCopies
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits
    from refinery.sources.documents import ShardDocuments


@dataclass(frozen=True)
class Protect(Verb):
    """See docs/dedup.md. protected: by the names of a definition, the sources that hold it."""

    protected: Mapping[str, tuple[str, ...]]
    exact: bool
    near: NearCopies | None
    name: str = "protect"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """What is compared and how; the files of benchmarks count by their content."""
        protected = [{name: {"from": list(sources)}} for name, sources in self.protected.items()]
        near = self.near and self.near.model_dump(mode="json")
        return {"protected": protected, "exact": self.exact, "near": near}

    @property
    def needed(self) -> tuple[Needed, ...]:
        """None: texts are compared."""
        return ()

    @property
    def own_measurers(self) -> tuple[Measurer, ...]:
        """What documents are looked up by: as dedup measures it, so that both have it measured once."""
        near = self.near
        found: list[Measurer] = [Content()] if self.exact else []
        if near:
            found.append(MinHash(near.num_perm, near.seed, near.words, near.chars))
        return tuple(found)

    @property
    def summary(self) -> str:
        """What is kept out, and how it is told."""
        kinds = [kind for kind, wanted in (("exact", self.exact), ("near", self.near)) if wanted]
        return f"protect {', '.join(self.protected)}: {' + '.join(kinds)}"

    @property
    def lookup(self) -> Near | None:
        """`near` with bands chosen for recall: a false candidate costs time, a missed one must not be."""
        if self.near is None:
            return None
        bands, rows = split_for_recall(self.near.similarity, self.near.num_perm)
        return Near(**self.near.model_dump(), bands=bands, rows=rows)

    def explained(self) -> tuple[Explained, ...]:
        """The recall that the bands promise."""
        return (explain_recall("Near copies", self.lookup),) if self.lookup else ()

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds what is protected among the documents, and gives each with the protected one that it is like."""
        from refinery.dedup.corpus import DedupShard
        from refinery.dedup.protected import leave_out, write_entries

        entries = [
            DedupShard(
                shard,
                work / f"entries-{n:06}.parquet",
                shard.measured("content") if self.exact else None,
                shard.measured("signature") if self.near else None,
            )
            for n, shard in enumerate(shards)
        ]
        size = max((shard.bytes for shard in shards), default=0)
        map_units("protect entries", write_entries, entries, memory=size or 1)
        compared = self.exact, self.lookup
        return leave_out(entries, self.protected, *compared, map_units=map_units, work=work / "protect")
