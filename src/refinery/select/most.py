"""At most a share of the budget for documents that have one value of a column, as units over partitions of values.

Of each value's documents the best stay while their tokens fit; the first that would overspend, and all below it, go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.filters.verb import Outcome
from refinery.select.batches import Batch, drop
from refinery.select.values import (
    HELD,
    Limits,
    are_among,
    best_documents,
    documents_records,
    partition_values,
    spent_before,
    write_documents,
)
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place


def leave_most(
    ranked: Records,
    most: Sequence[Limits],
    batches: Sequence[Batch],
    outcome: Outcome,
    rule: int,
    map_units: MapUnits,
    work: Place,
) -> Records:
    """The ranked documents that fit, column after column, into the tokens that those of one of its values may have.

    ranked: written by one writer a batch; the others are dropped by the rule, as the first writers of the outcome.
    Documents without a value, or with one that has no limit, stay.
    """
    size = outcome.partition_documents
    for number, limits in enumerate(most):
        folder = work / f"most-{number}"
        valued = partition_values(ranked, limits, batches, map_units, folder)
        beyond = documents_records(folder / "beyond", batches, size, valued)
        write = partial(write_beyond, valued, beyond, limits, size)
        map_units("select most", write, range(valued.partitions), memory=4 * HELD * valued.form.itemsize)
        left = Records.create(folder / "left", ranked.form, writers=len(batches))
        place = partial(write_left, ranked, beyond, left, outcome, rule, number * len(batches))
        map_units("select left", place, batches)
        ranked = left
    return ranked


def write_beyond(valued: Records, beyond: Records, limits: Limits, size: int, partition: int) -> None:
    """Writes the documents of a partition of values that do not fit."""
    with beyond.writer(partition) as writer:
        best_documents(
            valued,
            partition,
            lambda held: fitting(held, limits.of(held["value"])),
            lambda gone: write_documents(writer, gone, size),
        )


def fitting(held: NDArray[Any], most: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which documents fit into `most` tokens with all better ones of their value; of equals the first is better."""
    fits: NDArray[np.bool_] = spent_before(held) + held["ranked"]["tokens"] <= most
    return fits


def write_left(
    ranked: Records, beyond: Records, left: Records, outcome: Outcome, rule: int, writers: int, batch: Batch
) -> None:
    """Writes which of a batch's ranked documents stay, and drops those beyond; writers: of earlier columns."""
    goes = are_among(beyond, batch, outcome.partition_documents)
    with left.writer(batch.number) as writer:
        for records in ranked.each(writers=[batch.number]):
            writer.write(records[~goes[records["document"] - batch.start]])
    drop(outcome, writers + batch.number, rule, batch.start + np.flatnonzero(goes))
