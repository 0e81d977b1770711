"""The units of a mix: the documents of each part with their ranks, then which of them are written how many times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.filters.ranking import Missing
from refinery.filters.verb import Outcome, key_count, ranking_keys
from refinery.select.batches import Batch, drop, repeat
from refinery.select.budget import Cutoff, ranked_dtype, within
from refinery.select.draw import hashes
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments

if TYPE_CHECKING:
    from refinery.dedup.split import Split

TOKENS = 0  # the rule by which documents go that a part does not need


@dataclass(frozen=True)
class Counted:
    """Of a batch: int64 (parts,) documents and tokens of each part, and documents that came by several.

    held_out: int64 (parts,), those of the tokens that are held out.
    """

    documents: NDArray[np.int64]
    tokens: NDArray[np.int64]
    held_out: NDArray[np.int64]
    shared: int


@dataclass(frozen=True)
class Choice:
    """Of a part, all documents are written `whole` times, those up to the cutoff once more; None: none are."""

    ranked: Records
    whole: int
    cutoff: Cutoff | None


@dataclass(frozen=True)
class Order:
    """In which documents of a part are chosen: by a column, the best first, or, without one, at random."""

    by: str | None
    missing: Missing | None
    seed: int

    def form(self, shards: Sequence[ShardDocuments]) -> np.dtype[Any]:
        """Of ranked documents."""
        return ranked_dtype(key_count(shards, [self.by]) if self.by else 1)

    def keys(self, shard: ShardDocuments) -> NDArray[np.uint64]:
        """uint64 (documents, keys): those of the smallest keys are chosen first."""
        if self.by:
            return ranking_keys(shard, [self.by], self.missing, best="DESC")
        return hashes(f"mix {self.seed}", shard.identities())[:, np.newaxis]


def write_ranked(ranked: Mapping[str, Records], order: Order, split: Split | None, batch: Batch) -> Counted:
    """Writes tokens and keys of a batch's documents by part; of those that are held out no tokens, split: which."""
    start, shared = batch.start, 0
    documents, tokens, held = (np.zeros(len(ranked), np.int64) for _ in range(3))
    with ExitStack() as stack:
        (form,) = {records.form for records in ranked.values()}
        writers = [stack.enter_context(records.writer(batch.number)) for records in ranked.values()]
        for shard in batch.shards:
            came = shard.came_by([*ranked])
            shared += int((came.sum(axis=0) > 1).sum())
            part = np.where(came.any(axis=0), came.argmax(axis=0), -1)
            sizes = shard.columns(["tokens"]).column(0).fill_null(0).to_numpy()
            filling = sizes * ~split.held_out(shard.columns(split.needed)) if split else sizes
            keys = order.keys(shard)
            for number, writer in enumerate(writers):
                here = np.flatnonzero(part == number)
                found = np.empty(len(here), form)
                found["document"], found["tokens"], found["keys"] = start + here, filling[here], keys[here]
                writer.write(found)
                documents[number] += len(here)
                tokens[number] += int(sizes[here].sum())
                held[number] += int((sizes - filling)[here].sum())
            start += shard.rows
    return Counted(documents, tokens, held, shared)


def fill(choices: Sequence[Choice], outcome: Outcome, batch: int) -> list[int]:
    """Writes the documents of a batch that are not written, and those that are written more than once.

    Gives the tokens by part that are filled so, repeated ones counted each time.
    """
    filled = []
    documents, written = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    for choice in choices:
        remaining, tokens = choice.cutoff.remaining[batch] if choice.cutoff else 0, 0
        for records in choice.ranked.each(writers=[batch]):
            times = np.full(len(records), choice.whole, np.int32)
            if choice.cutoff:
                chosen, remaining = within(choice.cutoff.keys, records, remaining)
                times += chosen
            once = records["tokens"] == 0  # among them what is held out
            times[once] = np.minimum(times[once], 1)
            tokens += int((records["tokens"] * times).sum())
            documents.append(records["document"])
            written.append(times)
        filled.append(tokens)
    every, times = np.concatenate(documents), np.concatenate(written)
    drop(outcome, batch, TOKENS, every[times == 0])
    repeat(outcome, batch, every, times)
    return filled
