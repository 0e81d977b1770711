"""Draws documents at random: those with the smallest hashes of (seed, identity), whatever the shards and units.

Every unit writes the candidates of a shard, documents whose hash is below a bound that some more than are wanted will
lie below; one unit finds the hash of the last that is drawn. Texts are read of drawn documents alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from refinery.errors import DefinitionError
from refinery.shuffle.partition import hash_numbers
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place
from refinery.text.batch import TextBatch

CANDIDATE = np.dtype([("hash", np.uint64), ("position", np.int64)])
LEAST_SEEDS = 20  # documents of a domain, below which a model of them says nothing
_ALL = (1 << 64) - 1
_CANDIDATE_BYTES = 128  # of memory, for each document of a shard


@dataclass(frozen=True)
class NumberedShard:
    """A shard and the number of the writer of its candidates."""

    number: int
    shard: ShardDocuments


@dataclass(frozen=True)
class Drawn:
    """What is drawn of a shard: its candidates, those of a writer, with hashes up to `last`.

    part: that the documents play; number: among all that is drawn, of shards of which there may be something.
    """

    part: str
    number: int
    shard: ShardDocuments
    candidates: Records
    writer: int
    last: int

    def documents(self) -> NDArray[np.void]:
        """Hashes and positions, CANDIDATE, by ascending position."""
        found = self.candidates.read_written(self.writer)
        return np.sort(found[found["hash"] <= np.uint64(self.last)], order="position")

    def texts(self) -> Iterator[tuple[NDArray[np.uint64], TextBatch]]:
        """Hashes and texts, batch by batch."""
        documents, start = self.documents(), 0
        for batch in self.shard.texts(documents["position"]):
            yield documents["hash"][start : start + len(batch)], batch
            start += len(batch)

    def words(self) -> Iterator[tuple[NDArray[np.uint64], TextBatch]]:
        """Hashes and prepared texts (text.prepare), batch by batch."""
        from refinery.text.prepare import prepare  # a run with nothing to do imports no Numba

        for hashes, batch in self.texts():
            yield hashes, prepare(batch)


class Candidates(NamedTuple):
    """How many documents of a shard arrive, and how many of them are candidates."""

    arrived: int
    documents: int


@dataclass(frozen=True)
class Draw:
    """What is drawn, and how many documents arrived by part and source."""

    drawn: tuple[Drawn, ...]
    arrived: Mapping[tuple[str, str], int]

    def require_seeds(self, part: str = "positive") -> None:
        """Raises DefinitionError where fewer than LEAST_SEEDS documents of a part are drawn."""
        drawn = sum(len(one.documents()) for one in self.drawn if one.part == part)
        if drawn < LEAST_SEEDS:
            names = [name for one, name in self.arrived if one == part]
            raise DefinitionError(f"{', '.join(names) or part}: {few_seeds(f'{drawn:,} documents')}")


def few_seeds(found: str) -> str:
    """What is said where too few seeds are found.

    >>> few_seeds("3 documents")
    '3 documents, at least 20 are needed: give more documents of the domain'
    """
    return f"{found}, at least {LEAST_SEEDS} are needed: give more documents of the domain"


def draw(
    inputs: Mapping[str, Sequence[ShardDocuments]],
    most: Mapping[str, int],
    seed: int,
    map_units: MapUnits,
    work: Place,
) -> Draw:
    """Draws of each part `most` documents, or all that arrive.

    A document that a part gets by two ways counts once and is drawn by both. work: for candidates, which Drawn reads.
    """
    found: list[Drawn] = []
    arrived = Counter[tuple[str, str]]()
    for part, shards in inputs.items():
        units = [NumberedShard(*one) for one in enumerate(shards)]
        memory = _CANDIDATE_BYTES * max((shard.rows for shard in shards), default=0)
        bound, last = bound_of(most[part], sum(shard.arrived for shard in shards)), None
        while last is None:
            candidates = Records.create(work / part, CANDIDATE, writers=len(shards))
            write = partial(write_candidates, candidates, seed, bound)
            counts = map_units(f"draw {part}", write, units, memory=memory)
            (last,) = map_units(f"end of {part}", partial(find_last, candidates, bound), [most[part]])
            bound = min(4 * bound, _ALL)
        for unit, count in zip(units, counts, strict=True):
            arrived[part, unit.shard.source] += count.arrived
            if count.documents:
                found.append(Drawn(part, len(found), unit.shard, candidates, unit.number, last))
    return Draw(tuple(found), arrived)


def bound_of(most: int, arrived: int) -> int:
    """A hash below which `most` of the documents that arrive lie, but for one time in a billion.

    >>> bound_of(100, 100) == 2**64 - 1, round(bound_of(10_000, 1_000_000) / 2**64, 4)
    (True, 0.0106)
    """
    enough = most + 6 * isqrt(most) + 36
    return _ALL if enough >= arrived else enough * _ALL // arrived


def write_candidates(candidates: Records, seed: int, bound: int, unit: NumberedShard) -> Candidates:
    """Writes the documents of a shard that arrive and have a hash up to the bound."""
    arrived = np.flatnonzero(unit.shard.arrives())
    identities = unit.shard.identities()[arrived].view(np.int64)
    hashes = hash_numbers(identities, xxh3_64_intdigest(b"draw %d" % seed))
    chosen = hashes <= np.uint64(bound)
    found = np.empty(int(chosen.sum()), CANDIDATE)
    found["hash"], found["position"] = hashes[chosen], arrived[chosen]
    candidates.write(unit.number, found)
    return Candidates(len(arrived), len(found))


def find_last(candidates: Records, bound: int, most: int) -> int | None:
    """The hash of the last document that is drawn; None: more than the candidates must be known."""
    hashes = np.unique(candidates.read()["hash"])
    if len(hashes) < most:
        return _ALL if bound == _ALL else None
    return int(hashes[most - 1])
