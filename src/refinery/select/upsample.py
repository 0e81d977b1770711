"""The upsampling curve over the shuffle: how often each document is written, so that the budget is spent.

A document is written as often as the whole part of its factor says. What that leaves of the budget goes to one time
more for those with the least u / fraction, where u is a hash of (seed, identity), as far as it reaches: sequential
Poisson sampling (Ohlsson 1998, Journal of Official Statistics 14, 149-162), by which each is rounded up with nearly
the probability of its fraction, and the sum is the one that is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.definition.values import as_percentage
from refinery.filters.ranking import rank_keys
from refinery.filters.verb import Outcome, VerbTable
from refinery.select.batches import CURVE, DISCARD, RULES, Batch, drop, empty_outcome, repeat
from refinery.select.budget import find_cutoff, ranked_dtype, within
from refinery.select.curve import Curve, fit, warnings_of
from refinery.select.draw import uniform
from refinery.select.quantiles import buckets_of, find_quantiles, rate
from refinery.select.settings import Settings, Upsampling
from refinery.shuffle.partition import hash_numbers
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

# A document and how often it is written at least; NEVER: it is discarded.
WHOLE = np.dtype([("document", np.int64), ("times", np.int32)])
NEVER = -1
# Columns of what is counted by bucket, and the one of tokens that are spent surely.
COUNTS, WHOLE_TOKENS = 4, 3


def upsample(
    chosen: Settings, held_out: Any, batches: Sequence[Batch], map_units: MapUnits, work: Place
) -> Outcome:
    """How often each document is written; held_out: a `dedup.split.Split`, which holds out what is written once.

    Raises InputError where there is no such curve, see `curve.fit`, and as `quantiles.rate` does.
    """
    of = chosen.curve or Upsampling()
    rated = rate(chosen, of.within, batches, map_units, work)
    curve = fit(chosen.tokens, rated.tokens, of.discard, of.most_repeats)
    quantiles = find_quantiles(rated, curve.edges, map_units, work)
    whole = Records.create(work / "whole", WHOLE, writers=len(batches))
    ranked = Records.create(work / "fractions", ranked_dtype(1), writers=len(batches))
    write = partial(write_whole, rated.records, quantiles, curve, held_out, whole, ranked)
    written = map_units("select whole times", write, batches)
    spent = sum(int(found[:, WHOLE_TOKENS].sum()) for found in written)
    cutoff = find_cutoff(ranked, max(chosen.tokens - spent, 0), map_units, work)
    outcome = empty_outcome(RULES, batches, work, drops=2, repeats=True)
    keys, remaining = (cutoff.keys, cutoff.remaining) if cutoff else (None, (0,) * len(batches))
    units = list(enumerate(remaining))
    map_units("select times", partial(write_times, whole, ranked, keys, outcome), units)
    counts = sum(written, np.zeros((len(curve.edges) + 2, COUNTS)))
    return replace(outcome, warnings=warnings_of(curve), tables=(factors_table(curve, counts),))


def factors_table(curve: Curve, counts: NDArray[np.float64]) -> VerbTable:
    """How often documents are written by bucket, the worst first; counts: as `write_whole` gives them."""
    bounds = [0.0, *curve.edges, 1.0]
    names = [f"{as_percentage(low)} to {as_percentage(high)}" for low, high in pairwise(bounds)]
    rows = tuple(
        (name, f"{documents:,.0f}", f"{tokens:,.0f}", f"{wanted / tokens:.2f}", f"{wanted:,.0f}")
        for name, (documents, tokens, wanted, _) in zip([*names, "in no group"], counts, strict=True)
        if tokens
    )
    columns = ("tokens from the worst", "documents", "tokens", "times", "tokens written")
    return VerbTable("times that documents are written, by quality", columns, rows)


def write_whole(
    rated: Records,
    quantiles: Records,
    curve: Curve,
    held_out: Any,
    whole: Records,
    ranked: Records,
    batch: Batch,
) -> NDArray[np.float64]:
    """Writes how often a batch's documents are written at least, and ranks them by what is left of their factors.

    Gives by bucket, and last for documents whose group no sample has, float64 (buckets + 1, COUNTS): documents, their
    tokens, those times the factors, and those times how often they are written at least.
    """
    found = quantiles.read()
    factors = np.stack([curve.factors(starts) for starts in found["start"]])
    once = _held_out(batch, held_out) if held_out else np.zeros(batch.stop - batch.start, np.bool_)
    counts = np.zeros((len(curve.edges) + 2, COUNTS))
    with whole.writer(batch.number) as times_writer, ranked.writer(batch.number) as rank_writer:
        for records in rated.each(writers=[batch.number]):
            group, bucket = buckets_of(found, records)
            wanted = np.where(group >= 0, factors[group, bucket], min(curve.ratio, curve.most))
            wanted = np.where(once[records["document"] - batch.start], np.minimum(wanted, 1), wanted)
            times = np.empty(len(records), WHOLE)
            times["document"], times["times"] = records["document"], wanted
            fraction = wanted - times["times"]
            row = np.where(group >= 0, bucket, len(counts) - 1)
            tokens = records["tokens"]
            each = np.ones(len(row)), tokens, tokens * wanted, tokens * times["times"]
            for column, amounts in enumerate(each):
                counts[:, column] += np.bincount(row, amounts, minlength=len(counts))
            times["times"][(bucket == 0) & (group >= 0) & (curve.discard > 0)] = NEVER
            times_writer.write(times)
            rank_writer.write(_ranked(records[fraction > 0], fraction[fraction > 0], ranked.form))
    return counts


def _held_out(batch: Batch, split: Any) -> NDArray[np.bool_]:
    """Which of a batch's documents are in another split than the last."""
    return np.concatenate([split.held_out(shard.columns(split.needed)) for shard in batch.shards])


def _ranked(records: NDArray[Any], fraction: NDArray[np.float64], form: np.dtype[Any]) -> NDArray[Any]:
    """Documents by u / fraction, the least first."""
    found = np.empty(len(records), form)
    found["document"], found["tokens"] = records["document"], records["tokens"]
    numbers = uniform(hash_numbers(records["order"].view(np.int64), 1)) / fraction
    found["keys"] = rank_keys(pa.chunked_array([numbers]), descending=False, missing="last")
    return found


def write_times(
    whole: Records,
    ranked: Records,
    keys: tuple[int, ...] | None,
    outcome: Outcome,
    unit: tuple[int, int],
) -> None:
    """Writes which documents of a batch are dropped and which repeated.

    keys: see budget.within; unit: the batch and the tokens that remain for it.
    """
    batch, remaining = unit
    found = whole.read_written(batch)
    for records in ranked.each(writers=[batch]):
        chosen, remaining = within(keys, records, remaining)
        found["times"][np.searchsorted(found["document"], records["document"][chosen])] += 1
    times, documents = found["times"], found["document"]
    drop(outcome, batch, DISCARD, documents[times == NEVER])
    drop(outcome, ranked.writers + batch, CURVE, documents[times == 0])
    repeat(outcome, batch, documents, times)
