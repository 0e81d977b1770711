"""Search for repeated passages, as units over batches of documents and partitions of hashes.

1. Documents: contexts of windows, or paragraphs, by their hash.                write_contexts
2. Hashes: those of two contexts or more, by document, with their rank.         find_groups
3. Documents: the texts of these contexts, by hash.                             write_texts
4. Hashes: contexts are compared byte for byte; claims, by document and by the  compare
   document that keeps the copy.

What follows is in passage_cuts. A claim is a run of windows of which a preferred document, or the same one before,
has a copy: of the copies that are compared the most preferred. A context is compared with the MOST_COMPARED first
ones of its hash. In a group of more than GROUP contexts, each GROUP of them are compared among themselves and with
the first, so that a line of every page is bounded too.

Memory: a unit holds UNIT_PARTITIONS times a partition's bytes, sqrt(bytes of contexts * 1 MiB) and 1 GiB at most, and
the text of some batches of documents. Disk, at its peak: 36 bytes a context and 8 a preference, of which a text has
one in some least / 2 characters; or the texts of repeated contexts, some 3 times what is repeated, compressed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.keys import column_keys
from refinery.dedup.sorting import preferred_order, shared_keys, starts_of
from refinery.filters.verb import ranking_keys
from refinery.shuffle.partition import hash_numbers, partition_bytes, partition_count, partition_of
from refinery.shuffle.records import Records, Tables
from refinery.storage.arrow_bytes import cuts
from refinery.text.batch import TextBatch
from refinery.text.cut import slices
from refinery.text.passage_contexts import CONTEXT, find_paragraphs, find_windows
from refinery.text.passages import CLAIM, compare_contexts
from refinery.text.windows import Length, of_characters, of_tokens

if TYPE_CHECKING:
    from refinery.dedup.passage_settings import Settings
    from refinery.dedup.split import Split
    from refinery.definition.values import Family
    from refinery.shuffle.units import MapUnits
    from refinery.sources.documents import ShardDocuments
    from refinery.storage.place import Place

UNIT_PARTITIONS = 5  # whose bytes a unit holds
DOCUMENT_BYTES = 3000  # of text, where it is not known
BATCHES = 256  # of documents, at most
LEAST_BATCH = 32 << 20  # bytes of a batch's shards
GROUP = 4096  # contexts of a hash that are compared together
MOST_COMPARED = 64  # of those, that one is compared with
RANKED = np.dtype([*CONTEXT.descr, ("rank", np.int32)])  # `hash` tells groups apart from here on
TEXTS = pa.schema(
    [
        *((name, pa.from_numpy_dtype(RANKED[name])) for name in RANKED.names or ()),
        ("text", pa.large_string()),
    ]
)


@dataclass(frozen=True)
class Batch:
    """Consecutive shards, with the number of the first document of each and the one after the last."""

    number: int
    shards: tuple[ShardDocuments, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Search:
    """What the units share. family: whose tokens are counted; ends: by batch the document after its last one."""

    chosen: Settings
    family: Family
    held_out: Split | None
    preferences: int
    ends: NDArray[np.int64]
    bytes: int
    work: Place

    @property
    def batches(self) -> int:
        """How many batches of documents there are."""
        return len(self.ends)

    @property
    def length(self) -> Length:
        """Of the shortest passage that is cut."""
        if self.chosen.tokens:
            return of_tokens(self.chosen.tokens, self.family)
        return of_characters(self.chosen.least)

    def records(self, name: str, form: np.dtype[Any], partitions: int, writers: int) -> Records:
        """Room for records."""
        size = partition_bytes(self.bytes, 1)
        return Records.create(
            self.work / name, form, partitions=partitions, writers=writers, block_bytes=size
        )

    def batch_of(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the batch that has each document."""
        return np.searchsorted(self.ends, documents, "right")


def unit_bytes(text_bytes: int) -> int:
    """Bytes that a unit takes for so much text."""
    return UNIT_PARTITIONS * partition_bytes(text_bytes, 1)


