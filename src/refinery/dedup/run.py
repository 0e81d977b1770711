"""Dedup of a whole corpus, as units over stretches of documents and key ranges, with files between them.

1. Each stretch: hashes of key texts and of signatures, cut by range.           groups.write_hashes
2. Each range: documents with one hash; the preferred one stands for them.      groups.find_groups
3. Each stretch: its copies; it requests the fates of those that they copy.      fates.write_copies
4. Each stretch: band keys of the documents left, cut by range.                 buckets.write_bands
5. Each range: buckets of two documents or more, back to the stretches.         buckets.find_buckets
6. Each stretch: preferences and signatures of the members, cut by bucket.      buckets.write_signed
7. Each part of the buckets: candidate pairs, cut by document.                  candidates.find_candidates
8. Pairs once each; those that signatures do not settle by their texts.         verify.settle
9. Spanning forests of near pairs, merged two by two; pairs cut by component.   components.label_components
10. Each range of components: a document goes for a kept, preferred twin.       resolve.resolve_range
11. Documents with the signature of another share its fate, if they are near.   fates.write_alike ...
12. Each stretch: its removed documents with their kept twins.                  fates.write_removed

Memory: a unit holds about UNIT_RANGES times a range's bytes, which is sqrt(16 bytes * bands * documents * 1 MiB),
and 1 GiB at most: 12 MB at a million documents, 117 MB at a hundred million; besides, the keys of the largest bucket
(16 bytes a document) and the pairs of the largest component. One step's memory grows with the corpus: the last merge
of forests, 24 bytes a document that has a near twin. This process holds counts.

Disk, at its peak: 16 bytes a band of each document, or, where more, 128 bytes and 8 a preference for each bucket that
a document shares, or 8 a shingle of the pairs that are read; files are removed as soon as nobody needs them. The
result depends on the shards' order and content alone, not on ranges, stretches, units or their order of completion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refinery.dedup import buckets, candidates, fates, groups, spill
from refinery.dedup.bands import split
from refinery.dedup.layout import DedupShard, Layout, Near, Piece, ReadTexts, cut_into_stretches
from refinery.dedup.resolve import resolve
from refinery.dedup.verify import Search, Settled, considered, settle
from refinery.errors import RunError
from refinery.shuffle.units import MapUnits
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, remove_tree
from refinery.storage.tables import open_table

if TYPE_CHECKING:
    from refinery.dedup.settings import Settings

__all__ = ["DedupResult", "DedupSettings", "DedupShard", "Near", "dedup", "settings_of"]

Kinds = tuple[tuple[str, int], ...]  # kinds of file and how many there are of each

GUARD_DOCUMENTS = 1000  # a cluster smaller than this is no reason to stop, whatever its share
UNIT_RANGES = 5  # ranges whose bytes a unit holds
LEAST_STRETCH = 1024  # documents of a stretch, however small the ranges


@dataclass(frozen=True)
class DedupSettings:
    """What is compared, and when a cluster is too large to be believed.

    max_cluster_share: of a source's documents, which one kept document may remove as near duplicates.
    """

    exact: bool = True
    near: Near | None = None
    max_cluster_share: float = 0.2


@dataclass(frozen=True)
class DedupResult:
    """Where each stretch's removed documents are listed, and how many there are.

    files: records fates.RESULT, ascending by document, of each `stretch_documents` documents; given: the index that
    the caller knows each shard by, in the order in which documents are numbered; starts: the first document of each,
    and the end. The twin is always a kept document; an exact duplicate of a near duplicate is `near` to it.
    """

    files: tuple[Place, ...]
    stretch_documents: int
    count: int
    given: tuple[int, ...]
    starts: NDArray[np.int64]

    def between(self, start: int, stop: int) -> NDArray[np.void]:
        """The records of documents start:stop."""
        found = [np.empty(0, fates.RESULT)]
        for place in self.files[start // self.stretch_documents : -(-stop // self.stretch_documents)]:
            records = spill.load(place, fates.RESULT)
            low, high = np.searchsorted(records["document"], [start, stop])
            found.append(records[low:high])
        return np.concatenate(found)


def settings_of(definition: Settings) -> DedupSettings:
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
    work: Place,
) -> DedupResult:
    """Keeps one document of each group of duplicates, the preferred one.

    The order of preference is the entries' `prefer_` columns, then the order of the shards, then of the rows.
    map_units runs a picklable function over units and gives the results in their order; read_texts (picklable) gives
    a shard's texts of ascending rows, in batches; `work` is a folder of its own for files between units: what an
    earlier call left there is removed, and at the end all but the result.
    Raises RunError when one near-duplicate cluster holds more than its share of a source.
    """
    remove_tree(work)
    make_directory(work)
    given = tuple(sorted(range(len(shards)), key=lambda n: not shards[n].frozen))
    ordered = [shards[n] for n in given]
    layout = _layout(ordered, settings, work)
    map_units = partial(map_units, memory=UNIT_RANGES * layout.range_bytes)
    stretches = cut_into_stretches(ordered, layout)
    columns = (("content",) if settings.exact else ()) + (("signature",) if settings.near else ())
    alike = _copies(layout, stretches, columns, map_units)
    removed: Kinds = ()
    if settings.near:
        removed = _near(Search(layout, stretches, settings.near, map_units, read_texts), alike)
    files, count = _removed(layout, stretches, removed, map_units)
    if removed:
        _guard(layout, ordered, settings.max_cluster_share, map_units)
    layout.remove("exact-pairs", "alike-pairs", "exact-fates", "clusters", *(kind for kind, _ in removed))
    starts = np.array([0, *accumulate(shard.rows for shard in ordered)], np.int64)
    return DedupResult(files, layout.stretch_documents, count, given, starts)


def _layout(ordered: list[DedupShard], settings: DedupSettings, work: Place) -> Layout:
    total = sum(shard.rows for shard in ordered)
    bands = settings.near.bands if settings.near else 2  # exact: a hash takes the place of two keys
    size = spill.range_bytes(total * bands, buckets.BAND.itemsize)
    names: list[str] = []
    if ordered:
        with open_table(ordered[-1].entries) as file:
            names = file.schema_arrow.names
    preferences = [name for name in names if name.startswith("prefer_")]
    preferences.sort(key=lambda name: int(name.removeprefix("prefer_")))
    return Layout(
        work,
        total,
        sum(shard.rows for shard in ordered if shard.frozen),
        tuple(preferences),
        settings.near.num_perm if settings.near else 0,
        max(size // (bands * buckets.BAND.itemsize), LEAST_STRETCH),
        size,
    )


def _copies(
    layout: Layout, stretches: list[tuple[Piece, ...]], columns: tuple[str, ...], map_units: MapUnits
) -> int:
    kinds = tuple(groups.KINDS[column] for column in columns)
    ranges = spill.part_count(layout.total, groups.hash_dtype(layout), layout.range_bytes)
    layout.open(*kinds, *(f"{kind}-{what}" for kind in kinds for what in ("local", "groups")))
    units = [groups.HashUnit(layout, n, stretch, columns, ranges) for n, stretch in enumerate(stretches)]
    map_units("dedup hashes", groups.write_hashes, units)
    grouped = [groups.GroupUnit(layout, kind, n, ranges) for kind in kinds for n in range(ranges)]
    map_units("dedup groups", groups.find_groups, grouped)
    layout.remove(*kinds)
    layout.open(*(f"{kind}-{what}" for kind in ("exact", "alike") for what in ("pairs", "requests")))
    copies = [fates.CopiesUnit(layout, n, kinds, ranges) for n in range(layout.stretches)]
    alike = int(sum(map_units("dedup copies", fates.write_copies, copies)))
    layout.remove(*(f"{kind}-{what}" for kind in kinds for what in ("local", "groups")))
    return alike


def _near(search: Search, alike: int) -> Kinds:
    """The kinds of file, and their numbers, that hold the removed documents, cut by stretch."""
    layout, map_units = search.layout, search.map_units
    settled = settle(search, "edges", *_candidates(search), name="dedup pairs:")
    layout.remove(settled.far)
    removed: Kinds = (("resolved", resolve(layout, settled, map_units)),)
    if alike:
        removed += _alike(search, removed, alike)
    layout.remove("alike-requests", "alike-fates")
    layout.open("exact-fates")
    map_units(
        "dedup fates of copies",
        fates.answer_requests,
        [fates.FateUnit(layout, n, "exact", removed) for n in range(layout.stretches)],
    )
    layout.remove("exact-requests")
    return removed


def _candidates(search: Search) -> tuple[int, int]:
    """Writes candidate edges; gives the number of files and of parts into which they are cut."""
    layout, near, map_units = search.layout, search.near, search.map_units
    layout.open("bands", "members", "giants", "signed", "best", "edges")
    ranges = spill.part_count(layout.total * near.bands, buckets.BAND, layout.range_bytes)
    bands = [
        buckets.BandUnit(layout, n, stretch, near.bands, near.rows, ranges)
        for n, stretch in enumerate(search.stretches)
    ]
    map_units("dedup bands", buckets.write_bands, bands)
    keys = [buckets.KeyUnit(layout, n, ranges) for n in range(ranges)]
    members = sum(map_units("dedup buckets", buckets.find_buckets, keys))
    layout.remove("bands")
    parts = spill.part_count(members, buckets.signed_dtype(layout), layout.range_bytes)
    signed = [
        buckets.SignUnit(layout, n, stretch, ranges, parts) for n, stretch in enumerate(search.stretches)
    ]
    map_units("dedup signatures", buckets.write_signed, signed)
    layout.remove("members")
    edge_parts = spill.part_count(2 * members, candidates.edge_dtype(layout), layout.range_bytes)
    least = considered(near.threshold, near.num_perm)
    units = [candidates.BucketUnit(layout, n, ranges, parts, edge_parts, least) for n in range(parts)]
    map_units("dedup candidates", candidates.find_candidates, units)
    layout.remove("giants", "signed", "best")
    return parts, edge_parts


def _alike(search: Search, removed: Kinds, count: int) -> Kinds:
    """Where the removed documents are among those that have one signature with a preferred document."""
    layout, map_units = search.layout, search.map_units
    stretches = range(layout.stretches)
    layout.open("alike-fates", "copies")
    units = [fates.FateUnit(layout, n, "alike", removed) for n in stretches]
    map_units("dedup fates of alike", fates.answer_requests, units)
    parts = spill.part_count(count, candidates.edge_dtype(layout), layout.range_bytes)
    map_units("dedup alike", fates.write_alike, [fates.AlikeUnit(layout, n, parts) for n in stretches])
    first = settle(search, "copies", layout.stretches, parts, name="dedup alike:")
    found: Kinds = ((first.near, first.parts),)
    if first.far_count:
        found += _rest(search, first)
    layout.remove(first.far)
    return found


def _rest(search: Search, first: Settled) -> Kinds:
    layout, map_units = search.layout, search.map_units
    layout.open("rest", "others")
    parts = spill.part_count(first.far_count, candidates.edge_dtype(layout), layout.range_bytes)
    rest = [
        fates.RestUnit(layout, n, stretch, first.parts, parts) for n, stretch in enumerate(search.stretches)
    ]
    map_units("dedup alike left", fates.write_rest, rest)
    leads = [fates.LeadUnit(layout, n, parts) for n in range(parts)]
    map_units("dedup alike among themselves", fates.write_leads, leads)
    second = settle(search, "others", parts, parts, name="dedup alike left:")
    layout.remove("rest", second.far)
    return ((second.near, second.parts),)


def _removed(
    layout: Layout,
    stretches: list[tuple[Piece, ...]],
    removed: Kinds,
    map_units: MapUnits,
) -> tuple[tuple[Place, ...], int]:
    layout.open("removed", "clusters")
    files = tuple(layout.files("removed", layout.stretches))
    parts = _cluster_parts(layout)
    units = [
        fates.RemovedUnit(layout, n, stretch, removed, files[n], parts) for n, stretch in enumerate(stretches)
    ]
    return files, sum(map_units("dedup removed", fates.write_removed, units))


def _cluster_parts(layout: Layout) -> int:
    return spill.part_count(layout.total, fates.CLUSTER, layout.range_bytes)


def _guard(layout: Layout, shards: list[DedupShard], share: float, map_units: MapUnits) -> None:
    sizes: dict[str, int] = {}
    for shard in shards:
        standing = shard.rows if shard.standing is None else shard.standing
        sizes[shard.source] = sizes.get(shard.source, 0) + standing
    limits = tuple(max(share * size, GUARD_DOCUMENTS - 1) for size in sizes.values())
    parts = _cluster_parts(layout)
    units = [fates.GuardUnit(layout, n, parts, limits) for n in range(parts)]
    found = [cluster for cluster in map_units("dedup guard", fates.too_large, units) if cluster]
    if not found:
        return
    twin, source, count = min(found)
    source_name = list(sizes)[source]
    starts = np.array([0, *accumulate(shard.rows for shard in shards)], np.int64)
    where = int(np.searchsorted(starts, twin, "right")) - 1
    raise RunError(
        f"dedup: {count:,} of {sizes[source_name]:,} documents of {source_name!r} are near duplicates of one "
        f"(document {twin - starts[where]} of {shards[where].name}, from 0, rejects not counted), more than "
        f"max_cluster_share {share} allows: drop such pages by a rule, or raise max_cluster_share"
    )
