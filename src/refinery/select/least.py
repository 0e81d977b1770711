"""At least a share of the budget for documents that have a value of a column: the best of them come before others.

Of each named value the best documents are put first until their tokens reach its share; the budget is spent on those
that are first by any column, best first, and then on the others. So a document counts for every share that it has
part in, and all shares are met that the budget has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from refinery.select.batches import Batch
from refinery.select.budget import Cutoff, ranked_dtype, within
from refinery.select.values import (
    HELD,
    Limits,
    are_among,
    batch_values,
    best_documents,
    documents_records,
    partition_values,
    spent_before,
    write_documents,
)
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

FIRST, AFTER = 0, 1  # values of the key that comes before the others
NEAR = 0.005


def put_first(
    ranked: Records,
    least: Sequence[Limits],
    batches: Sequence[Batch],
    size: int,
    map_units: MapUnits,
    work: Place,
) -> Records:
    """The ranked documents with one key more before the others: FIRST for those that a share needs, else AFTER.

    ranked: written by one writer a batch; size: documents in a partition of what units write.
    """
    firsts = []
    for number, limits in enumerate(least):
        folder = work / f"least-{number}"
        valued = partition_values(ranked, limits, batches, map_units, folder)
        first = documents_records(folder / "first", batches, size, valued)
        write = partial(write_first, valued, first, limits, size)
        map_units("select least", write, range(valued.partitions), memory=4 * HELD * valued.form.itemsize)
        firsts.append(first)
    form = ranked_dtype(ranked.form["keys"].shape[0] + 1)
    placed = Records.create(work / "placed", form, writers=len(batches))
    map_units("select first", partial(write_placed, ranked, placed, firsts, size), batches)
    return placed


def write_first(valued: Records, first: Records, limits: Limits, size: int, partition: int) -> None:
    """Writes the best documents of a partition of values until each value has its tokens."""
    documents = best_documents(
        valued, partition, lambda held: spent_before(held) < limits.of(held["value"]), lambda _: None
    )
    with first.writer(partition) as writer:
        write_documents(writer, documents, size)


def write_placed(
    ranked: Records, placed: Records, firsts: Sequence[Records], size: int, batch: Batch
) -> None:
    """Writes a batch's ranked documents with the key that says whether they come first."""
    is_first = np.logical_or.reduce([are_among(first, batch, size) for first in firsts])
    with placed.writer(batch.number) as writer:
        for records in ranked.each(writers=[batch.number]):
            found = np.empty(len(records), placed.form)
            found["document"], found["tokens"] = records["document"], records["tokens"]
            found["keys"][:, 0] = np.where(is_first[records["document"] - batch.start], FIRST, AFTER)
            found["keys"][:, 1:] = records["keys"]
            writer.write(found)


def missed(
    placed: Records,
    ranked: Records,
    least: Sequence[Limits],
    batches: Sequence[Batch],
    cutoff: Cutoff | None,
    map_units: MapUnits,
) -> tuple[str, ...]:
    """A sentence for each share that lacks more than NEAR of its tokens, with what is kept and why it is no more.

    placed: by `put_first`, of which the cutoff tells what is kept; ranked: all that arrive.
    """
    keys, remaining = (cutoff.keys, cutoff.remaining) if cutoff else (None, (0,) * len(batches))
    units = list(zip(batches, remaining, strict=True))
    kept = map(
        sum, zip(*map_units("select shares", partial(sum_kept, placed, least, keys), units), strict=True)
    )
    came = map(
        sum, zip(*map_units("select arrived", partial(sum_kept, ranked, least, None), units), strict=True)
    )
    wanted = (
        (limits.column, *one)
        for limits in least
        for one in zip(limits.names, limits.named.values(), strict=True)
    )
    found = []
    for (column, value, most), has, there in zip(wanted, kept, came, strict=True):
        if has < most * (1 - NEAR):
            why = "no more arrive" if there < most else f"of {there:,}, `most` and other shares leave no more"
            found.append(f"`least` asks for {most:,} tokens of {column} {value}, and it has {has:,}: {why}")
    return tuple(found)


def sum_kept(
    ranked: Records, least: Sequence[Limits], keys: tuple[int, ...] | None, unit: tuple[Batch, int]
) -> list[int]:
    """The tokens that are kept of a batch by each value of each share, in order; keys: see budget.within."""
    batch, remaining = unit
    columns = [(limits, batch_values(batch, limits.column)) for limits in least]
    totals = [0] * sum(len(limits.named) for limits in least)
    for records in ranked.each(writers=[batch.number]):
        chosen, remaining = within(keys, records, remaining)
        kept = records[chosen]
        at = kept["document"] - batch.start
        for n, (values, value) in enumerate((v, one) for limits, v in columns for one in limits.named):
            totals[n] += int(kept["tokens"][values[at] == np.uint64(value)].sum())
    return totals
