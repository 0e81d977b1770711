"""Documents with one 128-bit hash, of their key text or of their signature, found by range of the hash.

Each stretch groups its own documents and writes, of each hash, the preferred one cut by range; a unit a range groups
those. So a hash that a million documents share costs a range no more than a record a stretch. Copies of key texts are
exact duplicates. Copies of signatures are treated as one document until the end, so that a million near-identical
pages cost no more than a million pairs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import spill
from refinery.dedup.layout import (
    Layout,
    Piece,
    fixed,
    preferred_order,
    read_column,
    read_entries,
    shared_keys,
    starts_of,
)
from refinery.dedup.spill import K1, K2

KINDS = {"content": "exact", "signature": "alike"}  # column of the entries, kind of file


@dataclass(frozen=True)
class HashUnit:
    """One stretch: writes its hashes of the columns named."""

    layout: Layout
    number: int
    pieces: tuple[Piece, ...]
    columns: tuple[str, ...]
    ranges: int


@dataclass(frozen=True)
class GroupUnit:
    """One range of one kind of hash."""

    layout: Layout
    kind: str
    number: int
    ranges: int


def hash_dtype(layout: Layout) -> np.dtype[Any]:
    """A 128-bit hash, its document and the document's preferences."""
    return layout.with_preferences(("high", np.uint64), ("low", np.uint64), ("document", np.int64))


def write_hashes(unit: HashUnit) -> None:
    """Of each column: pairs (document, preferred document) of the stretch, and the preferred ones cut by range."""
    layout = unit.layout
    stands, prefer = read_entries(layout, unit.pieces)
    for column in unit.columns:
        kind = KINDS[column]
        records = _hashes(layout, unit.pieces, column, stands, prefer)
        pairs, leads = _grouped(records)
        spill.save(layout.file(f"{kind}-local", unit.number), pairs)
        numbers = spill.part_of(leads["high"], unit.ranges)
        spill.write_cut(layout.file(kind, unit.number), leads, numbers, unit.ranges)


def _hashes(
    layout: Layout,
    pieces: tuple[Piece, ...],
    column: str,
    stands: NDArray[np.bool_],
    prefer: NDArray[np.float64],
) -> NDArray[Any]:
    found: list[NDArray[Any]] = [np.empty(0, hash_dtype(layout))]
    whole = np.zeros(2, np.int64)  # two different hashes of the whole signature
    for piece in pieces:
        for document, values in read_column(piece, column):
            at = document - pieces[0].document
            if column == "content":
                hashes, valid = fixed(values, np.uint64)
            else:
                matrix, valid = fixed(values, np.uint32)
                hashes = band_keys(matrix, whole, layout.num_perm)
            rows = np.flatnonzero(valid & stands[at : at + len(valid)])
            records: NDArray[Any] = np.empty(len(rows), found[0].dtype)
            records["high"], records["low"] = hashes[rows, 0], hashes[rows, 1]
            records["document"], records["prefer"] = document + rows, prefer[at + rows]
            found.append(records)
    return np.concatenate(found)


def _grouped(records: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pairs (document, preferred document), ascending, of all but the preferred of each hash, and those records."""
    records = records[np.argsort(records["high"])]
    shared = shared_keys(records["high"])
    alone, records = records[~shared], records[shared]
    records = records[preferred_order(records, records["low"], records["high"])]
    first = starts_of(records["high"], records["low"])
    leads = records[first]
    pairs = np.empty(len(records) - len(leads), spill.PAIR)
    pairs["document"] = records["document"][~first]
    pairs["twin"] = leads["document"][np.cumsum(first) - 1][~first]
    return pairs[np.argsort(pairs["document"])], np.concatenate([alone, leads])


def find_groups(unit: GroupUnit) -> None:
    """Writes the pairs (document, preferred document) of a range, cut by stretch."""
    layout = unit.layout
    files = layout.files(unit.kind, layout.stretches)
    pairs, _ = _grouped(spill.read_cut(files, hash_dtype(layout), unit.ranges, unit.number))
    place = layout.file(f"{unit.kind}-groups", unit.number)
    spill.write_cut(place, pairs, layout.stretch_of(pairs["document"]), layout.stretches)


def pairs_of(layout: Layout, kind: str, ranges: int, stretch: int) -> NDArray[Any]:
    """A stretch's pairs (document, preferred document of all stretches), ascending; frozen documents stay."""
    own = spill.load(layout.file(f"{kind}-local", stretch), spill.PAIR)
    leads = spill.read_cut(layout.files(f"{kind}-groups", ranges), spill.PAIR, layout.stretches, stretch)
    leads = leads[np.argsort(leads["document"])]
    found, at = look_up(leads["document"], own["twin"])
    own["twin"][found] = leads["twin"][at[found]]
    pairs = np.concatenate([own, leads])
    return pairs[np.argsort(pairs["document"])]


def look_up(
    keys: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the wanted are among the ascending keys, and where each then is."""
    if len(keys) == 0:
        return np.zeros(len(wanted), np.bool_), np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return keys[at] == wanted, at


@njit(cache=True, nogil=True)
def band_keys(signatures, firsts, rows):  # type: ignore[no-untyped-def]
    """uint64 (documents, bands): hash of `rows` values from column firsts[band] on, and of the band's number."""
    keys = np.empty((signatures.shape[0], firsts.shape[0]), np.uint64)
    for document in range(signatures.shape[0]):
        for band in range(firsts.shape[0]):
            h = np.uint64(band + 1) * K2
            for index in range(firsts[band], firsts[band] + rows):
                h = (h ^ np.uint64(signatures[document, index])) * K1
                h ^= h >> np.uint64(32)
            h = (h ^ h >> np.uint64(29)) * K2
            keys[document, band] = h ^ h >> np.uint64(32)
    return keys
