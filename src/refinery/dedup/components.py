"""Connected components of the near-duplicate graph, by spanning forests that are reduced in a tree.

A unit makes a forest of a batch of files of edges: (document, root) for each of its documents, the root being the
least document of the component there. Units merge forests two by two until one is left, which labels every document
that has a near duplicate. The last merge is the one place of a dedup whose memory grows with the corpus: 24 bytes a
document that has a near duplicate, at its peak.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus
from refinery.dedup.verify import Settled
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.text.similarity import flatten, unite

LABEL = np.dtype([("document", np.int64), ("root", np.int64)])
BLOCK_RECORDS = 1 << 20  # of a forest that are written and read at a time
MERGE_BYTES = 24  # for each document of two forests that are merged


@dataclass(frozen=True)
class Batch:
    """Files start:stop of edges that one unit takes together."""

    number: int
    start: int
    stop: int


class Merge(NamedTuple):
    """Forests, by their writers: two that become the third."""

    first: int
    second: int
    target: int


def batches_of(settled: Settled, size: int) -> list[Batch]:
    """The files of near edges in batches of about `size` bytes."""
    record = settled.near.form.itemsize
    filled = np.cumsum(np.array(settled.counts, np.int64) * record) // max(size, record)
    starts = sorted({0, *np.flatnonzero(np.diff(filled, prepend=-1) > 0).tolist()})
    stops = [*starts[1:], settled.near.writers]
    return [Batch(n, *ends) for n, ends in enumerate(zip(starts, stops, strict=True))]


def label_components(corpus: Corpus, settled: Settled, batches: list[Batch], map_units: MapUnits) -> Records:
    """Labels, (document, root of its component), by batch of the files that a document's edges are in."""
    count = len(batches)
    forests = corpus.records("forests", LABEL, writers=2 * count - 1)
    forests = replace(forests, block_bytes=BLOCK_RECORDS * LABEL.itemsize)
    labels = corpus.records("labels", LABEL, partitions=count, writers=1)
    with forests:
        sizes = map_units("dedup forests", partial(write_forest, settled.near, forests), batches)
        left, made = list(range(count)), count
        while len(left) > 1:
            pairs = zip(left[::2], left[1::2], strict=False)
            merges = [Merge(first, second, made + n) for n, (first, second) in enumerate(pairs)]
            largest = max(one + other for one, other in zip(sizes[::2], sizes[1::2], strict=False))
            merge = partial(merge_forests, forests)
            merged = map_units("dedup merge forests", merge, merges, memory=MERGE_BYTES * largest)
            made += len(merges)
            left = [*(merge.target for merge in merges), *left[2 * len(merges) :]]
            sizes = [*merged, *sizes[2 * len(merges) :]]
        write = partial(write_labels, forests, labels, settled.near.writers)
        map_units("dedup labels", write, [(left[0], tuple(batch.start for batch in batches))])
    return labels


def write_forest(edges: Records, forests: Records, batch: Batch) -> int:
    """Writes (document, root) of every document of a batch's edges, ascending; gives their number."""
    found = [np.empty(0, edges.form), *map(edges.read_written, range(batch.start, batch.stop))]
    pairs = np.concatenate(found)[["document", "preferred"]]
    del found
    nodes = np.unique(np.concatenate([pairs["document"], pairs["preferred"]]))
    parent = np.arange(len(nodes))
    unite(parent, np.searchsorted(nodes, pairs["document"]), np.searchsorted(nodes, pairs["preferred"]))
    del pairs
    _write(forests, batch.number, nodes, parent)
    return len(nodes)


def merge_forests(forests: Records, merge: Merge) -> int:
    """Writes the forest of two; gives its documents. Memory: MERGE_BYTES each, and 16 after the first steps."""
    both = [merge.first, merge.second]
    nodes = np.empty(forests.count(writers=both), np.int64)
    at = 0
    for block in forests.each(writers=both):
        nodes[at : at + len(block)] = block["document"]
        at += len(block)
    nodes.sort()
    nodes = nodes[: drop_repeats(nodes)].copy()
    parent = np.arange(len(nodes))
    for block in forests.each(writers=both):
        unite(parent, np.searchsorted(nodes, block["document"]), np.searchsorted(nodes, block["root"]))
    _write(forests, merge.target, nodes, parent)
    return len(nodes)


def _write(forests: Records, number: int, nodes: NDArray[np.int64], parent: NDArray[np.int64]) -> None:
    flatten(parent)
    with forests.writer(number) as writer:
        for start in range(0, len(nodes), BLOCK_RECORDS):
            block = slice(start, start + BLOCK_RECORDS)
            found = np.empty(len(nodes[block]), LABEL)
            found["document"], found["root"] = nodes[block], nodes[parent[block]]
            writer.write(found)


def write_labels(forests: Records, labels: Records, files: int, unit: tuple[int, tuple[int, ...]]) -> None:
    """Writes the labels of a forest by batch, of which the first files are given; `files`: of edges, by document."""
    forest, starts = unit
    with labels.writer(0) as writer:
        for block in forests.each(writers=[forest]):
            numbers = partition_of(hash_numbers(block["document"]), files)
            writer.write(block, np.searchsorted(np.array(starts), numbers, "right") - 1)


def labels_of(labels: Records, batch: int) -> NDArray[Any]:
    """The labels of a batch's documents, ascending by document."""
    found = labels.read(batch)
    return found[np.argsort(found["document"])]


@njit(cache=True, nogil=True)
def drop_repeats(values):  # type: ignore[no-untyped-def]
    """Moves the distinct ones of sorted values to the front; gives their number."""
    kept = 0
    for i in range(values.shape[0]):
        if i == 0 or values[i] != values[i - 1]:
            values[kept] = values[i]
            kept += 1
    return kept
