"""The units of prepared texts (refinery.text.prepare), words and characters, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.hashing import hash_bytes
from refinery.text.tables import decode, lookup


class Units(NamedTuple):
    """Of all texts in a row.

    hash: uint64; document: int64, the text it is of; start, end: int64, bytes of the batch's data; is_character:
    bool, whether it is a character of a script without spaces.
    """

    hash: NDArray[np.uint64]
    document: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    is_character: NDArray[np.bool_]


def cut_units(prepared: TextBatch) -> Units:
    """Every word and character of every text.

    >>> units = cut_units(TextBatch.from_texts(["aspirin 阿 司", "100"]))
    >>> units.document.tolist(), units.is_character.tolist()
    ([0, 0, 0, 1], [False, True, True, False])
    """
    folding = fold.tables(simplified=False)
    text = prepared.data[prepared.offsets[0] : prepared.offsets[-1]]
    most = int(np.count_nonzero(text == 32)) + len(prepared)
    document, start, end = np.empty((3, most), np.int64)
    units = Units(np.empty(most, np.uint64), document, start, end, np.empty(most, np.bool_))
    count = _cut(prepared.data, prepared.offsets, folding.stage1, folding.stage2, units)
    return Units._make(array[:count] for array in units)


@njit(cache=True, nogil=True)
def _cut(data, offsets, stage1, stage2, units):  # type: ignore[no-untyped-def]
    """Fills the arrays; returns how many units there are."""
    count = np.int64(0)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        while position < end:
            start = position
            while position < end and data[position] != 32:
                position += 1
            code, _ = decode(data, start)
            kind = lookup(code, stage1, stage2) & fold.CLASS
            units.hash[count], units.document[count] = hash_bytes(data, start, position), document
            units.start[count], units.end[count] = start, position
            units.is_character[count] = kind == fold.CHAR
            count += 1
            position += 1
    return count
