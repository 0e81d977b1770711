"""Documents with one 128-bit hash, of their key text or of their signature, found by key range.

A pass over shards writes (hash, document) cut by range; a unit a range sorts its records and keeps, of each hash,
the preferred document. Copies of key texts are exact duplicates. Copies of signatures are treated as one document
until the end, so that a million near-identical pages cost no more than a million records here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import layout as places
from refinery.dedup import spill
from refinery.dedup.layout import DedupShard, Layout

_K1 = np.uint64(0x9E3779B97F4A7C15)
_K2 = np.uint64(0xC4CEB9FE1A85EC53)

KINDS = {"content": "exact", "signature": "alike"}  # column of the entries, kind of file


@dataclass(frozen=True)
class HashUnit:
    """One shard: writes its hashes, of the columns named, and its preferences."""

    layout: Layout
    number: int
    shard: DedupShard
    columns: tuple[str, ...]
    ranges: int


@dataclass(frozen=True)
class GroupUnit:
    """One key range of one kind of hash."""

    layout: Layout
    kind: str
    number: int


def write_hashes(unit: HashUnit) -> None:
    """Writes (hash, document) of a shard's entries, a file a column."""
    layout = unit.layout
    places.write_preferences(layout, unit.number, unit.shard)
    start = int(layout.starts[unit.number])
    for column in unit.columns:
        with spill.RangeWriter(layout.file(KINDS[column], unit.number), spill.HASH, unit.ranges) as writer:
            for row, batch in places.read_entries(unit.shard, [column]):
                if column == "content":
                    values, valid = places.fixed(batch.column(0), np.uint64)
                    hashes = values[valid]
                else:
                    values, valid = places.fixed(batch.column(0), np.uint32)
                    whole = np.zeros(2, np.int64)  # two different hashes of the whole signature
                    hashes = band_keys(values, whole, layout.num_perm)[valid]
                records = np.empty(len(hashes), spill.HASH)
                records["high"], records["low"] = hashes[:, 0], hashes[:, 1]
                records["document"] = start + row + np.flatnonzero(valid)
                writer.write(records)


def find_groups(unit: GroupUnit) -> int:
    """Writes (document, preferred document) for all but the preferred one of each group; gives their number."""
    layout = unit.layout
    records = spill.read_range(layout.files(unit.kind), spill.HASH, unit.number)
    records = records[np.lexsort((records["low"], records["high"]))]
    differs = (records["high"][1:] != records["high"][:-1]) | (records["low"][1:] != records["low"][:-1])
    first = np.concatenate([[True], differs])[: len(records)]
    alone = first & np.concatenate([differs, [True]])[: len(records)]
    group = np.cumsum(first)[~alone]
    members = records["document"][~alone]
    order = places.preferred_order(layout, members, group)
    group, members = group[order], members[order]
    leads = np.concatenate([[True], group[1:] != group[:-1]])[: len(group)]
    pairs = np.empty(int((~leads).sum()), spill.PAIR)
    pairs["document"] = members[~leads]
    pairs["twin"] = members[leads][np.cumsum(leads) - 1][~leads]
    pairs = pairs[np.argsort(pairs["document"])]
    spill.save(layout.file(f"{unit.kind}-groups", unit.number), pairs)
    return len(pairs)


def pairs_of(layout: Layout, kind: str, ranges: int, start: int, stop: int) -> NDArray[np.void]:
    """The (document, preferred document) pairs of documents from `start` to before `stop`, ascending."""
    found = [np.empty(0, spill.PAIR)]
    for number in range(ranges):
        pairs = spill.load(layout.file(f"{kind}-groups", number))
        low, high = np.searchsorted(pairs["document"], [start, stop])
        found.append(np.array(pairs[low:high]))
    joined = np.concatenate(found)
    return joined[np.argsort(joined["document"])]


@njit(cache=True, nogil=True)
def band_keys(signatures, firsts, rows):  # type: ignore[no-untyped-def]
    """uint64 (documents, bands): hash of `rows` values from column firsts[band] on, and of the band's number."""
    keys = np.empty((signatures.shape[0], firsts.shape[0]), np.uint64)
    for document in range(signatures.shape[0]):
        for band in range(firsts.shape[0]):
            h = np.uint64(band + 1) * _K2
            for index in range(firsts[band], firsts[band] + rows):
                h = (h ^ np.uint64(signatures[document, index])) * _K1
                h ^= h >> np.uint64(32)
            h = (h ^ h >> np.uint64(29)) * _K2
            keys[document, band] = h ^ h >> np.uint64(32)
    return keys
