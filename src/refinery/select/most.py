"""At most a share of the budget for documents that have one value of a column, as units over partitions of values.

Of each value's documents the best stay while their tokens fit; the first that would overspend, and all below it, go.
A unit never holds more than a block and what can still stay: what does not fit among the documents that it has seen
does not fit among more of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.filters.values import value_texts
from refinery.filters.verb import Outcome
from refinery.select.batches import Batch, drop
from refinery.shuffle.partition import partition_bytes, partition_count, partition_of
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

BEYOND = np.dtype([("document", np.int64)])
HELD = 1 << 20  # records that are held before those are let go that do not fit


def valued_dtype(ranked: np.dtype[Any]) -> np.dtype[Any]:
    """A ranked document and the hash of its value."""
    return np.dtype([("value", np.uint64), ("ranked", ranked)])


def value_hashes(shard: ShardDocuments, column: str) -> NDArray[np.uint64]:
    """A hash of each document's value of a column, as a text of one form (see filters.values); 0: it has none."""
    from refinery.text.batch import TextBatch
    from refinery.text.hashing import text_hashes  # to check a definition imports no Numba

    table = shard.columns([column])
    texts = value_texts(table.column(0), table.schema.field(0)).cast(pa.large_string()).combine_chunks()
    return text_hashes(TextBatch.from_arrow(texts))


def leave_most(
    ranked: Records,
    most: Mapping[str, int],
    batches: Sequence[Batch],
    outcome: Outcome,
    rule: int,
    map_units: MapUnits,
    work: Place,
) -> Records:
    """The ranked documents that fit, column after column, into the tokens that those of one of its values may have.

    ranked: written by one writer a batch; the others are dropped by the rule, as the first writers of the outcome.
    Documents without a value stay.
    """
    documents = batches[-1].stop if batches else 0
    size = outcome.partition_documents
    for number, (column, tokens) in enumerate(most.items()):
        folder = work / f"most-{number}"
        form = valued_dtype(ranked.form)
        count = partition_count(documents, form, partition_bytes(documents, form.itemsize))
        valued = Records.create(folder / "valued", form, partitions=count, writers=len(batches))
        map_units("select values", partial(write_valued, ranked, valued, column), batches)
        beyond = Records.create(
            folder / "beyond", BEYOND, partitions=documents // size + 1, writers=valued.partitions
        )
        write = partial(write_beyond, valued, beyond, tokens, size)
        map_units("select most", write, range(valued.partitions), memory=4 * HELD * form.itemsize)
        left = Records.create(folder / "left", ranked.form, writers=len(batches))
        place = partial(write_left, ranked, beyond, left, outcome, rule, number * len(batches))
        map_units("select left", place, batches)
        ranked = left
    return ranked


def write_valued(ranked: Records, valued: Records, column: str, batch: Batch) -> None:
    """Writes a batch's ranked documents by the value that they have."""
    hashes = np.concatenate([value_hashes(shard, column) for shard in batch.shards])
    with valued.writer(batch.number) as writer:
        for records in ranked.each(writers=[batch.number]):
            values = hashes[records["document"] - batch.start]
            found = np.empty(np.count_nonzero(values), valued.form)
            found["value"], found["ranked"] = values[values != 0], records[values != 0]
            writer.write(found, partition_of(found["value"], valued.partitions))


def write_beyond(valued: Records, beyond: Records, most: int, size: int, partition: int) -> None:
    """Writes the documents of a partition of values that do not fit."""
    held = np.empty(0, valued.form)
    limit = HELD
    with beyond.writer(partition) as writer:

        def let_go(fits: NDArray[np.bool_]) -> None:
            gone = np.empty(len(fits) - np.count_nonzero(fits), beyond.form)
            gone["document"] = held["ranked"]["document"][~fits]
            writer.write(gone, gone["document"] // size)

        for records in valued.each(partition):
            held = np.concatenate([held, records])
            if len(held) > limit:
                fits = fitting(held, most)
                let_go(fits)
                held = held[fits]
                limit = max(HELD, 2 * len(held))
        let_go(fitting(held, most))


def fitting(held: NDArray[Any], most: int) -> NDArray[np.bool_]:
    """Which documents fit into `most` tokens with all better ones of their value; of equals the first is better."""
    ranked = held["ranked"]
    keys = ranked["keys"].T
    order = np.lexsort((ranked["document"], *keys[::-1], held["value"]))
    values, tokens = held["value"][order], ranked["tokens"][order]
    spent = np.cumsum(tokens)
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    before = np.repeat((spent - tokens)[first], np.diff(np.append(first, len(values))))
    found = np.empty(len(held), np.bool_)
    found[order] = spent - before <= most
    return found


def write_left(
    ranked: Records, beyond: Records, left: Records, outcome: Outcome, rule: int, writers: int, batch: Batch
) -> None:
    """Writes which of a batch's ranked documents stay, and drops those beyond; writers: of earlier columns."""
    stop = batch.stop
    size = outcome.partition_documents
    reached = range(batch.start // size, min((stop - 1) // size + 1, beyond.partitions))
    gone = np.concatenate([np.empty(0, np.int64), *(beyond.read(one)["document"] for one in reached)])
    goes = np.zeros(stop - batch.start, np.bool_)
    goes[gone[(gone >= batch.start) & (gone < stop)] - batch.start] = True
    with left.writer(batch.number) as writer:
        for records in ranked.each(writers=[batch.number]):
            writer.write(records[~goes[records["document"] - batch.start]])
    drop(outcome, writers + batch.number, rule, batch.start + np.flatnonzero(goes))
