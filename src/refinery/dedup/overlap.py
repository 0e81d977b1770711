"""Items found inside documents: n-grams that both have, without those that are common, and the share that they cover.

1. Protected documents: items and their n-grams, in one unit.                    items.write_items
2. Shards: n-grams of items in documents, by document; in how many each is.      write_matches
3. Grams: those that are common, of a source's documents.                        write_common
4. Documents: the item of which most is in each.                                 find_covered

A document is read once; what is kept of it is 20 bytes for each n-gram of an item that stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus, DedupShard
from refinery.dedup.items import FEW, Items, read_items, tokens_of, write_items
from refinery.dedup.sorting import starts_of
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place, remove_scratch

if TYPE_CHECKING:
    from refinery.definition.models import Overlap
    from refinery.text.batch import TextBatch

# An n-gram of an item in a document: at which of its tokens.
MATCH = np.dtype([("document", np.int64), ("gram", np.int64), ("token", np.int32)])
COUNT = np.dtype([("gram", np.int64), ("source", np.int32), ("documents", np.int64)])
GRAM = np.dtype([("gram", np.int64)])
# An item of which a document has enough, and the protected document that it is of.
COVERED = np.dtype(
    [("document", np.int64), ("item", np.int64), ("protected", np.int64), ("share", np.float64)]
)


ITEM_BYTES = 24  # of memory for a byte of what items are made of


@dataclass(frozen=True)
class Looked:
    """A shard that is looked through: its number among such, its first document, the number of its source."""

    number: int
    shard: DedupShard
    first: int
    source: int


@dataclass(frozen=True)
class Overlaps:
    """What was found: records MATCH by document, and GRAM, those that are common; None: nothing was looked for.

    items: the folder of these; short: of each shard of protected documents those that are too short to be looked for.
    """

    overlap: Overlap
    items: Place
    found: tuple[Records, Records] | None
    short: tuple[int, ...]

    def remove(self) -> None:
        """Removes the items and the records."""
        remove_scratch(self.items)
        for records in self.found or ():
            records.remove()


def find_overlaps(
    overlap: Overlap,
    corpus: Corpus,
    shards: Sequence[DedupShard],
    held: Mapping[str, int],
    map_units: MapUnits,
) -> Overlaps:
    """Looks through the documents that arrive.

    held: the sources that are protected, of which documents go anyway.
    """
    firsts = np.cumsum([0, *(shard.documents.rows for shard in shards)])[:-1].tolist()
    numbered = list(zip(shards, firsts, strict=True))
    earlier = [(shard.documents, first) for shard, first in numbered if shard.documents.earlier]
    items = corpus.work / "items"
    size = ITEM_BYTES * sum(documents.bytes for documents, _ in earlier)
    ((count, short),) = map_units(
        "protect items", partial(write_items, overlap, items), [earlier], memory=size
    )
    sources = list(dict.fromkeys(shard.documents.source for shard, _ in numbered))
    arriving = [
        (shard, first)
        for shard, first in numbered
        if not shard.documents.earlier and shard.documents.source not in held
    ]
    looked = [
        Looked(n, shard, first, sources.index(shard.documents.source))
        for n, (shard, first) in enumerate(arriving)
    ]
    if not count or not looked:
        return Overlaps(overlap, items, None, tuple(short))
    matches = corpus.records("matches", MATCH, partitions=corpus.partitions, writers=len(looked))
    common = corpus.records("common", GRAM, writers=corpus.partitions)
    with corpus.records("counts", COUNT, partitions=corpus.partitions, writers=len(looked)) as counts:
        look = partial(write_matches, overlap, items, corpus, matches, counts)
        map_units("protect overlap", look, looked)
        arrived = np.zeros(len(sources), np.int64)
        for one in looked:
            arrived[one.source] += one.shard.documents.arrived
        most = _most(overlap, arrived)
        map_units("protect common", partial(write_common, counts, common, most), range(corpus.partitions))
    return Overlaps(overlap, items, (matches, common), tuple(short))


def _most(overlap: Overlap, arrived: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each source the most documents that an n-gram is in which is not common."""
    if overlap.common is None:
        return arrived
    return np.maximum(FEW, (overlap.common * arrived).astype(np.int64))


def write_matches(
    overlap: Overlap, items: Place, corpus: Corpus, matches: Records, counts: Records, looked: Looked
) -> None:
    """Writes the n-grams of items that stand in a shard's documents, and in how many each does."""
    documents, known = looked.shard.documents, read_items(items)
    arrives = np.flatnonzero(documents.arrives())
    numbers = arrives + looked.first
    done = 0
    grams = [np.empty(0, np.int64)]
    with matches.writer(looked.number) as writer:
        for batch in documents.texts(arrives):
            row, gram, token = find_grams(overlap, known, batch)
            found = np.empty(len(row), MATCH)
            found["document"], found["gram"], found["token"] = numbers[done:][row], gram, token
            writer.write(found, corpus.partition_of(found["document"]))
            once = np.lexsort((gram, row))
            grams.append(gram[once][starts_of(row[once], gram[once])])
            done += len(batch)
    gram, times = np.unique(np.concatenate(grams), return_counts=True)
    counted = np.empty(len(gram), COUNT)
    counted["gram"], counted["source"], counted["documents"] = gram, looked.source, times
    counts.write(looked.number, counted, partition_of(hash_numbers(gram), counts.partitions))


