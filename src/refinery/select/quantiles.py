"""Where documents stand among those of their group: in which of the buckets that shares of the tokens part.

Bounds of buckets are found in a sample of SAMPLE documents, all where no more arrive, which one unit sorts: so what
is held does not grow with the corpus. Documents of equal scores are ordered by a hash, so that they are parted too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.filters.ranking import is_number, rank_keys, ranking
from refinery.select.batches import Batch
from refinery.select.draw import hashes
from refinery.select.settings import Settings
from refinery.select.values import value_hashes
from refinery.shuffle.partition import hash_numbers
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

SAMPLE = 1 << 20
MOST_GROUPS = 10_000
_SORT_BYTES = 4  # times the sample, of memory
# A document with its group, the key of its score (the least first) and the hash that orders those of one key.
RATED = np.dtype(
    [
        ("document", np.int64),
        ("group", np.uint64),
        ("tokens", np.int64),
        ("key", np.uint64),
        ("order", np.uint64),
        ("score", np.float64),
    ]
)


@dataclass(frozen=True)
class Rated:
    """Records of RATED, by one writer a batch, in order; how many documents and tokens there are."""

    records: Records
    documents: int
    tokens: int


def quantile_dtype(edges: int) -> np.dtype[Any]:
    """A group; of each bucket but the first, the first document and the share of the tokens before it.

    score: the mean of each bucket, NaN of one without a score.
    """
    bounds = [("key", np.uint64, (edges,)), ("order", np.uint64, (edges,)), ("start", np.float64, (edges,))]
    return np.dtype([("group", np.uint64), *bounds, ("score", np.float64, (edges + 1,))])


def check_number(batches: Sequence[Batch], chosen: Settings) -> None:
    """Raises InputError for a score to draw by that is no number."""
    column = ranking(chosen.by)[0]
    for shard in batches[0].shards[:1] if batches else ():
        if not is_number(kind := shard.ranked_type(column)):
            problem = f"the column {column!r} is {kind}"
            raise InputError(shard.name, problem, f"`{chosen.draw}` draws by a number")


def rate(
    chosen: Settings, within: str | None, batches: Sequence[Batch], map_units: MapUnits, work: Place
) -> Rated:
    """What arrives with its score; within: the column of its group. Raises InputError as `check_number` does."""
    check_number(batches, chosen)
    records = Records.create(work / "rated", RATED, writers=len(batches))
    sums = map_units("select rating", partial(write_rated, records, chosen, within), batches)
    documents, tokens = (sum(one) for one in zip(*sums, strict=True)) if sums else (0, 0)
    return Rated(records, documents, tokens)


def write_rated(rated: Records, chosen: Settings, within: str | None, batch: Batch) -> tuple[int, int]:
    """Writes a batch's documents that arrive; gives their number and tokens."""
    column, direction = ranking(chosen.by)
    start, tokens = batch.start, 0
    with rated.writer(batch.number) as writer:
        for shard in batch.shards:
            arrived = np.flatnonzero(shard.arrives())
            table = shard.columns([column, "tokens"])
            worst_first = ~rank_keys(
                table.column(0), descending=direction != "ASC", missing=chosen.missing or "last"
            )
            found = np.empty(len(arrived), RATED)
            found["document"] = start + arrived
            found["group"] = value_hashes(shard, within)[arrived] if within else 0
            found["tokens"] = table.column(1).to_numpy()[arrived]
            found["key"] = worst_first[arrived, 0]
            found["order"] = hashes(f"select {chosen.seed}", shard.identities())[arrived]
            scores = table.column(0).cast(pa.float64()).fill_null(np.nan).to_numpy()
            found["score"] = scores[arrived]
            writer.write(found)
            start += shard.rows
            tokens += int(found["tokens"].sum())
    return writer.written, tokens


def find_quantiles(rated: Rated, edges: Sequence[float], map_units: MapUnits, work: Place) -> Records:
    """The buckets of each group of the sample, of quantile_dtype, by ascending groups.

    edges: ascending shares of a group's tokens, above 0 and below 1. A document that
    lies across one belongs to the bucket above it. Raises InputError for more than MOST_GROUPS groups.
    """
    from refinery.models.draw import bound_of  # to check a definition imports no Numba

    records = rated.records
    sample = Records.create(work / "sample", RATED, writers=records.writers)
    bound = bound_of(SAMPLE, rated.documents)
    map_units("select sample", partial(write_sample, records, sample, bound), range(records.writers))
    quantiles = Records.create(work / "quantiles", quantile_dtype(len(edges)))
    memory = _SORT_BYTES * RATED.itemsize * min(rated.documents, 2 * SAMPLE)
    map_units("select quantiles", partial(write_quantiles, sample, quantiles), [tuple(edges)], memory=memory)
    return quantiles


def write_sample(rated: Records, sample: Records, bound: int, writer: int) -> None:
    """Writes the documents of a writer whose hashes are up to the bound."""
    with sample.writer(writer) as target:
        for records in rated.each(writers=[writer]):
            drawn = hash_numbers(records["order"].view(np.int64)) <= np.uint64(bound)
            target.write(records[drawn])


def write_quantiles(sample: Records, quantiles: Records, edges: tuple[float, ...]) -> None:
    """Writes the buckets of each group of the sample; raises InputError as `find_quantiles` does."""
    records = sample.read()
    records = records[np.lexsort((records["order"], records["key"], records["group"]))]
    groups, firsts = np.unique(records["group"], return_index=True)
    if len(groups) > MOST_GROUPS:
        problem = f"documents have more than {MOST_GROUPS:,} different values"
        raise InputError("select.curve.within", problem, "give a column of topics or languages")
    found = np.zeros(len(groups), quantiles.form)
    for row, group in zip(found, np.split(records, firsts[1:]) if len(records) else (), strict=True):
        ends = np.cumsum(group["tokens"])
        at = np.searchsorted(ends, np.array(edges) * ends[-1], "right")
        at = np.minimum(at, len(group) - 1)
        row["group"], row["key"], row["order"] = group["group"][0], group["key"][at], group["order"][at]
        row["start"] = (ends - group["tokens"])[at] / max(int(ends[-1]), 1)
        row["score"] = _means(group["score"], at)
    quantiles.write(0, found)


def _means(scores: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean score of each bucket, of those that have one; at: where all but the first begin."""
    known = ~np.isnan(scores)
    number = np.searchsorted(at, np.arange(len(scores)), "right")
    counts = np.bincount(number[known], minlength=len(at) + 1)
    sums = np.bincount(number[known], scores[known], minlength=len(at) + 1)
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return means


def buckets_of(quantiles: NDArray[Any], records: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By document its group's place among the quantiles, -1 where the sample has none of it, and its bucket."""
    at = np.minimum(np.searchsorted(quantiles["group"], records["group"]), len(quantiles) - 1)
    buckets = np.zeros(len(records), np.int64)
    for key, order in zip(quantiles["key"].T, quantiles["order"].T, strict=True):
        first = key[at]
        buckets += records["key"] > first
        buckets += (records["key"] == first) & (records["order"] >= order[at])
    return np.where(quantiles["group"][at] == records["group"], at, -1), buckets
