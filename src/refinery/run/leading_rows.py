"""Rows that lead a split of JSON Lines: its first file tells the types of all columns, as readers take them from it.

Of each column, field of a struct and element of a list the first document of the split that has a value is written to
the first file. So a column that is NULL in the whole of that file is so in the whole split; at most one document each
leaves its own file, and none does where the first file has a value. Within the file `typed_first` orders them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.shuffle.records import Writer
from refinery.storage.typed_first import ValuePath, first_values


class Candidates:
    """Of rows that one unit meets, those that are the first of their split to have a value, by their place in it."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._found: dict[tuple[int, ValuePath], tuple[int, pa.Table]] = {}

    def meet(self, rows: pa.Table, splits: NDArray[np.int64]) -> None:
        """Takes rows, each with its place and the number of its split."""
        places = rows.column(self._place).to_numpy()
        for split in np.unique(splits).tolist():
            here = np.flatnonzero(splits == split)
            here = here[np.argsort(places[here], kind="stable")]
            (batch,) = rows.take(pa.array(here)).combine_chunks().to_batches()
            for path, row in first_values(batch):
                place, known = int(places[here[row]]), self._found.get((split, path))
                if known is None or place < known[0]:
                    self._found[split, path] = (place, pa.Table.from_batches([batch.take(pa.array([row]))]))

    def write(self, writer: Writer[pa.Table], partition: int) -> None:
        """Writes them, of the first split to this partition, of the others to those behind it."""
        rows = {(split, _identities(row, self._place)): row for (split, _), (_, row) in self._found.items()}
        for (split, _), row in rows.items():
            writer.write(row, np.array([partition + split]))


def leading_rows(candidates: pa.Table, place: str) -> pa.Table:
    """Of the candidates of one split, by all units, those that lead it."""
    ordered = candidates.sort_by(place).combine_chunks()
    first = {row for batch in ordered.to_batches() for _, row in first_values(batch)}
    return ordered.take(pa.array(sorted(first), pa.int64()))


def with_leading(rows: pa.Table, leading: pa.Table, place: str, *, first: bool) -> pa.Table:
    """The rows of a file of the split: of the first one with those that lead it, of another without them."""
    lead = _identities(leading, place)
    alike = np.flatnonzero(pc.is_in(rows.column(place), leading.column(place)).to_numpy())
    found = _identities(rows.take(pa.array(alike)), place)
    gone = [row for row, one in zip(alike.tolist(), found, strict=True) if one in lead]
    others = rows.take(pa.array(np.delete(np.arange(len(rows)), np.array(gone, np.int64))))
    return pa.concat_tables([leading, others]).sort_by(place) if first else others


def _identities(rows: pa.Table, place: str) -> tuple[str, ...]:
    """Of each row what no other one has: documents without a text have the place of the one behind them."""
    return tuple(map(repr, rows.select([place, "lineage"]).to_pylist()))
