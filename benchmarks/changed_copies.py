"""A pool of any size for benchmarks/recall_pool.py: documents of which some are of a topic, each again and again.

Every copy of a document has one word in eight changed for one of another document of its side (the topic's
documents, or the others), so that words stay as frequent as they are. Two copies of a text of some length then share
a quarter of their shingles of five words, a Jaccard similarity of 0.15: no near duplicates. A word is what stands
between white space, or a letter of a script without spaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import mix

CHANGED = 8  # one word of so many
BLOCK = 64 << 20  # bytes of text in a row group
FILE_BLOCKS = 4
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.large_string()), ("of_topic", pa.bool_())])


@dataclass(frozen=True)
class Pool:
    """What was made: files, documents, those of the topic, bytes of text."""

    files: tuple[Path, ...]
    documents: int
    of_topic: int
    bytes: int


def make_pool(folder: Path, table: pl.DataFrame, share: float, size: float) -> Pool:
    """Writes Parquet files with `id`, `text` and `of_topic`, of `size` bytes of text or a block more.

    table: `text`, and `hit`, the topic's documents; share: of the topic in the pool, each of its documents as often
    as any other of it.
    """
    folder.mkdir(parents=True)
    table = table.sort("hit")
    words = _Words(TextBatch.from_arrow(table["text"].to_arrow()), int((~table["hit"]).sum()))
    files: list[Path] = []
    documents = of_topic = written = blocks = 0
    writer: pq.ParquetWriter | None = None
    for chosen in _blocks(words, share):
        if written >= size:
            break
        if blocks % FILE_BLOCKS == 0:
            if writer:
                writer.close()
            files.append(folder / f"{len(files):05}.parquet")
            writer = pq.ParquetWriter(
                files[-1], SCHEMA, compression="zstd", compression_level=1, use_dictionary=False
            )
        assert writer
        copies = words.copies(chosen, documents)
        ids = pa.array(np.arange(documents, documents + len(chosen))).cast(pa.string())
        hits = chosen >= words.others
        columns = [ids, copies.to_arrow(), pa.array(hits)]
        writer.write_table(pa.table(columns, schema=SCHEMA), row_group_size=len(chosen))
        documents, of_topic = documents + len(chosen), of_topic + int(hits.sum())
        written, blocks = written + copies.nbytes, blocks + 1
    if writer:
        writer.close()
    return Pool(tuple(files), documents, of_topic, written)


class _Words:
    """Documents as their words, the topic's last: the first `others` are not of it.

    bounds: int64 (words, 2), where each word starts and ends; firsts: int64 (documents + 1,), the number of each
    document's first word.
    """

    def __init__(self, texts: TextBatch, others: int) -> None:
        self.texts, self.others = texts, others
        self.firsts = np.zeros(len(texts) + 1, np.int64)
        self.bounds = np.zeros((_find_words(texts.data, texts.offsets, self.firsts, None), 2), np.int64)
        _find_words(texts.data, texts.offsets, self.firsts, self.bounds)

    def copies(self, chosen: NDArray[np.int64], first: int) -> TextBatch:
        """Documents with changed words, which their numbers in the pool decide, from `first` on."""
        offsets = np.zeros(len(chosen) + 1, np.int64)
        known = (self.texts.data, self.texts.offsets, self.firsts, self.bounds, self.others, chosen, first)
        _write_copies(*known, offsets, None)
        data = np.empty(offsets[-1], np.uint8)
        _write_copies(*known, offsets, data)
        return TextBatch(data, offsets)


def _blocks(words: _Words, share: float) -> Iterator[NDArray[np.int64]]:
    """Documents of row groups without end: all others and as many of the topic as make the share, shuffled."""
    lengths = np.diff(words.texts.offsets)
    topic, taken = len(words.texts) - words.others, 0.0
    wanted = share * words.others / (1 - share)
    random = np.random.default_rng(0)
    while True:
        turn = np.arange(int(taken), int(taken + wanted)) % topic
        taken += wanted
        chosen = random.permutation(np.concatenate([np.arange(words.others), words.others + turn]))
        ends = np.cumsum(lengths[chosen])
        yield from np.split(chosen, np.flatnonzero(np.diff(ends // BLOCK)) + 1)


@njit(cache=True, nogil=True)
def _find_words(data, offsets, firsts, bounds):  # type: ignore[no-untyped-def]
    """Fills firsts and, where they are given, bounds; gives the number of words."""
    found = 0
    for i in range(len(offsets) - 1):
        firsts[i] = found
        inside = False
        for p in range(offsets[i], offsets[i + 1]):
            begins = data[p] > 32 and (
                not inside or data[p] >= 0xE0
            )  # which starts three bytes or more in UTF-8
            if bounds is not None and inside and (begins or data[p] <= 32):
                bounds[found - 1, 1] = p
            if begins:
                if bounds is not None:
                    bounds[found, 0] = p
                found += 1
            inside = data[p] > 32
        if bounds is not None and inside:
            bounds[found - 1, 1] = offsets[i + 1]
    firsts[len(offsets) - 1] = found
    return found


@njit(cache=True, nogil=True)
def _write_copies(texts, starts, firsts, bounds, others, chosen, first, offsets, data):  # type: ignore[no-untyped-def]
    """Fills offsets or, where it is given, data."""
    at = 0
    for i in range(len(chosen)):
        document = chosen[i]
        low, high = (0, firsts[others]) if document < others else (firsts[others], len(bounds))
        drawn = mix(np.uint64(first + i + 1))
        apart = np.int64(drawn % np.uint64(high - low))  # taken in order, for memory is slow at random places
        kept = starts[document]
        for word in range(firsts[document], firsts[document + 1]):
            if mix(drawn ^ np.uint64(word)) % np.uint64(CHANGED):
                continue
            other = low + (word + apart) % (high - low)
            at = _copy(texts, kept, bounds[word, 0], at, data)
            at = _copy(texts, bounds[other, 0], bounds[other, 1], at, data)
            kept = bounds[word, 1]
        at = _copy(texts, kept, starts[document + 1], at, data)
        if data is None:
            offsets[i + 1] = at


@njit(cache=True, nogil=True)
def _copy(texts, start, stop, at, data):  # type: ignore[no-untyped-def]
    """Copies bytes to `at`, where data is given; gives the place after them."""
    if data is not None:
        for k in range(stop - start):
            data[at + k] = texts[start + k]
    return at + stop - start
