"""Buckets of documents that share a band's key, and the records that are compared in them.

Each stretch writes (key, document) cut by key range; a unit a range finds the keys of two documents or more and sends
(document, bucket) back to the stretches; each of these reads its signatures once, in order, and writes (bucket,
document, preferences, signature) cut by bucket, so that whoever compares looks nothing up. A bucket of more than
GIANT documents is cut into pieces in the order of document numbers, and all its pieces meet its BEST preferred ones.

Compared are the lowest 8 bits of each hash, after a mixing step: b-bit minwise hashing (Li and Koenig, "b-Bit Minwise
Hashing", WWW 2010), a quarter of the bytes. Without mixing two shingles whose hashes agree in 8 bits would agree in
every permutation, since those are affine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import groups, spill
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
from refinery.text.hashing import fmix32

BEST = 32
GIANT = 1 << 17

BAND = np.dtype([("high", np.uint64), ("document", np.int64)])  # a band's key
MEMBER = np.dtype([("document", np.int64), ("bucket", np.uint64)])
PIECE = np.dtype(
    [("bucket", np.uint64), ("whole", np.uint64)]
)  # a giant bucket's piece, and the bucket's key


@dataclass(frozen=True)
class BandUnit:
    """One stretch: writes the band keys of documents that stand for themselves."""

    layout: Layout
    number: int
    pieces: tuple[Piece, ...]
    bands: int
    rows: int
    ranges: int


@dataclass(frozen=True)
class KeyUnit:
    """One range of band keys."""

    layout: Layout
    number: int
    ranges: int


@dataclass(frozen=True)
class SignUnit:
    """One stretch: writes signatures to the parts of buckets; `ranges` of band keys were there."""

    layout: Layout
    number: int
    pieces: tuple[Piece, ...]
    ranges: int
    parts: int


def signed_dtype(layout: Layout) -> np.dtype[Any]:
    """A bucket's document, its preferences, and 8 bits of each hash of its signature."""
    fields = (("bucket", np.uint64), ("document", np.int64))
    return np.dtype([*layout.with_preferences(*fields).descr, ("signature", np.uint8, (layout.num_perm,))])


def write_bands(unit: BandUnit) -> None:
    """Writes a stretch's (band key, document), cut by range, but for those in its files of exact or alike pairs."""
    layout = unit.layout
    gone, _ = read_entries(layout, unit.pieces)
    np.logical_not(gone, out=gone)
    first = unit.pieces[0].document
    for kind in ("exact", "alike"):
        gone[spill.load(layout.file(f"{kind}-pairs", unit.number), spill.PAIR)["document"] - first] = True
    firsts = np.arange(unit.bands) * unit.rows
    place = layout.file("bands", unit.number)
    with spill.CutWriter(place, BAND, unit.ranges, layout.range_bytes) as writer:
        for piece in unit.pieces:
            for document, values in read_column(piece, "signature"):
                matrix, valid = fixed(values, np.uint32)
                at = document - first
                rows = np.flatnonzero(valid & ~gone[at : at + len(valid)])
                records = np.empty((len(rows), unit.bands), BAND)
                records["high"] = groups.band_keys(matrix, firsts, unit.rows)[rows]
                records["document"] = (document + rows)[:, None]
                writer.write(records.reshape(-1), spill.part_of(records["high"].reshape(-1), unit.ranges))


def find_buckets(unit: KeyUnit) -> int:
    """Writes members of buckets of two or more, cut by stretch, and the pieces of giant ones; gives the members."""
    layout = unit.layout
    records = spill.read_cut(layout.files("bands", layout.stretches), BAND, unit.ranges, unit.number)
    high = np.ascontiguousarray(records["high"])
    order = np.argsort(high)
    order = order[shared_keys(high[order])]
    members = np.empty(len(order), MEMBER)
    members["document"], members["bucket"] = records["document"][order], high[order]
    del records, high, order
    ends = np.append(np.flatnonzero(starts_of(members["bucket"])), len(members))[1:]
    sizes = np.diff(ends, prepend=0)
    pieces = [np.empty(0, PIECE)]
    for bucket in np.flatnonzero(sizes > GIANT).tolist():
        here = slice(int(ends[bucket] - sizes[bucket]), int(ends[bucket]))
        members["document"][here].sort()
        whole = members["bucket"][here.start]
        numbers = np.arange(sizes[bucket]) // GIANT
        cut = spill.scattered(np.arange(int(numbers[-1]) + 1) + 1) ^ whole
        members["bucket"][here] = cut[numbers]
        pieces.append(np.array([(piece, whole) for piece in cut.tolist()], PIECE))
    spill.write_cut(
        layout.file("members", unit.number), members, layout.stretch_of(members["document"]), layout.stretches
    )
    spill.save(layout.file("giants", unit.number), np.concatenate(pieces))
    return len(members)


