"""Dedup of a whole corpus, as units over shards and key ranges; memory is set by the range, not by the corpus.

1. Each shard: hashes of key texts and of signatures, cut by key range.        groups.write_hashes
2. Each range: documents with one hash; the preferred one stands for them.     groups.find_groups
3. Each shard: band keys and signatures of the documents left.                 buckets.write_bands
4. Each range of band keys: candidate pairs from shared buckets.               buckets.find_candidates
5. Pairs that the signatures do not settle: each shard reads those texts.      verify.settle
6. In one place: in order of preference, a document goes for a kept twin.      resolve.resolve
7. Documents with the signature of another share its fate, if they are near.   resolve.remove_alike
8. Each shard: its removed documents with their kept twins.                    write_removed

A unit holds about four times `range_bytes`. What is held in one place: 22 bytes a near duplicate, 16 an exact one
or one with another's signature, 18 a candidate edge and 48 an edge at the threshold; nothing for a document without
a twin. Disk, until the end: 48 bytes a document, 16 a band, 4 a hash of a signature. The result depends on the
shards' order and content alone, not on ranges, units or their order of completion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refinery.dedup import buckets, groups, spill
from refinery.dedup.bands import split
from refinery.dedup.layout import DedupShard, Layout, MapUnits, Near, ReadTexts
from refinery.dedup.resolve import REMOVED, remove_alike, resolve
from refinery.dedup.verify import Search, considered
from refinery.errors import RunError

if TYPE_CHECKING:
    from refinery.pipeline.models import Dedup

__all__ = ["DedupResult", "DedupSettings", "DedupShard", "Near", "Removed", "dedup", "settings_of"]

GUARD_DOCUMENTS = 1000  # a cluster smaller than this is no reason to stop, whatever its share

RESULT = np.dtype(
    [
        ("row", np.int64),
        ("twin_shard", np.int64),
        ("twin_row", np.int64),
        ("near", np.bool_),
        ("similarity", np.float32),
    ]
)


@dataclass(frozen=True)
class DedupSettings:
    """What is compared, and when a cluster is too large to be believed.

    max_cluster_share: of a source's documents, which one kept document may remove as near duplicates.
    range_bytes: size of a key range; changes memory and the number of units, never the result.
    """

    exact: bool = True
    near: Near | None = None
    max_cluster_share: float = 0.2
    range_bytes: int = 64 << 20


@dataclass(frozen=True)
class Removed:
    """A shard's removed documents, ascending by row.

    row, twin_shard (index into the shards given), twin_row: int64; near: bool, False for an exact duplicate;
    similarity: float32, Jaccard of shingles, 1 for an exact duplicate, estimated where signatures made it certain.
    The twin is always a kept document. An exact duplicate of a near duplicate is `near` to the kept one.
    """

    row: NDArray[np.int64]
    twin_shard: NDArray[np.int64]
    twin_row: NDArray[np.int64]
    near: NDArray[np.bool_]
    similarity: NDArray[np.float32]


@dataclass(frozen=True)
class DedupResult:
    """Where each shard's removed documents are listed."""

    files: tuple[Path, ...]

    def removed(self, shard: int) -> Removed:
        """The removed documents of the shard with this index."""
        found = np.load(self.files[shard])
        return Removed(*(found[name] for name in RESULT.names or ()))


@dataclass(frozen=True)
class RemovedUnit:
    """One shard's list of removed documents."""

    layout: Layout
    shard: int
    given: tuple[int, ...]  # index that the caller knows each shard by
    exact_ranges: int
    file: Path


def settings_of(definition: Dedup) -> DedupSettings:
    """The settings of a definition, bands and rows chosen where it leaves them open."""
    near = definition.near
    if near is None:
        return DedupSettings(definition.exact, None, definition.max_cluster_share)
    bands, rows = (
        (near.bands, near.rows) if near.bands and near.rows else split(near.similarity, near.num_perm)
    )
    chosen = Near(near.similarity, near.num_perm, bands, rows, near.words, near.chars)
    return DedupSettings(definition.exact, chosen, definition.max_cluster_share)


