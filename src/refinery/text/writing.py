"""How documents are written: letters by script and case, signs of Chinese and Japanese, words glued together.

One walk counts the code points of each kind, a kind being all that `writing.npz` (tools/generate_writing.py) says of
them: script, letter, capital, and for Han characters which language or form of Chinese writes them. Sixty-four bytes
at a time: of ASCII, bits are counted; only what is not ASCII is decoded. It takes a tenth of the time of the language
model beside it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.fasttext_machine import lowest_bit
from refinery.text.machine_bits import count_bits, graphic_bits, lead_bits, lower_bits, mark_bits, upper_bits
from refinery.text.tables import decode, lookup

DATA = Path(__file__).with_name("writing.npz")

# ISO 15924; other scripts count as the first, which has letters all the same.
_SCRIPTS = (
    "Zzzz Latn Hani Hira Kana Hang Cyrl Arab Deva Thai Grek Hebr Beng Taml Laoo Khmr Mymr Bopo Armn Geor Ethi Telu "
    "Knda Mlym Sinh Gujr Guru Orya Tibt Mong Thaa Syrc Cher Cans Tfng Nkoo Yiii Java Bali Sund Bugi Lana Talu Tale "
    "Tavt Cham Olck Mtei Vaii Limb Lepc Adlm Cakm Lisu Bamu Copt Goth Runr Osma Rohg Hmng Newa"
)
SCRIPTS = tuple(_SCRIPTS.split())
# What a code point's entry holds: the script's number, and these.
SCRIPT = 0xFF
LETTER = 1 << 8  # category L
UPPER = 1 << 9  # category Lu
JAPANESE = 1 << 10  # written in Japanese and not in Chinese
CHINESE = 1 << 11  # written in Chinese and not in Japanese, or there only among kana
SIMPLIFIED = 1 << 12  # of simplified Chinese alone
TRADITIONAL = 1 << 13  # of traditional Chinese alone
CANTONESE = 1 << 14
WU = 1 << 15


class Writing(NamedTuple):
    """Counts a document, int64, shape (documents,) but `scripts`.

    scripts: letters by script, shape (documents, len(SCRIPTS)); runs: words of ASCII letters; glued: those of them
    that follow another with nothing but signs or digits between (' and - do not glue), or begin with a capital after
    a small letter; letters, upper: all letters, and capitals; the others: code points with that flag.
    """

    scripts: NDArray[np.int64]
    runs: NDArray[np.int64]
    glued: NDArray[np.int64]
    letters: NDArray[np.int64]
    upper: NDArray[np.int64]
    japanese: NDArray[np.int64]
    chinese: NDArray[np.int64]
    simplified: NDArray[np.int64]
    traditional: NDArray[np.int64]
    cantonese: NDArray[np.int64]
    wu: NDArray[np.int64]


class _Tables(NamedTuple):
    """stage1: uint16 (8704,); stage2: uint8 kinds of blocks of 128; entries: int64 (kinds,)."""

    stage1: NDArray[np.uint16]
    stage2: NDArray[np.uint8]
    entries: NDArray[np.int64]


@cache
def _tables() -> _Tables:
    with np.load(DATA) as data:
        found = _Tables(data["stage1"], data["stage2"], data["kinds"].astype(np.int64))
    for array in found:
        array.flags.writeable = False
    return found


def writing(batch: TextBatch) -> Writing:
    """How each document is written.

    >>> found = writing(TextBatch.from_texts(["NASA's 漢字", "a/b fooBar"]))
    >>> found.letters.tolist(), found.upper.tolist(), found.traditional.tolist()
    ([7, 8], [4, 1], [1, 0])
    >>> found.runs.tolist(), found.glued.tolist()
    ([2, 4], [0, 2])
    """
    stage1, stage2, entries = _tables()
    scripts = np.zeros((len(batch), len(SCRIPTS)), np.int64)
    others = np.zeros((len(Writing._fields) - 1, len(batch)), np.int64)
    _count(batch.data, batch.offsets, stage1, stage2, entries, scripts, others)
    return Writing(scripts, *others)


@njit(cache=True, nogil=True)
def _add_kinds(kinds, entries, scripts, others):  # type: ignore[no-untyped-def]
    """Adds a document's code points of each kind to its script and to `others`, letters first; empties `kinds`."""
    for kind in range(len(entries)):
        count, entry = kinds[kind], entries[kind]
        if count > 0:
            kinds[kind] = 0
            if entry & LETTER:
                scripts[entry & SCRIPT] += count
            for flag in range(len(others)):
                if entry & (LETTER << flag):
                    others[flag] += count


@njit(cache=True, nogil=True)
def _count(data, offsets, stage1, stage2, entries, scripts, others):  # type: ignore[no-untyped-def]
    """Fills `scripts` and the rows of `others`, which are the other fields of Writing in their order."""
    kinds = np.zeros(len(entries), np.int64)
    ascii_kinds = np.int64(stage1[0]) << 7
    small, large = np.int64(stage2[ascii_kinds + 97]), np.int64(stage2[ascii_kinds + 65])
    last = np.zeros(64, np.uint8)
    one, top = np.uint64(1), np.uint64(63)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        # whether the block before ends in a letter, a lower-case one, signs that began right after a letter
        before = before_lower = open_glue = np.uint64(0)
        uppers = lowers = runs = glued = np.int64(0)
        while position < end:
            block, at = data, position
            if position + 64 > end:
                last[:] = 0
                last[: end - position] = data[position:end]
                block, at = last, np.int64(0)
            upper, lower = upper_bits(block, at), lower_bits(block, at)
            letter = upper | lower
            glue = graphic_bits(block, at) & ~letter & ~mark_bits(block, at)
            behind = (letter << one) | before
            capital = upper & ((lower << one) | before_lower)
            # An addition carries through each run of signs to what follows it.
            starts = (glue & behind) | open_glue
            carried = glue + starts
            open_glue = np.uint64(carried < glue)
            uppers += count_bits(upper)
            lowers += count_bits(lower)
            runs += count_bits((letter & ~behind) | capital)
            glued += count_bits((carried & letter & ~behind) | capital)
            before, before_lower = letter >> top, lower >> top
            leads = lead_bits(block, at)
            while leads != 0:
                code, _ = decode(data, position + lowest_bit(leads))
                leads &= leads - one
                kinds[lookup(code, stage1, stage2)] += 1
            position += 64
        kinds[small] += lowers
        kinds[large] += uppers
        others[0, document], others[1, document] = runs, glued
        _add_kinds(kinds, entries, scripts[document], others[2:, document])
