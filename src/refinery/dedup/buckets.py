"""Candidates for near duplicates: documents that share a bucket of a band and have like signatures.

A pass over shards writes (band key, document) cut by key range; a unit a range forms the buckets and compares the
signatures in each. Up to ALL_PAIRS documents, every pair is compared. In a larger bucket each document is compared
with the BEST preferred ones and with WINDOW neighbours in the order of the signatures, so that cost stays linear in
its size. A document keeps, a bucket, the CLOSEST candidates that are preferred to it and the FIRST in order of
preference: one of them will do, since it is removed for one kept document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import groups, spill
from refinery.dedup import layout as places
from refinery.dedup.layout import DedupShard, Layout

ALL_PAIRS = 2048
BEST = 32
WINDOW = 32
CLOSEST = 4
FIRST = 4
CHUNK = 1 << 17  # documents whose signatures are in memory at once: 58 MB of 112 hashes
SORTED_COLUMNS = 8  # signature columns by which a large bucket is sorted

EDGE = np.dtype([("document", np.int64), ("twin", np.int64), ("equal", np.int16)])


@dataclass(frozen=True)
class BandUnit:
    """One shard: writes the band keys and signatures of documents that stand for themselves."""

    layout: Layout
    number: int
    shard: DedupShard
    bands: int
    rows: int
    ranges: int
    group_ranges: int
    exact: bool


@dataclass(frozen=True)
class BucketUnit:
    """One key range of band keys; pairs with fewer than `least` equal hashes are no candidates."""

    layout: Layout
    number: int
    least: int


def write_bands(unit: BandUnit) -> None:
    """Leaves out exact duplicates and all but one of documents with one signature; see groups."""
    layout, number = unit.layout, unit.number
    start, stop = int(layout.starts[number]), int(layout.starts[number + 1])
    gone = np.zeros(stop - start, np.bool_)
    for kind in ("exact", "alike") if unit.exact else ("alike",):
        gone[groups.pairs_of(layout, kind, unit.group_ranges, start, stop)["document"] - start] = True
    firsts = np.arange(unit.bands) * unit.rows
    signed = [np.empty(0, np.int64)]
    writer = spill.RangeWriter(layout.file("bands", number), spill.BAND, unit.ranges)
    with writer, spill.replacing(layout.file("signatures", number)) as matrix:
        for row, batch in places.read_entries(unit.shard, ["signature"]):
            values, valid = places.fixed(batch.column(0), np.uint32)
            rows = row + np.flatnonzero(valid & ~gone[row : row + len(valid)])
            signed.append(rows)
            matrix.write(values[rows - row].tobytes())
            records = np.empty((len(rows), unit.bands), spill.BAND)
            records["high"] = groups.band_keys(values, firsts, unit.rows)[rows - row]
            records["document"] = (start + rows)[:, None]
            writer.write(records.reshape(-1))
    spill.save(layout.file("signed", number), np.concatenate(signed))


def find_candidates(unit: BucketUnit) -> int:
    """Writes the range's candidate edges, each once, from the document to one preferred to it; gives their number."""
    layout = unit.layout
    records = spill.read_range(layout.files("bands"), spill.BAND, unit.number)
    records = records[np.argsort(records["high"], kind="stable")]
    differs = records["high"][1:] != records["high"][:-1]
    first = np.concatenate([[True], differs])[: len(records)]
    alone = first & np.concatenate([differs, [True]])[: len(records)]
    bucket, members = np.cumsum(first)[~alone], records["document"][~alone]
    del records
    order = places.preferred_order(layout, members, bucket)
    members, bucket = members[order], bucket[order]
    starts = np.flatnonzero(np.concatenate([[True], bucket[1:] != bucket[:-1], [True]])[: len(bucket) + 1])
    starts = np.append(starts[starts < len(bucket)], len(bucket))
    found = [np.empty(0, EDGE)]
    for documents, bounds in _chunks(members, starts):
        found.append(edges_within(documents, places.signatures(layout, documents), bounds, unit.least))
    edges = unique_edges(np.concatenate(found))
    edges = edges[edges["document"] >= layout.frozen]
    spill.save(layout.file("edges", unit.number), edges)
    return len(edges)


