"""Verb `protect`: what is held out of a corpus stays out of it, with its copies.

No stage names it: a definition's `protect` implies it before each output and before what a model learns from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from refinery.dedup.bands import LOOKUP_RECALL, explain_recall, least_jaccard, split_for_recall
from refinery.dedup.minhash import key_measurers
from refinery.dedup.settings import Near
from refinery.filters.verb import Needed, Outcome, Verb, VerbTable
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.definition.protections import NearCopies, Overlap
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits
    from refinery.sources.documents import ShardDocuments


@dataclass(frozen=True)
class Protect(Verb):
    """See docs/dedup.md. protected: by the names of a definition, the sources that hold it."""

    protected: Mapping[str, tuple[str, ...]]
    exact: bool
    near: NearCopies | None
    overlap: Overlap | None = None
    name: str = "protect"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """What is compared and how; the files of benchmarks count by their content."""
        protected = [{name: {"from": list(sources)}} for name, sources in self.protected.items()]
        near, overlap = (one and one.model_dump(mode="json") for one in (self.near, self.overlap))
        found = {"protected": protected, "exact": self.exact, "near": near}
        return {**found, "overlap": overlap} if overlap else found

    @property
    def needed(self) -> tuple[Needed, ...]:
        """None: texts are compared."""
        return ()

    @property
    def own_measurers(self) -> tuple[Measurer, ...]:
        """What documents are looked up by: as dedup measures it, so that both have it measured once."""
        return key_measurers(self.near, exact=self.exact)

    @property
    def summary(self) -> str:
        """What is kept out, and how it is told."""
        kinds = [kind for kind in ("exact", "near", "overlap") if getattr(self, kind)]
        return f"protect {', '.join(self.protected)}: {' + '.join(kinds)}"

    @property
    def lookup(self) -> Near | None:
        """`near` with bands chosen for recall: a false candidate costs time, a missed one must not be."""
        if self.near is None:
            return None
        bands, rows = split_for_recall(least_jaccard(self.near), self.near.num_perm, LOOKUP_RECALL)
        return Near(**self.near.model_dump(exclude_unset=True), bands=bands, rows=rows)

    @property
    def cuts(self) -> bool:
        """Whether passages go in place of documents."""
        return self.overlap is not None and self.overlap.cuts

    def explained(self) -> tuple[VerbTable, ...]:
        """The recall that the bands promise."""
        return (explain_recall("Near copies", self.lookup),) if self.lookup else ()

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds what is protected among the documents, and gives each with the protected one that it is like."""
        from refinery.dedup.corpus import entries_of, write_entries
        from refinery.dedup.protected import leave_out

        entries = entries_of(shards, work, exact=self.exact, near=self.near is not None)
        size = max((shard.bytes for shard in shards), default=0)
        map_units("protect entries", partial(write_entries, columns={}), entries, memory=size or 1)
        compared = self.exact, self.lookup, self.overlap
        return leave_out(entries, self.protected, *compared, map_units=map_units, work=work / "protect")
