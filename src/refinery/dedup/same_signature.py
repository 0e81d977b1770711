"""Documents with the signature of another share its outcome, if they really are near.

A copy of a signature is compared with the document that it copies if that was kept, else with the one for which that
went; copies that are not near enough, with the preferred among themselves.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.candidates import edge_dtype, write_edges
from refinery.dedup.copies import Copies
from refinery.dedup.corpus import Corpus, Partition, read_entries
from refinery.dedup.outcomes import OUTCOME, answer_requests, read_outcomes
from refinery.dedup.sorting import look_up, preferred_order, starts_of
from refinery.dedup.verify import Search, Settled, settle
from refinery.shuffle.partition import hash_numbers, partition_count, partition_of
from refinery.shuffle.records import Records


def settle_copies(search: Search, copies: Copies, resolved: Records, count: int) -> tuple[Records, ...]:
    """The removed documents among `count` copies of signatures, edges to kept documents; resolved: all others."""
    corpus, map_units = search.corpus, search.map_units
    numbers = range(corpus.partitions)
    edges = corpus.records(
        "copies",
        edge_dtype(corpus),
        partitions=partition_count(count, edge_dtype(corpus), corpus.partition_bytes),
    )
    with corpus.records("signature-outcomes", OUTCOME, partitions=corpus.partitions) as outcomes:
        answer = partial(answer_requests, corpus, (resolved,), copies.requests, outcomes)
        map_units("dedup outcomes of signatures", answer, numbers)
        write = partial(pair_with_kept, corpus, copies.pairs, outcomes, edges)
        map_units("dedup same signature", write, numbers)
    first = settle(search, edges, "dedup same signature:")
    with first.far:
        if not first.far_count:
            return (first.near,)
        return (first.near, _settle_far(search, copies, first).near)


def _settle_far(search: Search, copies: Copies, first: Settled) -> Settled:
    """Compares the copies that are far from the kept document with the preferred of their signature among them."""
    corpus, map_units = search.corpus, search.map_units
    dtype = edge_dtype(corpus)
    count = partition_count(first.far_count, dtype, corpus.partition_bytes)
    edges = corpus.records("others", dtype, partitions=count, writers=count)
    with corpus.records("apart", copy_dtype(corpus), partitions=count) as apart:
        write = partial(write_apart, corpus, copies.pairs, first.far, apart)
        map_units("dedup same signature, apart", write, search.partitions)
        pair = partial(pair_with_preferred, corpus, apart, edges)
        map_units("dedup same signature, among themselves", pair, range(count))
    second = settle(search, edges, "dedup same signature, apart:")
    second.far.remove()
    return second


def copy_dtype(corpus: Corpus) -> np.dtype[Any]:
    """A document, the one whose signature it copies, and its own preferences."""
    return corpus.with_preferences(("document", np.int64), ("copied", np.int64))


def pair_with_kept(corpus: Corpus, pairs: Records, outcomes: Records, edges: Records, partition: int) -> None:
    """Writes an edge from each copy of a signature to the kept document that it is compared with."""
    own = pairs.read_written(partition)
    own = own[own["document"] >= corpus.earlier]
    answers = read_outcomes(outcomes, partition)
    found = np.zeros(len(own), edges.form)
    found["document"], found["preferred"], found["equal"] = own["document"], own["preferred"], corpus.num_perm
    gone, at = look_up(answers["document"], own["preferred"])
    found["preferred"][gone], found["equal"][gone] = answers["kept"][at[gone]], answers["equal"][at[gone]]
    write_edges(edges, partition, found)


def write_apart(corpus: Corpus, pairs: Records, far: Records, apart: Records, partition: Partition) -> None:
    """Writes the copies that are far from the kept document, with their preferences, by the one they copy."""
    left, own = far.read(partition.number), pairs.read_written(partition.number)
    left = left[np.argsort(left["document"])]
    _, prefer = read_entries(corpus, partition)
    _, at = look_up(own["document"], left["document"])
    found = np.empty(len(left), apart.form)
    found["document"], found["copied"] = left["document"], own["preferred"][at]
    found["prefer"] = prefer[left["document"] - partition.first]
    apart.write(partition.number, found, partition_of(hash_numbers(found["copied"]), apart.partitions))


def pair_with_preferred(corpus: Corpus, apart: Records, edges: Records, partition: int) -> None:
    """Writes an edge from each of those copies to the preferred one of its signature among them."""
    found: NDArray[Any] = apart.read(partition)
    found = found[preferred_order(found, found["copied"])]
    first = starts_of(found["copied"])
    made = np.zeros(int((~first).sum()), edges.form)
    made["document"], made["equal"] = found["document"][~first], corpus.num_perm
    made["preferred"] = found["document"][first][np.cumsum(first) - 1][~first]
    write_edges(edges, partition, made)
