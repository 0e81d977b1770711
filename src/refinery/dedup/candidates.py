"""Candidates for near duplicates: documents of one bucket whose signatures are alike.

Up to ALL_PAIRS documents, every pair of a bucket is compared. In a larger bucket each document is compared with the
BEST preferred ones and with WINDOW neighbours in the order of the signatures, so that cost stays linear in its size.
A document keeps, a bucket, the CLOSEST candidates that are preferred to it and the FIRST in order of preference: one
of them will do, since it is removed for one kept document.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.buckets import BEST, read_best, read_split
from refinery.dedup.corpus import Corpus
from refinery.dedup.sorting import preferred_order, starts_of
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Records

ALL_PAIRS = 2048
WINDOW = 32
CLOSEST = 4
FIRST = 4
SORTED_COLUMNS = 16  # signature columns by which a large bucket is sorted


def edge_dtype(corpus: Corpus) -> np.dtype[Any]:
    """A document, one that is preferred to it, their equal hashes, and the preferences and the text of the latter."""
    fields = ("document", np.int64), ("preferred", np.int64), ("equal", np.int16), *corpus.text
    return corpus.with_preferences(*fields)


def write_edges(edges: Records, writer: int, found: NDArray[Any]) -> None:
    """Writes all edges of a writer, partitioned by document."""
    edges.write(writer, found, partition_of(hash_numbers(found["document"]), edges.partitions))


def find_candidates(
    corpus: Corpus,
    signatures: Records,
    split: Records,
    best: Records,
    edges: Records,
    least: int,
    partition: int,
) -> None:
    """Writes candidate edges of a partition of buckets, each once, to preferred documents.

    Pairs with fewer than `least` equal hashes are no candidates, nor are documents with different keys of `within`,
    which share a bucket by chance.
    """
    records = _with_best(signatures.read(partition), split, best)
    keys = [*records["within"].T] if corpus.within else []
    records = records[preferred_order(records, *keys, records["bucket"])]
    matrix = np.ascontiguousarray(records["signature"])
    keys = [*records["within"].T] if corpus.within else []
    bounds = np.append(np.flatnonzero(starts_of(records["bucket"], *keys)), len(records))
    form = corpus.with_preferences(("bucket", np.uint64), ("document", np.int64), *corpus.text)
    members = np.empty(len(records), form)
    for name in form.names or ():
        members[name] = records[name]
    del records, keys
    found = unique_edges(edges_within(corpus, members, matrix, bounds, least))
    found = found[found["document"] >= corpus.earlier]
    write_edges(edges, partition, found)


def _with_best(records: NDArray[Any], split: Records, best: Records) -> NDArray[Any]:
    """The records, and in each bucket that a large one is split into the large one's best documents, once."""
    large = read_split(split)
    large = large[np.isin(large["bucket"], records["bucket"])]
    if len(large) == 0:
        return records
    preferred = read_best(best, np.unique(large["large"]))
    found = [records]
    for bucket, whole in large.tolist():
        own = records["document"][records["bucket"] == bucket]
        others = preferred[(preferred["bucket"] == whole) & ~np.isin(preferred["document"], own)]
        others["bucket"] = bucket
        found.append(others)
    return np.concatenate(found)


def unique_edges(edges: NDArray[Any]) -> NDArray[Any]:
    """Sorted by document and preferred one, each pair once."""
    edges = edges[np.lexsort((edges["preferred"], edges["document"]))]
    return edges[starts_of(edges["document"], edges["preferred"])]


def edges_within(
    corpus: Corpus, members: NDArray[Any], matrix: NDArray[np.uint8], bounds: NDArray[np.int64], least: int
) -> NDArray[Any]:
    """Candidate edges in buckets whose documents, with their signatures, stand in order of preference.

    Bucket i is members[bounds[i]:bounds[i + 1]]; an edge has `least` equal hashes or more and may come twice.
    """
    order = np.arange(len(members))
    for start, stop in pairwise(bounds.tolist()) if (np.diff(bounds) > ALL_PAIRS).any() else ():
        if stop - start > ALL_PAIRS:
            order[start:stop] = start + _by_signature(matrix[start:stop])
    closest, first = (np.empty((len(members), kept), np.int32) for kept in (CLOSEST, FIRST))
    counts, first_counts = (np.zeros((len(members), kept), np.int16) for kept in (CLOSEST, FIRST))
    compare(matrix, bounds, order, least, closest, counts, first, first_counts)
    found = []
    for preferred, equal in ((closest, counts), (first, first_counts)):
        rows, kept = np.nonzero(equal)
        chosen = preferred[rows, kept]
        edges = np.empty(len(rows), edge_dtype(corpus))
        edges["document"], edges["preferred"] = members["document"][rows], members["document"][chosen]
        edges["equal"], edges["prefer"] = equal[rows, kept], members["prefer"][chosen]
        if corpus.texts:
            edges["text"] = members["text"][chosen]
        found.append(edges)
    return np.concatenate(found)


def _by_signature(matrix: NDArray[np.uint8]) -> NDArray[np.int64]:
    varying = np.flatnonzero((matrix != matrix[0]).any(axis=0))[:SORTED_COLUMNS]
    order: NDArray[np.int64] = np.lexsort(matrix[:, varying].T[::-1])
    return order


@njit(cache=True, nogil=True)
def compare(matrix, bounds, order, least, closest, counts, first, first_counts):  # type: ignore[no-untyped-def]
    """Finds candidate pairs in buckets whose members stand in order of preference.

    matrix: uint8 (members, num_perm); bucket i has the rows bounds[i]:bounds[i + 1]; order: int64, rows of each
    bucket as they are sorted for the window; a pair with fewer equal hashes than `least` is none. Written: each row's
    closest and first candidates (rows, int32) and how many hashes are equal (int16, 0 where there is none).
    """
    for bucket in range(bounds.shape[0] - 1):
        start, stop = bounds[bucket], bounds[bucket + 1]
        small = stop - start <= ALL_PAIRS
        for place in range(start, stop):
            best = place - start if small else min(place - start, BEST)
            around = 0 if small else min(place - start, WINDOW)
            for number in range(best + around):
                if number < best:
                    row, other = place, start + number
                else:
                    one, two = order[place], order[place - 1 - (number - best)]
                    row, other = max(one, two), min(one, two)
                equal = 0
                for k in range(matrix.shape[1]):
                    equal += matrix[row, k] == matrix[other, k]
                if equal < least:
                    continue
                for kept in range(FIRST):
                    if number < best and first_counts[row, kept] == 0:
                        first[row, kept], first_counts[row, kept] = other, equal
                        break
                kept = CLOSEST - 1
                if equal <= counts[row, kept]:
                    continue
                while kept > 0 and counts[row, kept - 1] < equal:
                    closest[row, kept], counts[row, kept] = closest[row, kept - 1], counts[row, kept - 1]
                    kept -= 1
                closest[row, kept], counts[row, kept] = other, equal
