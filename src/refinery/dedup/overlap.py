"""Items found inside documents: n-grams that both have, without those that are common, and the share that they cover.

The units of steps 2 to 4 of refinery.dedup.inside. Of a document 20 bytes are kept for each n-gram of an item that
stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus, DedupShard
from refinery.dedup.items import Items, read_items, tokens_of
from refinery.dedup.sorting import starts_of
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Records
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.definition.protections import Overlap
    from refinery.text.batch import TextBatch

# An n-gram of an item in a document: at which of its tokens.
MATCH = np.dtype([("document", np.int64), ("gram", np.int64), ("token", np.int32)])
COUNT = np.dtype([("gram", np.int64), ("source", np.int32), ("documents", np.int64)])
GRAM = np.dtype([("gram", np.int64)])
# An item of which a document has enough, and the protected document that it is of.
COVERED = np.dtype(
    [("document", np.int64), ("item", np.int64), ("protected", np.int64), ("share", np.float64)]
)


@dataclass(frozen=True)
class Found:
    """Records MATCH, those of n-grams that are common (GRAM), and COVERED."""

    matches: Records
    common: Records
    covered: Records


@dataclass(frozen=True)
class Looked:
    """A shard that is looked through: its number among such, its first document, the number of its source."""

    number: int
    shard: DedupShard
    first: int
    source: int


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
    starts, stops = tokens.bounds[at] + token, tokens.bounds[at + 1]
    verify(text.data, tokens.starts, tokens.ends, starts, stops, places, items, gram)
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


def read_common(common: Records) -> NDArray[np.int64]:
    """The grams that are common, ascending."""
    found: NDArray[np.int64] = np.sort(common.read(0)["gram"])
    return found


def write_covered(overlap: Overlap, folder: Place, records: Found, partition: int) -> None:
    """Writes the items of which a partition's documents have enough (COVERED), of each the most at first."""
    from refinery.text.overlap import cover

    items, others, found = read_items(folder), read_common(records.common), records.matches.read(partition)
    found = found[~np.isin(found["gram"], others)]
    found = found[np.lexsort((found["gram"], found["document"]))]
    found = found[starts_of(found["document"], found["gram"])]
    starts = np.flatnonzero(starts_of(found["document"]))
    documents, bounds = found["document"][starts], np.append(starts, len(found))
    grams = np.ascontiguousarray(found["gram"])
    row, item, share = cover(bounds, grams, others, items, overlap.covered)
    enough = np.empty(len(row), COVERED)
    enough["document"], enough["item"], enough["share"] = documents[row], item, share
    enough["protected"] = items.documents[item]
    records.covered.write(partition, enough[np.lexsort((item, -share, row))], np.full(len(row), partition))


def silent_items(common: Records, folder: Place) -> NDArray[np.int64]:
    """The protected documents whose items have only n-grams that are common: nothing tells that they are there."""
    from refinery.text.overlap import write_uncommon_bytes

    items = read_items(folder)
    covered = np.empty(len(items.documents), np.int64)
    write_uncommon_bytes(read_common(common), items, covered)
    found: NDArray[np.int64] = items.documents[covered == 0]
    return found
