"""Examples to train and to judge a model on: read, freed of repeats, split without near-duplicates across."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from refinery.text.shingles import shingle_sets

SIMILARITY = (
    0.5  # Jaccard of shingles from which on two examples stay on one side: far below what dedup removes
)
_BANDS, _ROWS = 16, 2  # finds a pair of Jaccard 0.5 with probability 1 - (1 - 0.5**2)**16 = 0.99
_NEIGHBOURS = (
    20  # candidates of one bucket compared with each example, so that a shared footer costs linear work
)


@dataclass(frozen=True)
class Examples:
    """Prepared texts, whether each is positive, and what was dropped on the way.

    read: documents of the negative and of the positive class; contradictory: texts found in both.
    """

    texts: TextBatch
    positive: NDArray[np.bool_]
    read: tuple[int, int]
    contradictory: int


def read_texts(paths: Sequence[str | Path], text: str) -> Iterator[TextBatch]:
    """The text column of Parquet or JSON Lines files, folders, globs or URLs, batch by batch, as read."""
    from refinery.sources.documents import SourceSpec
    from refinery.sources.read import read_documents
    from refinery.sources.shards import list_shards

    places = tuple(str(path) if "://" in str(path) else str(Path(path).absolute()) for path in paths)
    spec = SourceSpec("examples", places, text=text, on_error="fail")
    for shard in list_shards(spec).shards:
        for documents in read_documents(shard, spec):
            yield TextBatch.from_arrow(documents.text)


def read_examples(positive: Sequence[str | Path], negative: Sequence[str | Path], text: str) -> Examples:
    """Reads and prepares both classes; drops empty texts, repeats, and texts that are in both."""
    seen: dict[int, tuple[bool, str]] = {}
    both: set[int] = set()
    read = [0, 0]
    for wanted, paths in ((True, positive), (False, negative)):
        for batch in read_texts(paths, text):
            read[wanted] += len(batch)
            for words in prepare(batch).to_arrow().to_pylist():
                if words:
                    key = xxhash.xxh3_64_intdigest(words.encode())
                    if seen.setdefault(key, (wanted, words))[0] != wanted:
                        both.add(key)
    kept = [example for key, example in seen.items() if key not in both]
    texts = TextBatch.from_arrow(pa.array([words for _, words in kept], pa.large_string()))
    return Examples(texts, np.array([wanted for wanted, _ in kept], np.bool_), (read[0], read[1]), len(both))


def near_groups(texts: TextBatch) -> NDArray[np.int64]:
    """A number for each text, equal for near-duplicates and whatever a chain of them connects.

    Candidates by MinHash bands of shingles (5 words or 8 characters), settled by the exact Jaccard similarity.
    """
    hashes, bounds = shingle_sets(texts, 5, 8)
    sets = [hashes[low:high] for low, high in pairwise(bounds.tolist())]
    parent = np.arange(len(texts), dtype=np.int64)
    buckets: dict[tuple[int, ...], list[int]] = {}
    random = np.random.default_rng(0)
    odd = random.integers(0, 2**63, _BANDS * _ROWS, np.uint64) * np.uint64(2) + np.uint64(1)
    for number, shingles in enumerate(sets):
        if len(shingles) == 0:
            continue
        lowest = np.min(_mixed(shingles[None, :] * odd[:, None]), 1).reshape(_BANDS, _ROWS)
        for band in range(_BANDS):
            near = buckets.setdefault((band, *lowest[band].tolist()), [])
            for other in near[-_NEIGHBOURS:]:
                if (
                    _root(parent, other) != _root(parent, number)
                    and _jaccard(sets[other], shingles) >= SIMILARITY
                ):
                    parent[_root(parent, number)] = _root(parent, other)
            near.append(number)
    return np.array([_root(parent, number) for number in range(len(texts))], np.int64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return values ^ (values >> np.uint64(32))


def _root(parent: NDArray[np.int64], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = int(parent[node])
    return node


def _jaccard(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    if min(len(a), len(b)) < SIMILARITY * max(len(a), len(b)):
        return 0.0
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)


def hold_out(
    groups: NDArray[np.int64], positive: NDArray[np.bool_], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which examples are held out: whole groups, in a seeded order, until each class has its share."""
    members: dict[int, list[int]] = {}
    for number, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(number)
    order = list(members.values())
    held = np.zeros(len(groups), np.bool_)
    left = [share * float(np.sum(positive == kind)) for kind in (False, True)]
    for place in np.random.default_rng(seed).permutation(len(order)).tolist():
        group = np.array(order[place])
        needed = [int(np.sum(positive[group] == kind)) for kind in (False, True)]
        if all(need <= room for need, room in zip(needed, left, strict=True)):
            held[group] = True
            left = [room - need for need, room in zip(needed, left, strict=True)]
    return held
