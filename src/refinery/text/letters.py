"""Whether a document has a letter at all, so that language is only asked of those."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.tables import LETTER, decode, lookup, tables


def has_letter(batch: TextBatch) -> NDArray[np.bool_]:
    """True for each document with at least one letter of any script; reads no further than the first.

    >>> has_letter(TextBatch.from_texts(["", "1984 :)", "漢", "42 a"])).tolist()
    [False, False, True, True]
    """
    found = np.zeros(len(batch), np.bool_)
    _find_letters(batch.data, batch.offsets, *tables(), found)
    return found


@njit(cache=True, nogil=True)
def _find_letters(data, offsets, stage1, stage2, found):  # type: ignore[no-untyped-def]
    for document in range(len(found)):
        position, end = offsets[document], offsets[document + 1]
        while position < end:
            code, width = decode(data, position)
            if lookup(code, stage1, stage2) & LETTER:
                found[document] = True
                break
            position += width