def dedup(
    shards: Sequence[DedupShard],
    settings: DedupSettings,
    *,
    map_units: MapUnits,
    read_texts: ReadTexts,
    work: Path,
) -> DedupResult:
    """Keeps one document of each group of duplicates, the preferred one.

    The order of preference is the entries' `prefer_` columns, then the order of the shards, then of the rows.
    map_units runs a picklable function over units and gives the results in their order; read_texts (picklable) gives
    a shard's texts of ascending rows, in batches; `work` is a folder for files between units, removed at the end.
    Raises RunError when one near-duplicate cluster holds more than its share of a source.
    """
    work.mkdir(parents=True, exist_ok=True)
    given = tuple(sorted(range(len(shards)), key=lambda n: not shards[n].frozen))
    ordered = [shards[n] for n in given]
    layout = Layout.of(ordered, work, settings.near.num_perm if settings.near else 0)
    columns = (("content",) if settings.exact else ()) + (("signature",) if settings.near else ())
    ranges = spill.range_count(int(layout.starts[-1]), spill.HASH, settings.range_bytes)
    hashes = [groups.HashUnit(layout, n, shard, columns, ranges) for n, shard in enumerate(ordered)]
    map_units(groups.write_hashes, hashes)
    kinds = [groups.KINDS[column] for column in columns]
    map_units(
        groups.find_groups, [groups.GroupUnit(layout, kind, n) for kind in kinds for n in range(ranges)]
    )
    removed = np.empty(0, REMOVED)
    if settings.near:
        removed = _near(Search(layout, ordered, settings.near, map_units, read_texts), settings, ranges)
        _guard(layout, ordered, removed, settings.max_cluster_share)
    spill.save(layout.file("near", 0), removed)
    files = tuple(work / f"removed-{n:06}.npy" for n in range(len(shards)))
    exact_ranges = ranges if settings.exact else 0
    lists = [RemovedUnit(layout, n, given, exact_ranges, files[given[n]]) for n in range(len(shards))]
    map_units(write_removed, lists)
    for leftover in (*work.glob("*.spill"), *work.glob("*.bounds")):
        leftover.unlink()
    return DedupResult(files)


def _near(search: Search, settings: DedupSettings, group_ranges: int) -> NDArray[np.void]:
    layout, near = search.layout, search.near
    total = int(layout.starts[-1])
    ranges = spill.range_count(total * near.bands, spill.BAND, settings.range_bytes)
    bands = [
        buckets.BandUnit(layout, n, shard, near.bands, near.rows, ranges, group_ranges, settings.exact)
        for n, shard in enumerate(search.shards)
    ]
    search.map_units(buckets.write_bands, bands)
    least = considered(near.threshold, near.num_perm)
    search.map_units(buckets.find_candidates, [buckets.BucketUnit(layout, n, least) for n in range(ranges)])
    found = [np.array(spill.load(layout.file("edges", number))) for number in range(ranges)]
    removed = resolve(search, buckets.unique_edges(np.concatenate(found)))
    alike = groups.pairs_of(layout, "alike", group_ranges, layout.frozen, total)
    if settings.exact:
        exact = groups.pairs_of(layout, "exact", group_ranges, layout.frozen, total)["document"]
        alike = alike[~np.isin(alike["document"], exact, kind="sort")]
    removed = np.concatenate([removed, remove_alike(search, alike, removed)])
    return removed[np.argsort(removed["document"])]


def write_removed(unit: RemovedUnit) -> None:
    """Joins a shard's exact and near duplicates; a twin that went itself gives way to the one it went for."""
    layout = unit.layout
    start, stop = (int(n) for n in layout.starts[unit.shard : unit.shard + 2])
    exact = groups.pairs_of(layout, "exact", unit.exact_ranges, max(start, layout.frozen), stop)
    near = spill.load(layout.file("near", 0))
    own = np.array(near[slice(*np.searchsorted(near["document"], [start, stop]))])
    copies = np.zeros(len(exact), REMOVED)
    copies["document"], copies["twin"], copies["similarity"] = exact["document"], exact["twin"], 1.0
    is_near = np.zeros(len(exact), np.bool_)
    if len(near) and len(exact):
        place = np.minimum(np.searchsorted(near["document"], exact["twin"]), len(near) - 1)
        is_near = near["document"][place] == exact["twin"]
        for name in ("twin", "similarity"):
            copies[name][is_near] = near[name][place[is_near]]
    joined = np.concatenate([copies, own])
    order = np.argsort(joined["document"])
    shards = np.searchsorted(layout.starts, joined["twin"], "right") - 1
    result = np.empty(len(joined), RESULT)
    result["row"] = joined["document"] - start
    result["twin_shard"] = np.array(unit.given)[shards]
    result["twin_row"] = joined["twin"] - layout.starts[shards]
    result["near"] = np.concatenate([is_near, np.ones(len(own), np.bool_)])
    result["similarity"] = joined["similarity"]
    spill.save(unit.file, result[order])


def _guard(layout: Layout, shards: list[DedupShard], removed: NDArray[np.void], share: float) -> None:
    sizes: dict[str, int] = {}
    for shard in shards:
        sizes[shard.name] = sizes.get(shard.name, 0) + shard.rows
    names = list(sizes)
    source = np.array([names.index(shard.name) for shard in shards], np.int64)
    own = source[np.searchsorted(layout.starts, removed["document"], "right") - 1]
    clusters, counts = np.unique(np.stack([removed["twin"], own], 1), axis=0, return_counts=True)
    for (twin, number), count in zip(clusters.tolist(), counts.tolist(), strict=True):
        if count >= GUARD_DOCUMENTS and count > share * sizes[names[number]]:
            where = int(np.searchsorted(layout.starts, twin, "right")) - 1
            raise RunError(
                f"dedup: {count:,} of {sizes[names[number]]:,} documents of {names[number]!r} are near duplicates "
                f"of one document (row {twin - layout.starts[where]} of {shards[where].entries}), more than "
                f"max_cluster_share {share} allows: drop such pages by a rule, or raise max_cluster_share"
            )