def find_grams(
    overlap: Overlap, items: Items, batch: TextBatch
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The n-grams of items in texts: for each the text, the gram, and the token of the text at which it starts."""
    from refinery.text.fold import key_texts

    keys = key_texts(batch)
    found = [
        _find(overlap, items, keys, *unit) for unit in {(overlap.words, overlap.chars), overlap.shortest_unit}
    ]
    row, gram, token = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((token, row))
    return row[order], gram[order], token[order]


def _find(
    overlap: Overlap, items: Items, keys: TextBatch, words: int, chars: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    from refinery.text.batch import TextBatch
    from refinery.text.overlap import COMMON, look_up, verify
    from refinery.text.shingles import shingles_of_keys

    hashes, bounds = shingles_of_keys(keys, words, chars)
    hashes = hashes[: bounds[-1]]
    found, places = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    count = look_up(hashes, items.hashes, items.bits, found, places)
    found, places = found[:count], places[:count]
    row = np.searchsorted(bounds, found, "right") - 1
    rows, at = np.unique(row, return_inverse=True)
    if not len(rows):
        return row, found, places
    text = TextBatch.from_arrow(keys.to_arrow().take(rows))
    tokens = tokens_of(overlap, text)
    token = found - bounds[row]
    gram = np.empty(count, np.int64)
    verify(
        text.data,
        tokens.starts,
        tokens.ends,
        tokens.bounds[at] + token,
        tokens.bounds[at + 1],
        places,
        items.hashes,
        items.starts,
        items.sizes,
        items.grams,
        items.data,
        gram,
    )
    true = gram != COMMON
    return row[true], gram[true], token[true]


def write_common(counts: Records, common: Records, most: NDArray[np.int64], partition: int) -> None:
    """Writes the grams of a partition that more documents of a source have than `most` says of it."""
    found = counts.read(partition)
    found = found[np.lexsort((found["source"], found["gram"]))]
    starts = np.flatnonzero(starts_of(found["gram"], found["source"]))
    totals = np.add.reduceat(found["documents"], starts) if len(starts) else np.empty(0, np.int64)
    gram = np.unique(found["gram"][starts][totals > most[found["source"][starts]]])
    common.write(partition, gram.view(GRAM))


def _read_common(common: Records) -> NDArray[np.int64]:
    """The grams that are common, ascending."""
    found: NDArray[np.int64] = np.sort(common.read(0)["gram"])
    return found


def find_covered(overlaps: Overlaps, partition: int) -> NDArray[Any]:
    """The items of which a partition's documents have enough (COVERED), by document, of each the most at first."""
    from refinery.text.overlap import cover

    if overlaps.found is None:
        return np.empty(0, COVERED)
    matches, common = overlaps.found[0], _read_common(overlaps.found[1])
    items, found = read_items(overlaps.items), matches.read(partition)
    found = found[~np.isin(found["gram"], common)]
    found = found[np.lexsort((found["gram"], found["document"]))]
    found = found[starts_of(found["document"], found["gram"])]
    starts = np.flatnonzero(starts_of(found["document"]))
    documents, bounds = found["document"][starts], np.append(starts, len(found))
    grams = np.ascontiguousarray(found["gram"])
    of_items = items.hashes, items.starts, items.sizes, items.grams, items.offsets, items.places, items.firsts
    row, item, share = cover(bounds, grams, common, *of_items, overlaps.overlap.covered)
    covered = np.empty(len(row), COVERED)
    covered["document"], covered["item"], covered["share"] = documents[row], item, share
    covered["protected"] = items.documents[item]
    return covered[np.lexsort((item, -share, row))]


def silent_items(overlaps: Overlaps, _: int) -> NDArray[np.int64]:
    """The protected documents whose items have only n-grams that are common: nothing tells that they are there."""
    from refinery.text.overlap import telling_of_all

    if overlaps.found is None:
        return np.empty(0, np.int64)
    items = read_items(overlaps.items)
    covered = np.empty(len(items.documents), np.int64)
    of_items = items.starts, items.sizes, items.grams, items.places, items.firsts
    telling_of_all(_read_common(overlaps.found[1]), *of_items, covered)
    found: NDArray[np.int64] = items.documents[covered == 0]
    return found
