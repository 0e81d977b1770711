"""Protected texts as items: what n-grams of documents are looked up in, made once and mapped by every worker.

An item is a key text of `shortest` words or more; equal ones are one, that of the first document. One of fewer than
`whole` words is a single n-gram as a whole, found by the hash of its first `shortest` words. Memory: 120 bytes an
n-gram to make them, 5 GB for a million items of fifty words; to use them what is looked at of 50 bytes an n-gram,
which the workers of a machine share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.storage.commit import commit_file, make_directory
from refinery.storage.place import Place, read_file
from refinery.text.batch import TextBatch

if TYPE_CHECKING:
    from refinery.definition.protections import Overlap
    from refinery.sources.documents import ShardDocuments

RUN_BYTES = 8 << 20  # of key texts whose n-grams are made at a time
FEW = 10  # an n-gram that so many have is not common, however few they are: the number of GPT-3's rule


def most_uncommon(overlap: Overlap, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of so many documents or items, the most that have an n-gram which is not common; int64."""
    if overlap.common is None:
        return counts
    return np.maximum(FEW, (overlap.common * counts).astype(np.int64))


class Items(NamedTuple):
    """Items and their n-grams; read-only.

    data: uint8, key texts; offsets: int64 (items + 1,); documents: int64 (items,), which protected one each is.
    Of each n-gram, by hash: hashes uint64, starts int64, sizes int32, grams int64, see refinery.text.overlap.
    places: int64, of each n-gram in the order of the items, those of item i at firsts[i]:firsts[i + 1];
    firsts: int64 (items + 1,); bits: uint8, the filter of hashes.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    documents: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int32]
    grams: NDArray[np.int64]
    places: NDArray[np.int64]
    firsts: NDArray[np.int64]
    bits: NDArray[np.uint8]


class Tokens(NamedTuple):
    """Start and end, in bytes, and weight of each token of key texts; those of text i are bounds[i]:bounds[i + 1]."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.int64]
    bounds: NDArray[np.int64]


def write_items(
    overlap: Overlap, folder: Place, shards: Sequence[tuple[ShardDocuments, int]]
) -> tuple[int, list[int]]:
    """Writes the items of shards of protected documents, each with the number of its first one.

    Gives the number of items, and of each shard the texts that are too short to be one, those without words apart.
    """
    texts, numbers, short = [pa.array([], pa.large_string())], [np.empty(0, np.int64)], []
    for shard, first in shards:
        short.append(0)
        for keys, documents in _key_texts(shard, first):
            is_item = np.diff(_windows(keys, *overlap.shortest_unit)[1]) > 0
            short[-1] += int((~is_item & (np.diff(keys.offsets) > 0)).sum())
            texts.append(keys.to_arrow().filter(pa.array(is_item)))
            numbers.append(documents[is_item])
    text, documents = _distinct(pa.concat_arrays(texts), np.concatenate(numbers))
    if len(text):
        items = make_items(overlap, text, documents)
        make_directory(folder)
        for name, values in items._asdict().items():
            with commit_file(folder / f"{name}.npy", scratch=True) as file:
                np.save(file, values)
    return len(text), short


def _key_texts(shard: ShardDocuments, first: int) -> Iterator[tuple[TextBatch, NDArray[np.int64]]]:
    from refinery.text.fold import key_texts

    for batch in shard.texts(np.arange(shard.rows)):
        yield key_texts(batch), np.arange(first, first + len(batch))
        first += len(batch)


def _distinct(text: pa.Array, documents: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.int64]]:
    """The texts, each once."""
    from refinery.text.digests import digests

    _, chosen = np.unique(
        digests(TextBatch.from_arrow(text)).to_numpy(zero_copy_only=False), return_index=True
    )
    chosen.sort()
    return text.take(pa.array(chosen)), documents[chosen]


