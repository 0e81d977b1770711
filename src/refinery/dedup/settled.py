"""Similarities that texts told, kept for later runs: only pairs of which one document is new have their texts read.

The similarity of two documents follows from their texts alone, so it is kept beside the signatures of the shard that
has the less preferred one: its row, the `content` digest of the other text, and the similarity, 32 bytes a pair. It
is found again whatever else is in the corpus, and whatever is lost is read again: a run's result is the same without.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus, DedupShard, Partition, as_matrix
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place, exists
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

PAIR = ("document", np.int64), ("text", np.uint64, (2,))  # a document and the digest of the other one's text
ASKED = np.dtype([*PAIR, ("partition", np.int64)])
SETTLED = np.dtype([*PAIR, ("similarity", np.float64)])
SCHEMA = pa.schema([("row", pa.int64()), ("text", pa.binary(16)), ("similarity", pa.float64())])


class Begun(NamedTuple):
    """Shards that begin in one partition of documents, each with its first document; the partitions of them all."""

    shards: tuple[tuple[DedupShard, int], ...]
    partitions: range


def find_settled(
    corpus: Corpus, partitions: Sequence[Partition], unique: Records, certain: int, map_units: MapUnits
) -> tuple[Records, int]:
    """What is known of the open pairs, SETTLED, by partition of the edges as their writers have them; the number.

    unique: the edges; certain: equal hashes from which on a pair is not open.
    """
    count = unique.writers
    known = corpus.records("known", SETTLED, partitions=count)
    with corpus.records("asked", ASKED, partitions=corpus.partitions, writers=count) as asked:
        ask = partial(write_asked, corpus, unique, asked, certain)
        map_units("dedup pairs: ask what is known", ask, range(count))
        answer = partial(answer_known, asked, known)
        return known, sum(map_units("dedup pairs: known", answer, partitions))


def write_asked(corpus: Corpus, unique: Records, asked: Records, certain: int, partition: int) -> None:
    """Writes a partition's open pairs by document."""
    edges = unique.read_written(partition)
    edges = edges[edges["equal"] < certain]
    found = np.empty(len(edges), ASKED)
    found["document"], found["text"], found["partition"] = edges["document"], edges["text"], partition
    asked.write(partition, found, corpus.partition_of(found["document"]))


def answer_known(asked: Records, known: Records, partition: Partition) -> int:
    """Writes what is known of a partition's documents to who asks; gives the number of pairs."""
    wanted = asked.read(partition.number)
    found = [np.empty(0, SETTLED)]
    for rows in partition.rows if len(wanted) else ():
        records = read_settled(rows.shard, rows.document - rows.start)
        here = (records["document"] >= rows.document) & (
            records["document"] < rows.document + rows.stop - rows.start
        )
        found.append(records[here])
    similarity = similarity_of(wanted, np.concatenate(found))
    there = ~np.isnan(similarity)
    answers = np.empty(int(there.sum()), SETTLED)
    for name in ("document", "text"):
        answers[name] = wanted[name][there]
    answers["similarity"] = similarity[there]
    known.write(partition.number, answers, wanted["partition"][there])
    return len(answers)


def similarity_of(pairs: NDArray[Any], settled: NDArray[Any]) -> NDArray[np.float64]:
    """The similarity of each pair, by document and text; NaN where it is not among the settled."""
    keys = ["document", "high", "low"]
    there = _frame(settled).with_columns(similarity=settled["similarity"]).unique(keys, keep="any")
    found = _frame(pairs).join(there, on=keys, how="left", maintain_order="left")["similarity"]
    similarity: NDArray[np.float64] = found.fill_null(np.nan).to_numpy()
    return similarity


def _frame(pairs: NDArray[Any]) -> pl.DataFrame:
    text = pairs["text"]
    columns = {"document": pairs["document"], "high": text[:, 0], "low": text[:, 1]}
    return pl.DataFrame({name: np.ascontiguousarray(column) for name, column in columns.items()})


def read_settled(shard: DedupShard, first: int) -> NDArray[Any]:
    """What is kept of a shard's documents, of which the first has this number."""
    place = shard.settled
    if place is None or not exists(place):
        return np.empty(0, SETTLED)
    table = read_table(place)
    found = np.empty(table.num_rows, SETTLED)
    found["document"] = table.column("row").to_numpy() + first
    found["text"] = np.concatenate(
        [np.empty((0, 2), np.uint64), *(as_matrix(c, np.uint64)[0] for c in table.column("text").chunks)]
    )
    found["similarity"] = table.column("similarity").to_numpy()
    return found


def keep_settled(
    corpus: Corpus, partitions: Sequence[Partition], fresh: Records, map_units: MapUnits
) -> None:
    """Adds what was settled now, SETTLED by partition of documents, to what is kept of each shard.

    A unit has all shards that begin in a partition, so that this is read once, however many they are.
    """
    units = []
    for part in partitions:
        shards = tuple((rows.shard, rows.document) for rows in part.rows if rows.start == 0)
        if shards:
            shard, first = shards[-1]
            last = (first + max(shard.documents.rows, 1) - 1) // corpus.partition_documents
            units.append(Begun(shards, range(part.number, last + 1)))
    map_units("dedup pairs: keep", partial(write_settled, fresh), units)


def write_settled(fresh: Records, begun: Begun) -> None:
    """Writes what is kept of shards anew, if there is more than before."""
    found = np.concatenate([np.empty(0, SETTLED), *map(fresh.read, begun.partitions)])
    found = found[np.argsort(found["document"], kind="stable")]
    for shard, first in begun.shards:
        here = np.searchsorted(found["document"], [first, first + shard.documents.rows])
        if here[0] < here[1] and shard.settled is not None:
            _add(shard.settled, found[slice(*here)], read_settled(shard, first), first)


def _add(file: Place, more: NDArray[Any], before: NDArray[Any], first: int) -> None:
    found = np.concatenate([before, more])
    found = found[np.lexsort((found["text"][:, 1], found["text"][:, 0], found["document"]))]
    texts = pa.py_buffer(np.ascontiguousarray(found["text"]))
    text = pa.Array.from_buffers(pa.binary(16), len(found), [None, texts])
    columns = [pa.array(found["document"] - first), text, pa.array(found["similarity"])]
    with TableWriter(file, SCHEMA, scratch=True) as writer:
        writer.write(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