def batches_of(shards: Sequence[ShardDocuments]) -> tuple[Batch, ...]:
    """All documents in batches of whole shards; at least one."""
    starts = list(accumulate((shard.rows for shard in shards), initial=0))
    sizes = np.maximum(np.array([shard.bytes for shard in shards], np.int64), 1)
    most = max(int(sizes.sum()) // BATCHES, LEAST_BATCH)
    found = [
        Batch(number, tuple(shards[start:stop]), tuple(starts[start : stop + 1]))
        for number, (start, stop, _) in enumerate(cuts(sizes, most))
    ]
    return tuple(found) or (Batch(0, (), (0,)),)


def find_claims(search: Search, batches: Sequence[Batch], map_units: MapUnits) -> tuple[Records, Records]:
    """CLAIM, by the batch of the document, and by the batch of the one that keeps the copy."""
    form = np.dtype([*CONTEXT.descr, ("prefer", np.uint64, (search.preferences,))])
    size = partition_bytes(search.bytes, 1)
    about = max(search.bytes // (search.chosen.least // 2 + 1), 1)  # contexts, of ASCII
    count = partition_count(about, form, size)
    found = search.records("contexts", form, count, search.batches)
    ranked = search.records("ranked", RANKED, search.batches, count)
    with found:
        map_units("passages contexts", partial(write_contexts, search, found), batches)
        find = partial(find_groups, search, found, ranked)
        repeated = sum(map_units("passages groups", find, range(count)))
    count = partition_count(repeated, np.dtype(np.uint8), size)
    texts = Tables.create(
        search.work / "texts", TEXTS, partitions=count, writers=search.batches, block_bytes=size
    )
    claims = search.records("claims", CLAIM, search.batches, count)
    claims_on = search.records("claims_on", CLAIM, search.batches, count)
    with texts:
        with ranked:
            map_units("passages texts", partial(write_texts, ranked, texts), batches)
        map_units("passages compare", partial(compare, search, texts, claims, claims_on), range(count))
    return claims, claims_on


def write_contexts(search: Search, target: Records, batch: Batch) -> None:
    """Writes the contexts of a batch's documents by their hash; `within` makes other hashes of equal texts."""
    chosen = search.chosen
    with target.writer(batch.number) as writer:
        for shard, start in zip(batch.shards, batch.starts, strict=False):
            arrived = np.flatnonzero(shard.arrives())
            prefer = _preferences(search, shard)
            within = _within(shard, chosen.within)
            done = 0
            for texts in shard.texts(arrived):
                contexts = _contexts(search, texts)
                documents = arrived[done : done + len(texts)][contexts["document"]]
                records = np.empty(len(contexts), target.form)
                for name in CONTEXT.names or ():
                    records[name] = contexts[name]
                records["hash"] ^= within[documents]
                records["document"] = start + documents
                records["prefer"] = prefer[documents]
                writer.write(records, partition_of(records["hash"], target.partitions))
                done += len(texts)


def _contexts(search: Search, texts: TextBatch) -> NDArray[np.void]:
    if search.chosen.paragraphs:
        return find_paragraphs(texts, search.chosen.paragraphs)
    return find_windows(texts, search.length)


def _preferences(search: Search, shard: ShardDocuments) -> NDArray[np.uint64]:
    """uint64 (documents, preferences): those of an earlier split before all others."""
    keys = ranking_keys(shard, search.chosen.prefer, search.chosen.missing)
    if search.held_out:
        splits = search.held_out.numbers(shard.columns(search.held_out.needed)).astype(np.uint64)
        keys = np.column_stack([splits, keys])
    return keys


def _within(shard: ShardDocuments, columns: Sequence[str]) -> NDArray[np.uint64]:
    """A hash of what documents must share to be compared, 0 where that is nothing."""
    if not columns:
        return np.zeros(shard.rows, np.uint64)
    keys = column_keys(shard.columns(columns), nothing_is_a_value=True)
    return np.frombuffer(keys.buffers()[1], np.uint64)[2 * keys.offset :: 2][: len(keys)]


def find_groups(search: Search, contexts: Records, target: Records, partition: int) -> int:
    """Writes the contexts of a partition's hashes that several have, by the batch of the document; their bytes."""
    found = contexts.read(partition)
    found = found[np.argsort(found["hash"])]
    found = found[shared_keys(found["hash"])]
    found = found[_order(found)]
    first = starts_of(found["hash"])
    group = np.cumsum(first) - 1
    rank = np.arange(len(found)) - np.flatnonzero(first)[group]
    ranked = np.empty(len(found), RANKED)
    for name in CONTEXT.names or ():
        ranked[name] = found[name]
    ranked["rank"] = rank % GROUP
    part = rank // GROUP
    ranked["hash"] = np.where(part, hash_numbers(part, found["hash"]), found["hash"])
    # the first of a large group is compared with every part of it, before the part's own first
    begins = np.flatnonzero((rank > 0) & (rank % GROUP == 0))
    firsts = ranked[np.flatnonzero(first)[group[begins]]]
    firsts["hash"], firsts["rank"] = ranked["hash"][begins], -1
    ranked = np.concatenate([ranked, firsts])
    target.write(partition, ranked, search.batch_of(ranked["document"]))
    return int((ranked["end"] - ranked["start"]).sum())


def _order(found: NDArray[Any]) -> NDArray[np.int64]:
    """Contexts of a hash together, in the order of preference, those of a document by their places."""
    by_place = np.argsort(found["start"], kind="stable")
    return by_place[preferred_order(found[by_place], found["hash"][by_place])]


def write_texts(ranked: Records, target: Tables, batch: Batch) -> None:
    """Writes the texts of a batch's contexts that others have the hash of, by hash."""
    wanted = ranked.read(batch.number)
    wanted = wanted[np.argsort(wanted["document"], kind="stable")]
    with target.writer(batch.number) as writer:
        for documents, texts in texts_of(batch, np.unique(wanted["document"])):
            low, high = np.searchsorted(wanted["document"], [documents[0], documents[-1] + 1])
            here = wanted[low:high]
            first = texts.offsets[np.searchsorted(documents, here["document"])]
            text = slices(texts, first + here["start"], first + here["end"]).to_arrow()
            columns = [pa.array(np.ascontiguousarray(here[name])) for name in RANKED.names or ()]
            table = pa.Table.from_arrays([*columns, text], schema=TEXTS)
            writer.write(table, partition_of(here["hash"], target.partitions))


def texts_of(batch: Batch, documents: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], TextBatch]]:
    """Some of a batch's documents, given by ascending numbers, with their texts."""
    for shard, start, stop in zip(batch.shards, batch.starts, batch.starts[1:], strict=False):
        low, high = np.searchsorted(documents, [start, stop])
        here = documents[low:high]
        done = 0
        for texts in shard.texts(here - start) if low < high else ():
            yield here[done : done + len(texts)], texts
            done += len(texts)


def compare(search: Search, texts: Tables, claims: Records, claims_on: Records, partition: int) -> None:
    """Writes the claims of a partition of hashes."""
    table = texts.read(partition).combine_chunks()
    order = np.lexsort((table.column("rank").to_numpy(), table.column("hash").to_numpy()))
    table = table.take(pa.array(order))
    about = np.empty(len(table), CONTEXT)
    for name in CONTEXT.names or ():
        about[name] = table.column(name).to_numpy()
    batch = TextBatch.from_arrow(table.column("text").combine_chunks())
    whole = search.chosen.paragraphs is not None
    found = compare_contexts(batch, about, search.length, MOST_COMPARED, whole=whole)
    claims.write(partition, found, search.batch_of(found["document"]))
    claims_on.write(partition, found, search.batch_of(found["other"]))
