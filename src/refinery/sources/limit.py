"""A sample of a source for a first look: so many documents, of a few of its shards, chosen by hashes.

Files are chosen by a hash of their paths and read from their beginning; of a shard those documents are taken whose
places have the lowest hashes. So the same documents come whatever reads them, and little of a large source is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from refinery.shuffle.partition import hash_numbers
from refinery.sources.documents import Documents, Shard
from refinery.sources.lineage import place_hash

SHARDS = 8  # at least, where there are so many
DOCUMENT_BYTES = 1 << 14  # of data that are read for each document at least, where there are so many
LEFT_OUT = "beyond_the_limit"  # why rows are skipped


def limit_shards(shards: Sequence[Shard], documents: int) -> tuple[Shard, ...]:
    """The shards that are read for so many documents, in their order, each with its share of them as its limit."""
    order = sorted(shards, key=lambda shard: (shard.part, place_hash(shard.source, shard.relative_path)))
    sizes = np.cumsum([shard.bytes for shard in order])
    enough = int(np.searchsorted(sizes, documents * DOCUMENT_BYTES)) + 1
    chosen = order[: max(enough, min(SHARDS, documents))]
    while True:
        limited = _limited(chosen, documents)
        without = {one.relative_path for one in limited if not one.limit}
        limited = [one for one in limited if one.limit]
        # a part without those before it would not know its first row
        chosen = [one for one in limited if one.part == 0 or one.relative_path not in without]
        if len(chosen) == len(limited):
            return tuple(sorted(limited, key=lambda shard: shard.index))


def _limited(shards: Sequence[Shard], documents: int) -> list[Shard]:
    """The shards with their shares of so many documents, by their sizes; 0 for some small ones."""
    ends = np.cumsum([max(shard.bytes, 1) for shard in shards], dtype=np.float64)
    shares = np.diff(np.ceil(ends / ends[-1] * documents), prepend=0).astype(int).tolist()
    return [replace(one, limit=share) for one, share in zip(shards, shares, strict=True)]


def lowest(runs: Iterable[Documents], shard: Shard) -> Iterator[Documents]:
    """The rows of a shard within its limit, in order; memory is that of twice as many documents and of a run.

    Rejected rows are taken as far as documents are. The others are counted as skipped.
    """
    seed = place_hash(shard.source, shard.relative_path, shard.start)
    kept: list[Documents] = []
    bound = 2**64 - 1
    left_out = 0
    for run in runs:
        yield replace(Documents.rejected(()), skipped=run.skipped)
        kept.append(run)
        if sum(len(one.rows) for one in kept) > 2 * shard.limit:
            bound = _bound(kept, seed, shard.limit)
            kept, gone = _within(kept, seed, bound)
            left_out += gone
    bound = min(bound, _bound(kept, seed, shard.limit))
    kept, gone = _within(kept, seed, bound)
    yield from (replace(run, skipped={}) for run in kept)
    if left_out + gone:
        yield replace(Documents.rejected(()), skipped={LEFT_OUT: left_out + gone})


def _bound(runs: Sequence[Documents], seed: int, documents: int) -> int:
    """The highest hash of a row that is taken: of the documents-th lowest."""
    hashes = np.concatenate([np.zeros(0, np.uint64), *(hash_numbers(run.rows, seed) for run in runs)])
    return int(np.sort(hashes)[documents - 1]) if len(hashes) >= documents else 2**64 - 1


def _within(runs: Sequence[Documents], seed: int, bound: int) -> tuple[list[Documents], int]:
    """The runs without what lies above the bound, and how many rows that is."""
    kept, gone = [], 0
    for run in runs:
        mask = hash_numbers(run.rows, seed) <= np.uint64(bound)
        rejected = hash_numbers(
            np.array([reject.row for reject in run.rejects], np.int64), seed
        ) <= np.uint64(bound)
        rejects = tuple(reject for reject, stays in zip(run.rejects, rejected, strict=True) if stays)
        gone += int((~mask).sum() + (~rejected).sum())
        kept.append(replace(run.filter(mask), rejects=rejects))
    return kept, gone