def make_items(overlap: Overlap, text: pa.Array, documents: NDArray[np.int64]) -> Items:
    """Items of key texts (large_string), each as long as `shortest` asks for, with the document that it is of."""
    from refinery.text.fold import PADDING
    from refinery.text.overlap import BITS_A_GRAM, COMMON, SIZE_MASK, name_grams, write_filter

    compact = TextBatch.from_arrow(pa.concat_arrays([text, pa.array([" " * PADDING], pa.large_string())]))
    keys = TextBatch(compact.data, compact.offsets[:-1])
    hashes, starts, sizes, firsts = _all_grams(overlap, keys)
    order = np.argsort(hashes, kind="stable")
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    hashes, starts, sizes = hashes[order], starts[order], sizes[order]
    item = np.searchsorted(keys.offsets, starts, "right") - 1
    (most,) = most_uncommon(overlap, np.array([len(text)]))
    grams = np.empty(len(order), np.int64)
    name_grams(hashes, starts, sizes, keys.data, item, most, grams)
    grams[sizes > SIZE_MASK] = COMMON
    bits = np.zeros(1 << max(6, (len(order) * BITS_A_GRAM // 8).bit_length()), np.uint8)
    write_filter(hashes, bits)
    return _read_only(
        Items(keys.data, keys.offsets, documents, hashes, starts, sizes, grams, places, firsts, bits)
    )


def _all_grams(
    overlap: Overlap, keys: TextBatch
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """As `_grams`, of some items at a time, so that their tokens take no memory to speak of."""
    parts = [
        _grams(overlap, TextBatch(keys.data, keys.offsets[first : last + 1]))
        for first, last in keys.runs(RUN_BYTES)
    ]
    hashes, starts, sizes = (np.concatenate([part[n] for part in parts]) for n in range(3))
    counts = np.concatenate([np.diff(firsts) for *_, firsts in parts])
    return hashes, starts, sizes, np.concatenate([[0], np.cumsum(counts)])


def _grams(
    overlap: Overlap, keys: TextBatch
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Hash, start and size of each n-gram in the order of the items, and the first one of each item."""
    found, bounds = _windows(keys, overlap.words, overlap.chars)
    whole = np.diff(_windows(keys, *overlap.whole_unit)[1]) == 0
    found = found[np.repeat(~whole, np.diff(bounds))]
    counts = np.where(whole, 0, np.diff(bounds))
    bounds = np.concatenate([[0], np.cumsum(counts)])
    firsts = np.concatenate([[0], np.cumsum(np.maximum(counts, 1))])
    tokens = tokens_of(overlap, keys)
    is_whole = np.repeat(whole, np.maximum(counts, 1))
    hashes = np.empty(firsts[-1], np.uint64)
    starts, sizes = np.empty(firsts[-1], np.int64), np.empty(firsts[-1], np.int32)
    hashes[~is_whole] = found
    anchors, at = _windows(keys, *overlap.shortest_unit)
    hashes[is_whole] = anchors[at[:-1][whole]]
    starts[is_whole], sizes[is_whole] = keys.offsets[:-1][whole], np.diff(keys.offsets)[whole]
    token = np.arange(len(found)) + np.repeat(tokens.bounds[:-1] - bounds[:-1], counts)
    weight = np.concatenate([[0], np.cumsum(tokens.weights)])
    last = np.searchsorted(weight, weight[token] + overlap.words * overlap.chars) - 1
    starts[~is_whole] = tokens.starts[token]
    sizes[~is_whole] = tokens.ends[last] - tokens.starts[token]
    return hashes, starts, sizes, firsts


def tokens_of(overlap: Overlap, keys: TextBatch) -> Tokens:
    """The tokens of key texts, weighed as n-grams weigh them."""
    from refinery.text.overlap import write_tokens
    from refinery.text.shingles import classes

    starts, ends = np.empty(keys.nbytes, np.int64), np.empty(keys.nbytes, np.int64)
    are_chars, bounds = np.empty(keys.nbytes, np.bool_), np.zeros(len(keys) + 1, np.int64)
    write_tokens(keys.data, keys.offsets, *classes(letters=False), starts, ends, are_chars, bounds)
    count = bounds[-1]
    weights = np.where(are_chars[:count], overlap.words, overlap.chars)
    return Tokens(starts[:count], ends[:count], weights, bounds)


def _windows(keys: TextBatch, words: int, chars: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    from refinery.text.shingles import shingles_of_keys

    hashes, bounds = shingles_of_keys(keys, words, chars)
    return hashes[: bounds[-1]], bounds


def _read_only(items: Items) -> Items:
    for values in items:
        values.flags.writeable = False
    return items


def read_items(folder: Place) -> Items:
    """The items that are written there, mapped where they lie on a disk."""
    stamp = (folder / "bits.npy").stat() if isinstance(folder, Path) else None
    return _opened(folder, (stamp.st_ino, stamp.st_mtime_ns) if stamp else ())


@lru_cache(maxsize=2)
def _opened(folder: Place, _: tuple[int, ...]) -> Items:
    places = [folder / f"{name}.npy" for name in Items._fields]
    return _read_only(
        Items(
            *(
                np.asarray(np.load(place, mmap_mode="r"))
                if isinstance(place, Path)
                else np.load(BytesIO(read_file(place)))
                for place in places
            )
        )
    )