def unique_edges(edges: NDArray[np.void]) -> NDArray[np.void]:
    """Sorted by document and twin, each pair once."""
    edges = edges[np.lexsort((edges["twin"], edges["document"]))]
    same = (edges["document"][1:] == edges["document"][:-1]) & (edges["twin"][1:] == edges["twin"][:-1])
    distinct: NDArray[np.void] = edges[np.concatenate([[True], ~same])[: len(edges)]]
    return distinct


def _chunks(
    members: NDArray[np.int64], starts: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Whole buckets of CHUNK documents together; a larger bucket in pieces that share its BEST documents."""
    low = 0
    while low < len(starts) - 1:
        high = int(np.searchsorted(starts, starts[low] + CHUNK, "right")) - 1
        if high > low:
            yield members[starts[low] : starts[high]], starts[low : high + 1] - starts[low]
            low = high
            continue
        whole = members[starts[low] : starts[low + 1]]
        best, rest = whole[:BEST], whole[BEST:]
        for cut in range(0, len(rest), CHUNK - BEST):
            piece = np.concatenate([best, rest[cut : cut + CHUNK - BEST]])
            yield piece, np.array([0, len(piece)])
        low += 1


def edges_within(
    documents: NDArray[np.int64], matrix: NDArray[np.uint32], bounds: NDArray[np.int64], least: int
) -> NDArray[np.void]:
    """Candidate edges in buckets whose documents, with their signatures, stand in order of preference.

    Bucket i is documents[bounds[i]:bounds[i + 1]]; an edge has `least` equal hashes or more and may come twice.
    """
    order = np.arange(len(documents))
    for start, stop in pairwise(bounds.tolist()):
        if stop - start > ALL_PAIRS:
            order[start:stop] = start + _by_signature(matrix[start:stop])
    closest, first = (np.empty((len(documents), kept), np.int64) for kept in (CLOSEST, FIRST))
    counts, first_counts = (np.zeros((len(documents), kept), np.int16) for kept in (CLOSEST, FIRST))
    compare(matrix, bounds, order, least, closest, counts, first, first_counts)
    found = []
    for twins, equal in ((closest, counts), (first, first_counts)):
        rows, kept = np.nonzero(equal)
        edges = np.empty(len(rows), EDGE)
        edges["document"], edges["twin"] = documents[rows], documents[twins[rows, kept]]
        edges["equal"] = equal[rows, kept]
        found.append(edges)
    return np.concatenate(found)


def _by_signature(matrix: NDArray[np.uint32]) -> NDArray[np.int64]:
    varying = np.flatnonzero((matrix != matrix[0]).any(axis=0))[:SORTED_COLUMNS]
    order: NDArray[np.int64] = np.lexsort(matrix[:, varying].T[::-1])
    return order


@njit(cache=True, nogil=True)
def compare(matrix, bounds, order, least, closest, counts, first, first_counts):  # type: ignore[no-untyped-def]
    """Finds candidate pairs in buckets whose members stand in order of preference.

    matrix: uint32 (members, num_perm); bucket i has the rows bounds[i]:bounds[i + 1]; order: int64, rows of each
    bucket as they are sorted for the window; a pair with fewer equal hashes than `least` is none. Written: each row's
    closest and first candidates (rows, int64) and how many hashes are equal (int16, 0 where there is none).
    """
    for bucket in range(bounds.shape[0] - 1):
        start, stop = bounds[bucket], bounds[bucket + 1]
        small = stop - start <= ALL_PAIRS
        for place in range(start, stop):
            best = place - start if small else min(place - start, BEST)
            around = 0 if small else min(place - start, WINDOW)
            for number in range(best + around):
                if number < best:
                    row, twin = place, start + number
                else:
                    one, other = order[place], order[place - 1 - (number - best)]
                    row, twin = max(one, other), min(one, other)
                equal = 0
                for k in range(matrix.shape[1]):
                    equal += matrix[row, k] == matrix[twin, k]
                if equal < least:
                    continue
                for kept in range(FIRST):
                    if number < best and first_counts[row, kept] == 0:
                        first[row, kept], first_counts[row, kept] = twin, equal
                        break
                kept = CLOSEST - 1
                if equal <= counts[row, kept]:
                    continue
                while kept > 0 and counts[row, kept - 1] < equal:
                    closest[row, kept], counts[row, kept] = closest[row, kept - 1], counts[row, kept - 1]
                    kept -= 1
                closest[row, kept], counts[row, kept] = twin, equal
