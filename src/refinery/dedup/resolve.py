"""Who is removed: in order of preference, a document goes if a kept one preferred to it is near enough.

Every removed document so has a kept one at the threshold or above, whatever chains or footers join the others, and
of the kept ones no candidate pair is at the threshold. What becomes of a document depends on its component alone, so
components are partitioned; a unit holds whole components.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.components import Batch, batches_of, label_components, labels_of
from refinery.dedup.corpus import Corpus
from refinery.dedup.sorting import look_up
from refinery.dedup.verify import Settled
from refinery.shuffle.partition import hash_numbers, partition_count, partition_of
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits


def resolve(corpus: Corpus, settled: Settled, map_units: MapUnits) -> Records:
    """The removed documents, edges to the kept ones for which they go, by document; removes the near edges."""
    near = settled.near
    batches = batches_of(settled, corpus.partition_bytes)
    count = partition_count(sum(settled.counts), near.form, corpus.partition_bytes)
    with near, label_components(corpus, settled, batches, map_units) as labels:
        clustered = corpus.records("clustered", near.form, partitions=count, writers=len(batches))
        map_units("dedup components", partial(write_clustered, near, labels, clustered), batches)
    resolved = corpus.records("resolved", near.form, partitions=corpus.partitions, writers=count)
    with clustered:
        map_units("dedup resolve", partial(resolve_partition, corpus, clustered, resolved), range(count))
    return resolved


def write_clustered(near: Records, labels: Records, clustered: Records, batch: Batch) -> None:
    """Writes a batch's edges by the root of their component."""
    own = labels_of(labels, batch.number)
    with clustered.writer(batch.number) as writer:
        for number in range(batch.start, batch.stop):
            edges = near.read_written(number)
            _, at = look_up(own["document"], edges["document"])
            writer.write(edges, partition_of(hash_numbers(own["root"][at]), clustered.partitions))


def resolve_partition(corpus: Corpus, clustered: Records, resolved: Records, partition: int) -> None:
    """Writes the removed documents of a partition of components, each with the kept one for which it goes."""
    removed = chosen_edges(clustered.read(partition))
    resolved.write(partition, removed, corpus.partition_of(removed["document"]))


def chosen_edges(edges: NDArray[Any]) -> NDArray[Any]:
    """For each removed document, ascending, the edge to the most similar kept document that is preferred to it."""
    nodes, ends = np.unique(np.concatenate([edges["document"], edges["preferred"]]), return_inverse=True)
    own, others = ends[: len(edges)], ends[len(edges) :]
    prefer = np.empty((len(nodes), edges["prefer"].shape[1]))
    prefer[others] = edges["prefer"]
    last = np.ones(len(nodes), np.bool_)  # who is preferred to nobody can be decided after all others
    last[others] = False
    prefer[last] = 0.0
    order = np.lexsort((nodes, *prefer.T[::-1], last))
    place = np.empty(len(nodes), np.int64)
    place[order] = np.arange(len(nodes))
    documents, preferred = place[own], place[others]
    by_document = np.lexsort((preferred, -edges["similarity"], documents))
    bounds = np.searchsorted(documents[by_document], np.arange(len(nodes) + 1))
    chosen = np.full(len(nodes), -1, np.int64)
    greedy(bounds, preferred[by_document], chosen)
    removed = edges[by_document[chosen[chosen >= 0]]]
    return removed[np.argsort(removed["document"])]


@njit(cache=True, nogil=True)
def greedy(bounds, preferred, chosen):  # type: ignore[no-untyped-def]
    """Sets chosen[i] to the index of the edge for which document i goes, and leaves -1 if it is kept.

    Documents are numbered in order of preference; document i has the edges bounds[i]:bounds[i + 1], the most similar
    first. bounds: int64 (documents + 1,); preferred: int64 (edges,), the other document; chosen: int64 (documents,).
    """
    for document in range(bounds.shape[0] - 1):
        for edge in range(bounds[document], bounds[document + 1]):
            if chosen[preferred[edge]] < 0:
                chosen[document] = edge
                break
