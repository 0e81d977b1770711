"""The units of a mix: the documents of each part with their ranks, then which of them are written how many times."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xxhash
from numpy.typing import NDArray

from refinery.filters.ranking import Missing
from refinery.filters.verb import REPEAT_RECORD, Outcome, ranking_keys
from refinery.select.batches import Batch, drop
from refinery.select.budget import Cutoff, within
from refinery.shuffle.partition import hash_numbers
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments

if TYPE_CHECKING:
    from refinery.dedup.split import Split

TOKENS = 0  # the rule by which documents go that a part does not need


@dataclass(frozen=True)
class Counted:
    """Of a batch: int64 (parts,) documents and tokens of each part, and documents that came by several."""

    documents: NDArray[np.int64]
    tokens: NDArray[np.int64]
    shared: int


@dataclass(frozen=True)
class Choice:
    """Of a part, all documents are written `whole` times, those up to the cutoff once more; None: none are."""

    ranked: Records
    whole: int
    cutoff: Cutoff | None


def write_ranked(
    ranked: Sequence[Records],
    names: tuple[str, ...],
    by: str | None,
    missing: Missing | None,
    seed: int,
    held_out: Split | None,
    batch: Batch,
) -> Counted:
    """Writes tokens and keys of a batch's documents by part; of those that are held out no tokens."""
    start, shared = batch.start, 0
    documents, tokens = (np.zeros(len(ranked), np.int64) for _ in range(2))
    with ExitStack() as stack:
        writers = [stack.enter_context(records.writer(batch.number)) for records in ranked]
        for shard in batch.shards:
            came = shard.came_by(names)
            shared += int((came.sum(axis=0) > 1).sum())
            part = np.where(came.any(axis=0), came.argmax(axis=0), -1)
            sizes = _tokens(shard, held_out)
            keys = _keys(shard, by, missing, seed)
            for number, writer in enumerate(writers):
                here = np.flatnonzero(part == number)
                found = np.empty(len(here), ranked[number].form)
                found["document"], found["tokens"], found["keys"] = start + here, sizes[here], keys[here]
                writer.write(found)
                documents[number] += len(here)
                tokens[number] += int(found["tokens"].sum())
            start += shard.rows
    return Counted(documents, tokens, shared)


def _tokens(shard: ShardDocuments, held_out: Split | None) -> NDArray[np.int64]:
    tokens: NDArray[np.int64] = shard.columns(["tokens"]).column(0).fill_null(0).to_numpy()
    if held_out is None:
        return tokens
    splits = held_out.numbers(shard.columns(held_out.needed))
    return np.where(splits < held_out.count - 1, 0, tokens)


def _keys(shard: ShardDocuments, by: str | None, missing: Missing | None, seed: int) -> NDArray[np.uint64]:
    """uint64 (documents, keys): the order in which documents are chosen."""
    if by is not None:
        return ranking_keys(shard, [by], missing, best="DESC")
    salt = xxhash.xxh3_64_intdigest(f"mix {seed}".encode())
    return hash_numbers(shard.identities().view(np.int64), salt)[:, np.newaxis]


def fill(choices: Sequence[Choice], outcome: Outcome, batch: int) -> None:
    """Writes the documents of a batch that are not written, and those that are written more than once."""
    gone, again = [np.empty(0, np.int64)], [np.empty(0, REPEAT_RECORD)]
    for choice in choices:
        remaining = choice.cutoff.remaining[batch] if choice.cutoff else 0
        for records in choice.ranked.each(writers=[batch]):
            times = np.full(len(records), choice.whole, np.int32)
            if choice.cutoff:
                chosen, remaining = within(choice.cutoff.keys, records, remaining)
                times += chosen
            times[records["tokens"] == 0] = np.minimum(
                times[records["tokens"] == 0], 1
            )  # among them held out
            gone.append(records["document"][times == 0])
            more = np.empty(np.count_nonzero(times > 1), REPEAT_RECORD)
            more["document"], more["repeats"] = records["document"][times > 1], times[times > 1]
            again.append(more)
    drop(outcome, batch, TOKENS, np.concatenate(gone))
    if outcome.repeats:
        repeated = np.concatenate(again)
        outcome.repeats.write(batch, repeated, repeated["document"] // outcome.partition_documents)
