"""Ranks what arrives, by score or as documents are drawn: records of `budget.ranked_dtype`, a writer a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.filters.ranking import rank_keys, ranking
from refinery.filters.verb import key_count, ranking_keys
from refinery.select.batches import Batch
from refinery.select.budget import ranked_dtype
from refinery.select.draw import drawn, noise
from refinery.select.quantiles import buckets_of, check_number, find_quantiles, rate
from refinery.select.settings import Settings
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place


def rank(chosen: Settings, batches: Sequence[Batch], map_units: MapUnits, work: Place) -> Records:
    """The documents that arrive, ranked; raises InputError for a draw by what is no number."""
    if chosen.softdedup:
        return _rank_softly(chosen, chosen.softdedup, batches, map_units, work)
    ranked = Records.create(work / "ranked", _form(batches, chosen), writers=len(batches))
    map_units("select ranking", partial(write_ranked, ranked, chosen), batches)
    return ranked


def _form(batches: Sequence[Batch], chosen: Settings) -> np.dtype[Any]:
    if not batches:
        return ranked_dtype(1)
    if not chosen.temperature:
        return ranked_dtype(key_count(batches[0].shards, [chosen.by]))
    check_number(batches, chosen)
    return ranked_dtype(1)


def write_ranked(ranked: Records, chosen: Settings, batch: Batch) -> None:
    """Writes tokens and keys of a batch's documents that come to the verb."""
    start = batch.start
    with ranked.writer(batch.number) as writer:
        for shard in batch.shards:
            arrived = np.flatnonzero(shard.arrives())
            records = np.empty(len(arrived), ranked.form)
            records["document"] = start + arrived
            records["tokens"] = shard.columns(["tokens"]).column(0).to_numpy()[arrived]
            records["keys"] = _keys(shard, chosen)[arrived]
            writer.write(records)
            start += shard.rows


def _keys(shard: ShardDocuments, chosen: Settings) -> NDArray[np.uint64]:
    """The order of a shard's documents, by score or as they are drawn."""
    if chosen.temperature is None:
        return ranking_keys(shard, [chosen.by], chosen.missing, best="DESC")
    column, direction = ranking(chosen.by)
    scores = drawn(
        shard.columns([column]).column(0),
        shard.identities(),
        temperature=chosen.temperature,
        seed=chosen.seed,
        low=direction == "ASC",
    )
    return rank_keys(scores, descending=True, missing=chosen.missing or "last")


def _rank_softly(
    chosen: Settings, segments: int, batches: Sequence[Batch], map_units: MapUnits, work: Place
) -> Records:
    rated = rate(chosen, None, batches, map_units, work)
    quantiles = find_quantiles(rated, [n / segments for n in range(1, segments)], map_units, work)
    ranked = Records.create(work / "ranked", ranked_dtype(1), writers=len(batches))
    map_units("select ranking", partial(write_weighted, rated.records, quantiles, ranked, chosen), batches)
    return ranked


def write_weighted(
    rated: Records, quantiles: Records, ranked: Records, chosen: Settings, batch: Batch
) -> None:
    """Writes a batch's documents as they are drawn by the commonness of their segments, see select.draw.

    Raises InputError for a segment whose commonness is not above 0.
    """
    from refinery.text.elementary import logs  # to check a definition imports no Numba

    found = quantiles.read()
    means = found["score"].ravel()  # of one group, or none where nothing arrives
    if (means <= 0).any():
        problem = f"the mean of {ranking(chosen.by)[0]!r} over a segment is {np.nanmin(means):g}"
        raise InputError("select.softdedup", problem, "give a probability, which is above 0")
    weights = -logs(np.nan_to_num(means, nan=1.0))
    with ranked.writer(batch.number) as writer:
        for records in rated.each(writers=[batch.number]):
            _, bucket = buckets_of(found, records)
            scores = pa.array(weights[bucket] + noise(records["order"]), mask=np.isnan(records["score"]))
            written = np.empty(len(records), ranked.form)
            written["document"], written["tokens"] = records["document"], records["tokens"]
            missing = chosen.missing or "last"
            written["keys"] = rank_keys(pa.chunked_array([scores]), descending=True, missing=missing)
            writer.write(written)
