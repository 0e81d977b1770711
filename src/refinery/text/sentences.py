"""Kernel: where sentences of a text begin, so that what is cut out of one takes no half of a sentence away.

A sentence ends with a line, with . ! ? and what closes after them before white space or a character of East Asia, and
with 。 ！ ？ ； and what closes after them. So no word is cut, and words of a sentence are the same whether it stands
alone or not.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.tables import decode

_PLAIN, _STOP, _WIDE, _CLOSING, _SPACE, _LINE = range(6)
_UNSPACED = 0x2E80  # scripts of East Asia, and their punctuation, begin here


def sentences(batch: TextBatch) -> tuple[TextBatch, NDArray[np.int64]]:
    """The sentences of all documents in order, over the same data, and the number of the first one of each.

    int64 (documents + 1,). Together they are the texts. A document without a text has none.

    >>> found, firsts = sentences(TextBatch.from_texts(['One (1.5). "Two?" Three', "", "第一。”第二"]))
    >>> found.to_arrow().to_pylist()
    ['One (1.5). ', '"Two?" ', 'Three', '第一。”', '第二']
    >>> firsts.tolist()
    [0, 3, 3, 5]
    """
    bounds = np.empty(batch.nbytes + 1, np.int64)
    firsts = np.zeros(len(batch) + 1, np.int64)
    count = _sentences(batch.data, batch.offsets, bounds, firsts)
    bounds[count] = batch.offsets[-1]
    return TextBatch(batch.data, bounds[: count + 1].copy()), firsts


@njit(cache=True, nogil=True)
def _kind(code):  # type: ignore[no-untyped-def]
    if code in (0x0A, 0x0D, 0x2028, 0x2029):
        return _LINE
    if code in (0x20, 0x09, 0xA0, 0x3000):
        return _SPACE
    if code in (0x21, 0x2E, 0x3F):
        return _STOP
    if code in (0x3002, 0xFF01, 0xFF1F, 0xFF1B):
        return _WIDE
    if code in (34, 39, 41, 93, 125, 0x201D, 0x2019, 0xBB, 0x300D, 0x300F, 0xFF09, 0x3011, 0x300B, 0x3009):
        return _CLOSING
    return _PLAIN


@njit(cache=True, nogil=True)
def _sentences(data, offsets, bounds, firsts):  # type: ignore[no-untyped-def]
    count = 0
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        last, spaced, begins = _PLAIN, False, True  # what may end a sentence; whether space is after it
        while position < end:
            code, length = decode(data, position)
            kind = _kind(code)
            ended = last in (_LINE, _WIDE) or (last == _STOP and (spaced or code >= _UNSPACED))
            after = kind in (_SPACE, _LINE) or (kind == _CLOSING and not spaced)
            if begins or (ended and not after):
                bounds[count] = position
                count += 1
                last, spaced, begins = _PLAIN, False, False
            if kind in (_SPACE, _LINE):
                spaced = True
                last = _LINE if kind == _LINE else last
            elif kind in (_STOP, _WIDE):
                last, spaced = kind, False
            elif kind == _PLAIN or spaced:
                last, spaced = _PLAIN, False
            position += length
        firsts[document + 1] = count
    return count
