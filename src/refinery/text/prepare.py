"""The preparation that relevance models are trained and scored with: one function for both sides.

A document's key text (see refinery.text.fold: compatibility forms, capitals and punctuation folded) with a space
around every character of a script written without spaces. So a fastText model sees words of spaced scripts and single
characters of Chinese, Japanese or Thai, its word n-grams become character n-grams there, and no segmenter is needed.
Words that begin with `__label__` are left out, as fastText itself does: they are leaked training data, not text.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from numba import njit

from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.tables import decode, lookup

_LABEL = b"__label__"
_LABEL_WORD = r"(^|[\s\x00\v])__label__[^\s\x00\v]*"
WORDS = "words-1"  # name and version of this preparation, as model cards have it


def prepare(batch: TextBatch) -> TextBatch:
    """Every document's words, joined by single spaces, on one line.

    >>> prepare(TextBatch.from_texts(["Aspirin（阿司匹林）,\\n100 mg!"])).to_arrow().to_pylist()
    ['aspirin 阿 司 匹 林 100 mg']
    """
    if _LABEL in batch.data[batch.offsets[0] : batch.offsets[-1]].tobytes():
        batch = TextBatch.from_arrow(pc.replace_substring_regex(batch.to_arrow(), _LABEL_WORD, r"\1 "))
    keys, tables = fold.key_texts(batch), fold.tables(simplified=False)
    out = np.empty(2 * keys.nbytes + len(keys), np.uint8)
    bounds = np.zeros(len(keys) + 1, np.int64)
    _space(keys.data, keys.offsets, tables.stage1, tables.stage2, out, bounds)
    return TextBatch(out[: bounds[-1]], bounds)


@njit(cache=True, nogil=True)
def _space(data, offsets, stage1, stage2, out, bounds):  # type: ignore[no-untyped-def]
    """Copies key texts with spaces around characters; a mark stays with what it follows."""
    size = 0
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        start, after_character = size, False
        while position < end:
            if data[position] < 128:
                space = data[position] == 32
                if after_character and not space:
                    out[size] = 32
                    size += 1
                out[size] = data[position]
                size += 1
                position += 1
                after_character = False
                continue
            code, width = decode(data, position)
            kind = lookup(code, stage1, stage2) & fold.CLASS
            character = kind == fold.CHAR
            if (
                (character or (after_character and kind != fold.MARK))
                and size > start
                and out[size - 1] != 32
            ):
                out[size] = 32
                size += 1
            for i in range(width):
                out[size + i] = data[position + i]
            size += width
            position += width
            after_character = character or (after_character and kind == fold.MARK)
        bounds[document + 1] = size
