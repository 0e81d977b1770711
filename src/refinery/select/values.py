"""Ranked documents by the value that they have of a column, in partitions of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.filters.values import value_texts
from refinery.select.batches import Batch
from refinery.shuffle.partition import partition_bytes, partition_count, partition_of
from refinery.shuffle.records import Records, Writer
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

DOCUMENT = np.dtype([("document", np.int64)])
HELD = 1 << 20  # documents that are held before those are let go that do not stay


@dataclass(frozen=True)
class Limits:
    """Tokens by value of a column: of every value, or of each of `names`, in order by its hash."""

    column: str
    each: int | None
    names: tuple[str, ...] = ()
    named: Mapping[int, int] = field(default_factory=dict)

    def of(self, values: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The tokens of values by their hashes; -1: there is no limit."""
        found = np.full(len(values), -1 if self.each is None else self.each, np.int64)
        for value, tokens in self.named.items():
            found[values == np.uint64(value)] = tokens
        return found


def limits_of(column: str, shares: float | Mapping[str, float], budget: int) -> Limits:
    """The limits of one share for every value, or of a share for each that is named, of a budget."""
    if not isinstance(shares, Mapping):
        return Limits(column, int(budget * shares))
    hashes = hashes_of(pa.array(shares, pa.large_string())).tolist()
    tokens = (int(budget * share) for share in shares.values())
    return Limits(column, None, tuple(shares), dict(zip(hashes, tokens, strict=True)))


def valued_dtype(ranked: np.dtype[Any]) -> np.dtype[Any]:
    """A ranked document and the hash of its value."""
    return np.dtype([("value", np.uint64), ("ranked", ranked)])


def hashes_of(texts: pa.Array) -> NDArray[np.uint64]:
    """A hash of each value as a text, see filters.values; 0: there is none."""
    from refinery.text.batch import TextBatch
    from refinery.text.hashing import text_hashes  # to check a definition imports no Numba

    return text_hashes(TextBatch.from_arrow(texts))


def value_hashes(shard: ShardDocuments, column: str) -> NDArray[np.uint64]:
    """A hash of each document's value of a column."""
    table = shard.columns([column])
    texts = value_texts(table.column(0), table.schema.field(0))
    return hashes_of(texts.cast(pa.large_string()).combine_chunks())


def batch_values(batch: Batch, column: str) -> NDArray[np.uint64]:
    """The same for all shards of a batch, one after the other."""
    return np.concatenate([value_hashes(shard, column) for shard in batch.shards])


def partition_values(
    ranked: Records, limits: Limits, batches: Sequence[Batch], map_units: MapUnits, folder: Place
) -> Records:
    """Ranked documents whose values have a limit, in partitions of values; ranked: by one writer a batch."""
    documents = batches[-1].stop if batches else 0
    form = valued_dtype(ranked.form)
    count = partition_count(documents, form, partition_bytes(documents, form.itemsize))
    valued = Records.create(folder / "valued", form, partitions=count, writers=len(batches))
    map_units("select values", partial(write_valued, ranked, valued, limits), batches)
    return valued


def write_valued(ranked: Records, valued: Records, limits: Limits, batch: Batch) -> None:
    """Writes a batch's ranked documents by the value that they have, if it has a limit."""
    hashes = batch_values(batch, limits.column)
    with valued.writer(batch.number) as writer:
        for records in ranked.each(writers=[batch.number]):
            values = hashes[records["document"] - batch.start]
            limited = (values != 0) & (limits.of(values) >= 0)
            found = np.empty(np.count_nonzero(limited), valued.form)
            found["value"], found["ranked"] = values[limited], records[limited]
            writer.write(found, partition_of(found["value"], valued.partitions))


def spent_before(held: NDArray[Any]) -> NDArray[np.int64]:
    """The tokens of all better documents of the same value; of equals the first is better."""
    ranked = held["ranked"]
    order = np.lexsort((ranked["document"], *ranked["keys"].T[::-1], held["value"]))
    values, tokens = held["value"][order], ranked["tokens"][order]
    before = np.cumsum(tokens) - tokens
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    found = np.empty(len(held), np.int64)
    found[order] = before - np.repeat(before[first], np.diff(np.append(first, len(values))))
    return found


def best_documents(
    valued: Records,
    partition: int,
    stays: Callable[[NDArray[Any]], NDArray[np.bool_]],
    let_go: Callable[[NDArray[np.int64]], None],
) -> NDArray[np.int64]:
    """The documents of a partition of values that stay; the others are let go on the way.

    stays: of documents held, which do; one that does not among those seen does not among more of them. So no more is
    ever held than a block, twice HELD, and what stays.
    """
    held = np.empty(0, valued.form)
    limit = HELD

    def sift() -> NDArray[Any]:
        mask = stays(held)
        let_go(held["ranked"]["document"][~mask])
        return held[mask]

    for records in valued.each(partition):
        held = np.concatenate([held, records])
        if len(held) > limit:
            held = sift()
            limit = max(HELD, 2 * len(held))
    found: NDArray[np.int64] = sift()["ranked"]["document"]
    return found


def documents_records(folder: Place, batches: Sequence[Batch], size: int, valued: Records) -> Records:
    """Where units over partitions of values write documents, in partitions of `size` documents."""
    documents = batches[-1].stop if batches else 0
    return Records.create(folder, DOCUMENT, partitions=documents // size + 1, writers=valued.partitions)


def write_documents(writer: Writer[NDArray[Any]], documents: NDArray[np.int64], size: int) -> None:
    """Writes documents to such records."""
    found = np.empty(len(documents), DOCUMENT)
    found["document"] = documents
    writer.write(found, documents // size)


def are_among(found: Records, batch: Batch, size: int) -> NDArray[np.bool_]:
    """Which of a batch's documents such records have."""
    reached = range(batch.start // size, min((batch.stop - 1) // size + 1, found.partitions))
    documents = np.concatenate([np.empty(0, np.int64), *(found.read(one)["document"] for one in reached)])
    among = np.zeros(batch.stop - batch.start, np.bool_)
    among[documents[(documents >= batch.start) & (documents < batch.stop)] - batch.start] = True
    return among
