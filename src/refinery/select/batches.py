"""Batches of shards, so that the units and files of many tiny ones are few, and what they drop by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from refinery.filters.verb import DROPPED_RECORD, NONE, REPEAT_RECORD, Outcome
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments
from refinery.storage.arrow_bytes import cuts
from refinery.storage.place import Place

RULES = ("select.tokens", "select.most", "select.discard", "select.curve")
TOKENS, MOST, DISCARD, CURVE = range(len(RULES))
BATCH_DOCUMENTS = 1 << 21  # of shards that one unit goes through
BATCHES = 64  # at least, where there are documents enough
LEAST_BATCH = 50_000
BATCH_SHARDS = 256  # at most


@dataclass(frozen=True)
class Batch:
    """Consecutive shards that one unit ranks, and the number of their first document."""

    number: int
    start: int
    shards: tuple[ShardDocuments, ...]

    @property
    def stop(self) -> int:
        """The number after that of its last document."""
        return self.start + sum(shard.rows for shard in self.shards)


def batches_of(shards: Sequence[ShardDocuments]) -> list[Batch]:
    """The shards in batches, numbered through all of their documents."""
    starts = list(accumulate((shard.rows for shard in shards), initial=0))
    return [
        Batch(n, starts[batch.start], tuple(shards[batch.start : batch.stop]))
        for n, batch in enumerate(in_batches([shard.arrived for shard in shards]))
    ]


def batch_documents(documents: int) -> int:
    """Of how many documents a unit takes the shards together, BATCH_DOCUMENTS or fewer."""
    return min(BATCH_DOCUMENTS, max(documents // BATCHES, LEAST_BATCH))


def in_batches(arrived: Sequence[int]) -> list[range]:
    """Consecutive shards, by number, of which so many documents each come, in batches of BATCH_SHARDS at most."""
    size = batch_documents(sum(arrived))
    weights = np.maximum(np.array(arrived, np.int64), -(-size // BATCH_SHARDS))
    return [range(start, stop) for start, stop, _ in cuts(weights, size)]


def empty_outcome(
    rules: tuple[str, ...], batches: Sequence[Batch], work: Place, *, drops: int = 1, repeats: bool = False
) -> Outcome:
    """Where batches write what goes and what is repeated; drops: how many writers of the former each batch is."""
    documents = batches[-1].stop if batches else 0
    size = batch_documents(documents)
    partitions = documents // size + 1
    dropped = Records.create(
        work / "dropped", DROPPED_RECORD, partitions=partitions, writers=drops * len(batches)
    )
    again = (
        Records.create(work / "repeats", REPEAT_RECORD, partitions=partitions, writers=len(batches))
        if repeats
        else None
    )
    return Outcome(rules, dropped, size, repeats=again)


def drop(outcome: Outcome, writer: int, rule: int, documents: NDArray[np.int64]) -> None:
    """Writes, as one writer, that documents go by a rule."""
    dropped = np.empty(len(documents), DROPPED_RECORD)
    dropped["document"], dropped["rule"] = documents, rule
    dropped["duplicate_of"], dropped["similarity"] = NONE, np.nan
    outcome.dropped.write(writer, dropped, documents // outcome.partition_documents)


def repeat(outcome: Outcome, writer: int, documents: NDArray[np.int64], times: NDArray[np.int32]) -> None:
    """Writes, as one writer, which of the documents are written more than once, and how many times.

    Raises TypeError for an outcome that has no room for that.
    """
    if outcome.repeats is None:
        raise TypeError("the outcome has no repeats")
    found = np.empty(np.count_nonzero(times > 1), REPEAT_RECORD)
    found["document"], found["repeats"] = documents[times > 1], times[times > 1]
    outcome.repeats.write(writer, found, found["document"] // outcome.partition_documents)
