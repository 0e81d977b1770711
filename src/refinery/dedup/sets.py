"""Sets of shingles of the documents whose pairs are settled by texts, as words: document, size, hashes.

Each partition of documents reads its texts once and writes the set of each for every partition of pairs that asked.
Where versions are told from copies, the tokens of a document follow in their order, as the set of the number TOKENS
above its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.corpus import Partition
from refinery.errors import RunError
from refinery.shuffle.records import Records, Writer
from refinery.text.similarity import containment, jaccard

if TYPE_CHECKING:
    from refinery.dedup.minhash import MinHash
    from refinery.dedup.settings import Near
    from refinery.text.batch import TextBatch

WORD = np.dtype(np.uint64)
TOKENS = 1 << 62
MEASURES = {"jaccard": jaccard, "containment": containment}


def write_sets(minhash: MinHash, near: Near, wanted: Records, sets: Records, partition: Partition) -> None:
    """Writes the shingle sets of the wanted documents as words: document, size, hashes; by who wants them.

    Raises RunError when a shard gives more or fewer texts than it is asked for.
    """
    asked = wanted.read(partition.number)
    asked = asked[np.argsort(asked["document"], kind="stable")]
    with sets.writer(partition.number) as writer:
        for rows in partition.rows:
            stop = rows.document + rows.stop - rows.start
            low, high = np.searchsorted(asked["document"], [rows.document, stop])
            documents = np.unique(asked["document"][low:high])
            if len(documents) == 0:
                continue
            done = 0
            for batch in rows.shard.documents.texts(documents - rows.document + rows.start):
                here = documents[done : done + len(batch)]
                if len(here) < len(batch):
                    raise RunError(_other_texts(len(documents), done + len(batch)))
                done += len(batch)
                if len(batch):
                    _write_sets(writer, minhash, near, batch, here, asked)
            if done != len(documents):
                raise RunError(_other_texts(len(documents), done))


def _write_sets(
    writer: Writer[NDArray[Any]],
    minhash: MinHash,
    near: Near,
    batch: TextBatch,
    documents: NDArray[np.int64],
    asked: NDArray[Any],
) -> None:
    """Writes the sets of a batch of texts of these documents for each partition that asked."""
    from refinery.text.shingles import shingles_of_keys

    keys = minhash.key_texts(batch)
    low, high = np.searchsorted(asked["document"], [documents[0], documents[-1] + 1])
    index = np.searchsorted(documents, asked["document"][low:high])
    written = [(documents, *minhash.shingle_sets(keys))]
    if near.keep_versions:
        written.append((documents + TOKENS, *shingles_of_keys(keys, 1, 1)))
    for numbers, hashes, bounds in written:
        sizes = np.diff(bounds)[index] + 2
        words = np.empty(int(sizes.sum()), WORD)
        pack(numbers, index, hashes, bounds, words)
        writer.write(words, np.repeat(asked["partition"][low:high], sizes))


def _other_texts(wanted: int, came: int) -> str:
    return f"{wanted} texts were to be compared, {came} came; please report this"


def exact_similarities(sets: Records, partition: int, edges: NDArray[Any], near: Near) -> NDArray[np.float64]:
    """Similarity of each edge, from the sets of shingles of its partition; 0 for versions of one text that are kept.

    Raises RunError if a set is gone.
    """
    needed = np.unique(np.concatenate([edges["document"], edges["preferred"]]))
    if near.keep_versions:
        needed = np.concatenate([needed, needed + TOKENS])
    starts, stops = np.zeros(len(needed), np.int64), np.zeros(len(needed), np.int64)
    words, size = [np.empty(0, WORD)], 0
    for block in sets.each(partition):
        kept = take(block, needed, starts, stops, size)
        words.append(block[:kept].copy())
        size += kept
    missing = int((starts == 0).sum())
    if missing:
        raise RunError(_other_texts(len(needed), len(needed) - missing))
    found = np.concatenate(words)
    one, other = (np.searchsorted(needed, edges[name]) for name in ("document", "preferred"))
    similarity: NDArray[np.float64] = MEASURES[near.measure](found, starts, stops, one, other)
    if near.keep_versions:
        from refinery.text.versions import are_versions

        alike = np.flatnonzero(similarity >= near.similarity)
        one, other = (ends[alike] + len(needed) // 2 for ends in (one, other))
        similarity[alike[are_versions(found, starts, stops, one, other)]] = 0
    return similarity


@njit(cache=True, nogil=True)
def pack(documents, index, hashes, bounds, words):  # type: ignore[no-untyped-def]
    """Writes, for each i in index, documents[i], the size of its set and the set, one after the other."""
    at = 0
    for i in index:
        size = bounds[i + 1] - bounds[i]
        words[at], words[at + 1] = documents[i], size
        words[at + 2 : at + 2 + size] = hashes[bounds[i] : bounds[i + 1]]
        at += 2 + size


@njit(cache=True, nogil=True)
def take(words, needed, starts, stops, base):  # type: ignore[no-untyped-def]
    """Moves the needed documents' sets to the front of `words`, and notes where they are; gives the words kept."""
    at = kept = np.int64(0)
    while at < words.shape[0]:
        document, size = np.int64(words[at]), np.int64(words[at + 1])
        index = np.searchsorted(needed, document)
        if index < needed.shape[0] and needed[index] == document:
            for offset in range(size + 2):
                words[kept + offset] = words[at + offset]
            starts[index], stops[index] = base + kept + 2, base + kept + 2 + size
            kept += size + 2
        at += size + 2
    return kept