def giants(layout: Layout, ranges: int) -> NDArray[Any]:
    """The pieces of all giant buckets, by bucket."""
    found = [spill.load(place, PIECE) for place in layout.files("giants", ranges)]
    joined = np.concatenate(found)
    return joined[np.argsort(joined["bucket"])]


def write_signed(unit: SignUnit) -> None:
    """Writes a stretch's members with preferences and signatures, cut by bucket, and its best of giant buckets."""
    layout = unit.layout
    members = spill.read_cut(layout.files("members", unit.ranges), MEMBER, layout.stretches, unit.number)
    members = members[np.lexsort((members["bucket"], members["document"]))]
    pieces = giants(layout, unit.ranges)
    dtype = signed_dtype(layout)
    best = [np.empty(0, dtype)]
    _, prefer = read_entries(layout, unit.pieces)
    first = unit.pieces[0].document
    place = layout.file("signed", unit.number)
    with spill.CutWriter(place, dtype, unit.parts, layout.range_bytes) as writer:
        for piece in unit.pieces:
            for document, values in read_column(piece, "signature"):
                low, high = np.searchsorted(members["document"], [document, document + len(values)])
                if low == high:
                    continue
                here = members[low:high]
                records = np.empty(len(here), dtype)
                rows = here["document"] - document
                records["bucket"], records["document"] = here["bucket"], here["document"]
                records["prefer"] = prefer[here["document"] - first]
                records["signature"] = low_bits(fixed(values, np.uint32)[0], rows)
                writer.write(records, spill.part_of(records["bucket"], unit.parts))
                if len(pieces):
                    best = [_best(np.concatenate([*best, _of_giants(records, pieces)]))]
    spill.save(layout.file("best", unit.number), best[0])


def _of_giants(records: NDArray[Any], pieces: NDArray[Any]) -> NDArray[Any]:
    found, at = groups.look_up(pieces["bucket"], records["bucket"])
    chosen = records[found]
    chosen["bucket"] = pieces["whole"][at[found]]
    return chosen


def _best(records: NDArray[Any]) -> NDArray[Any]:
    """Of each bucket the BEST preferred documents."""
    records = records[preferred_order(records, records["bucket"])]
    starts = np.flatnonzero(starts_of(records["bucket"]))
    sizes = np.diff(np.append(starts, len(records)))
    return records[np.arange(len(records)) - np.repeat(starts, sizes) < BEST]


def best_of_giants(layout: Layout, wholes: NDArray[np.uint64]) -> NDArray[Any]:
    """The BEST preferred documents of the giant buckets with these keys, from every stretch's best."""
    found = np.empty(0, signed_dtype(layout))
    for place in layout.files("best", layout.stretches):
        records = spill.load(place, found.dtype)
        found = _best(np.concatenate([found, records[np.isin(records["bucket"], wholes)]]))
    return found


@njit(cache=True, nogil=True)
def low_bits(signatures, rows):  # type: ignore[no-untyped-def]
    """uint8 (len(rows), num_perm): the lowest 8 bits of each hash of those rows after MurmurHash3's fmix32."""
    found = np.empty((rows.shape[0], signatures.shape[1]), np.uint8)
    for index in range(rows.shape[0]):
        row = rows[index]
        for k in range(signatures.shape[1]):
            found[index, k] = np.uint8(fmix32(signatures[row, k]) & np.uint32(0xFF))
    return found
