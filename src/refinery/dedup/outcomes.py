"""What became of documents: asked for by those that copy them, and listed at the end.

A partition of documents sends requests to the partitions of the documents that its copies copy; the answers are the
kept documents for which those went. Copies of a key text share the outcome of the one they copy; copies by columns
name the document for which the one that they copy went, and nothing says how similar they are to that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus, Partition
from refinery.dedup.sorting import look_up, starts_of
from refinery.dedup.verify import near_dtype
from refinery.filters.verb import DROPPED_RECORD
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Records

OUTCOME = np.dtype(
    [("document", np.int64), ("kept", np.int64), ("equal", np.int16), ("similarity", np.float64)]
)
RULES = ("dedup.by", "dedup.exact", "dedup.near", "dedup.against")
BY, EXACT, NEAR, AGAINST = range(len(RULES))
CLUSTER = np.dtype([("kept", np.int64), ("source", np.int64), ("count", np.int64)])


def answer_requests(
    corpus: Corpus, removed: tuple[Records, ...], requests: Records, outcomes: Records, partition: int
) -> None:
    """Writes what became of a partition's removed documents that others asked for, by partition of who did."""
    own, asked = read_removed(corpus, removed, partition), requests.read(partition)
    found, at = look_up(own["document"], asked["document"])
    own = own[at[found]]
    answers = np.empty(len(own), OUTCOME)
    answers["kept"] = own["preferred"]
    for name in ("document", "equal", "similarity"):
        answers[name] = own[name]
    outcomes.write(partition, answers, asked["partition"][found])


def read_removed(corpus: Corpus, removed: tuple[Records, ...], partition: int) -> NDArray[Any]:
    """A partition's removed documents, edges to the kept ones of verify.near_dtype, ascending."""
    found = np.concatenate(
        [np.empty(0, near_dtype(corpus)), *(records.read(partition) for records in removed)]
    )
    return found[np.argsort(found["document"])]


def read_outcomes(outcomes: Records, partition: int) -> NDArray[Any]:
    """The answers to a partition's requests, ascending by document."""
    found = outcomes.read(partition)
    return found[np.argsort(found["document"])]


def write_removed(
    corpus: Corpus,
    copies: Records,
    outcomes: Records | None,
    removed: tuple[Records, ...],
    result: Records,
    clusters: Records,
    partition: Partition,
) -> None:
    """Writes a partition's removed documents, copies of key texts and near ones, ascending.

    A copied document that went itself gives way to the one it went for; outcomes: of such, None if nothing is near.
    Writes, too, how many of each source each document removes as near, by that document.
    """
    near = read_removed(corpus, removed, partition.number)
    exact = copies.read_written(partition.number)
    exact = exact[exact["document"] >= corpus.earlier]
    own, others = np.empty(len(exact), DROPPED_RECORD), np.empty(len(near), DROPPED_RECORD)
    own["document"], own["duplicate_of"], own["rule"], own["similarity"] = (
        exact["document"], exact["preferred"], EXACT, 1.0,
    )  # fmt: skip
    if outcomes is not None:
        answers = read_outcomes(outcomes, partition.number)
        gone, at = look_up(answers["document"], exact["preferred"])
        own["rule"][gone] = NEAR
        own["duplicate_of"][gone] = answers["kept"][at[gone]]
        own["similarity"][gone] = answers["similarity"][at[gone]]
    others["document"], others["duplicate_of"], others["rule"], others["similarity"] = (
        near["document"], near["preferred"], NEAR, near["similarity"],
    )  # fmt: skip
    _write_dropped(corpus, result, partition.number, np.concatenate([own, others]))
    _write_clusters(clusters, near, partition)


def answer_dropped(removed: Records, requests: Records, answers: Records, partition: int) -> None:
    """As `answer_requests`, from all documents that were removed for their texts; the answers are DROPPED_RECORD."""
    own, asked = removed.read(partition), requests.read(partition)
    found, at = look_up(own["document"], asked["document"])
    answers.write(partition, own[at[found]], asked["partition"][found])


def add_copies_by(
    corpus: Corpus,
    copies: Records,
    answers: Records,
    removed: Records,
    result: Records,
    clusters: Records,
    partition: Partition,
) -> None:
    """Writes a partition's removed documents, copies by columns and those removed by texts.

    A copied document that went itself, one of the answers, gives way to the one it went for. Writes, too, how many of
    each source each document removes by columns, by that document.
    """
    found = copies.read_written(partition.number)
    own = np.empty(len(found), DROPPED_RECORD)
    own["document"], own["duplicate_of"], own["rule"], own["similarity"] = (
        found["document"], found["preferred"], BY, np.nan,
    )  # fmt: skip
    known = answers.read(partition.number)
    known = known[np.argsort(known["document"])]
    gone, at = look_up(known["document"], found["preferred"])
    own["duplicate_of"][gone] = known["duplicate_of"][at[gone]]
    others = removed.read(partition.number)
    _write_dropped(corpus, result, partition.number, np.concatenate([own, others]))
    _write_clusters(clusters, found, partition)


def _write_dropped(corpus: Corpus, result: Records, partition: int, dropped: NDArray[Any]) -> None:
    """Writes a partition's removed documents, ascending; those of which an earlier corpus has the kept one say so."""
    dropped = dropped[np.argsort(dropped["document"])]
    dropped["rule"][dropped["duplicate_of"] < corpus.earlier] = AGAINST
    result.write(partition, dropped, np.full(len(dropped), partition))


def _write_clusters(clusters: Records, removed: NDArray[Any], partition: Partition) -> None:
    """Writes how many documents of each source each preferred one removes here."""
    starts = np.array([rows.document for rows in partition.rows], np.int64)
    sources = np.array([rows.source for rows in partition.rows], np.int64)
    counted = np.ones(len(removed), CLUSTER)
    counted["kept"] = removed["preferred"]
    counted["source"] = sources[np.searchsorted(starts, removed["document"], "right") - 1]
    counted = _sum(counted)
    numbers = partition_of(hash_numbers(counted["kept"]), clusters.partitions)
    clusters.write(partition.number, counted, numbers)


def _sum(clusters: NDArray[Any]) -> NDArray[Any]:
    clusters = clusters[np.lexsort((clusters["source"], clusters["kept"]))]
    starts = np.flatnonzero(starts_of(clusters["kept"], clusters["source"]))
    summed = clusters[starts]
    if len(starts):
        summed["count"] = np.add.reduceat(clusters["count"], starts)
    return summed


def largest_of(clusters: Records, partition: int) -> NDArray[Any]:
    """Of each source the document that removes the most of it (CLUSTER), of several the first."""
    found = _sum(clusters.read(partition))
    found = found[np.lexsort((found["kept"], -found["count"], found["source"]))]
    return found[starts_of(found["source"])]
