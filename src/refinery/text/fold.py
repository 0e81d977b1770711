"""The key text of a document: what dedup compares, never what is stored.

Two documents have the same key text if they differ only in what a reader of their words does not see. It is
made in this order, code point by code point:

1. Default-ignorable code points (joiners, soft hyphen, variation selectors, direction marks) are dropped.
2. Canonical and compatibility decomposition and full case folding (Unicode's NFKD and toCasefold), with combining
   marks put in canonical order: NFC and NFD, full-width and ASCII forms, ligatures, capitals become one. Accents
   and vowel signs stay, digits stay. (The iota subscript U+0345 stays a mark.)
3. Letters, digits and what Unicode does not know yet make words. Letters of scripts written without spaces (Han,
   kana, Thai, Lao, Khmer, Myanmar) and emoji stand alone as characters. A mark belongs to what it follows.
4. Everything else (punctuation, symbols, white space, U+200B, controls, a mark that follows nothing) separates.
   Words are joined by one space; no space stands beside a character.

Where it is asked for, traditional Chinese characters become simplified ones in step 2, one by one: OpenCC's table of
characters (`TSCharacters`, Apache License 2.0).

A document of punctuation alone has an empty key text. Cost: one table look-up a code point, see `write_keys`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.tables import decode, lookup

DATA = Path(__file__).with_name("fold.npz")
SIMPLIFIED = Path(__file__).with_name("simplified.npz")
PADDING = 16  # bytes after the last key, so that a kernel may read a word eight bytes at a time

SEPARATOR, WORD, CHAR, MARK, DROPPED, HANGUL = range(6)
CLASS = 7
CCC_SHIFT = 3  # canonical combining class, 8 bits
EXPANSION_SHIFT = 11  # index into expansions, 0 for a code point that folds to itself
MOST_BYTES = 11  # bytes a byte of text can fold to: U+FDFA, 3 bytes, becomes 33


class Tables(NamedTuple):
    """Two-stage table of entries (class, combining class, expansion) and the expansions, all read-only.

    stage1: uint16 (8704,); stage2: uint32 (blocks * 128,); expansions: int32, at each index a length and then
    that many code points, each of which folds to itself; ascii: uint8 (128,), the lower-case letter or digit,
    32 for a separator.
    """

    stage1: NDArray[np.uint16]
    stage2: NDArray[np.uint32]
    expansions: NDArray[np.int32]
    ascii: NDArray[np.uint8]


@cache
def tables(*, simplified: bool) -> Tables:
    """Loads the tables once a process (about 5 ms); simplified: traditional Chinese characters fold to those."""
    if simplified:
        with np.load(SIMPLIFIED) as data:
            return with_replacements(tables(simplified=False), data["traditional"], data["simplified"])
    with np.load(DATA) as data:
        stage1, stage2, expansions = data["stage1"], data["stage2"], data["expansions"]
    letters = np.frombuffer(bytes(range(128)).lower(), np.uint8)
    ascii_ = np.where(stage2[:128] & CLASS == WORD, letters, np.uint8(32))
    found = Tables(stage1, stage2, expansions, ascii_)
    for array in found:
        array.flags.writeable = False
    return found


def with_replacements(
    found: Tables, old: NDArray[np.int32], new: NDArray[np.int32], dropped: NDArray[np.int32] | None = None
) -> Tables:
    """The same tables, in which code points `old`, ascending, fold to those of `new`, as what expands to them does.

    new: each folds to itself; dropped: code points that leave nothing.
    """
    entries = found.stage2.reshape(-1, 128)[found.stage1].reshape(-1)
    places = len(found.expansions) + 2 * np.arange(len(old))
    entries[old] = entries[new] & CLASS | places.astype(np.uint32) << EXPANSION_SHIFT
    if dropped is not None:
        entries[dropped] = DROPPED
    at = np.searchsorted(old, found.expansions).clip(max=len(old) - 1)
    is_old = old[at] == found.expansions  # lengths are no characters
    more = np.column_stack([np.ones_like(new), new]).reshape(-1)
    numbers: dict[bytes, int] = {}
    stage1 = [numbers.setdefault(b.tobytes(), len(numbers)) for b in entries.reshape(-1, 128)]
    replaced = Tables(
        np.array(stage1, np.uint16),
        np.frombuffer(b"".join(numbers), np.uint32),
        np.concatenate([np.where(is_old, new[at], found.expansions), more]),
        found.ascii,
    )
    for array in replaced:
        array.flags.writeable = False
    return replaced


def key_texts(batch: TextBatch, *, simplified: bool = False) -> TextBatch:
    """The key text of every document, as UTF-8; its data has at least PADDING bytes after the last key.

    simplified: traditional Chinese characters are as the simplified ones.

    >>> key_texts(TextBatch.from_texts(["“It’s FINE”\\u00a0…\\t(No. ②)", "第３条 abc 。"])).to_arrow().to_pylist()
    ['it s fine no 2', '第3条abc']
    >>> key_texts(TextBatch.from_texts(["戰國時代"]), simplified=True).to_arrow().to_pylist()
    ['战国时代']
    """
    return fold_texts(batch, tables(simplified=simplified))


def fold_texts(batch: TextBatch, folding: Tables) -> TextBatch:
    """The key text of every document by these tables, as `key_texts` gives it."""
    out = np.empty(batch.nbytes * MOST_BYTES + PADDING, np.uint8)  # untouched pages cost nothing
    bounds = np.zeros(len(batch) + 1, np.int64)
    write_keys(batch.data, batch.offsets, *folding, out, bounds)
    return TextBatch(out[: bounds[-1] + PADDING], bounds)


@njit(cache=True, nogil=True)
def write_keys(data, offsets, stage1, stage2, expansions, ascii_, out, bounds):  # type: ignore[no-untyped-def]
    """Writes document i's key text to `out[bounds[i]:bounds[i + 1]]`, linear in its length.

    `out` needs MOST_BYTES for each byte of text. ASCII, a run at a time, costs about two cycles a byte.
    """
    size = 0
    for document in range(offsets.shape[0] - 1):
        position, end = offsets[document], offsets[document + 1]
        start = size
        last = np.int64(SEPARATOR)  # class of what was written last; SEPARATOR when a separator followed it
        marks = size  # where the run of combining marks began that ends at `size`
        highest = np.int64(0)  # combining class of its last mark
        ordered = True
        while position < end:
            if data[position] < 128:
                if not ordered:
                    _reorder(out, marks, size, stage1, stage2)
                    ordered = True
                word = last == WORD
                while position < end and data[position] < 128:
                    folded = ascii_[data[position]]
                    out[size] = folded
                    here = folded != 32
                    size += here or word
                    word = here
                    position += 1
                # A separator after a character leaves no space behind, so `last` alone remembers it.
                last = np.int64(WORD) if word else np.int64(SEPARATOR)
                marks, highest = size, np.int64(0)
                continue
            code, length = decode(data, position)
            position += length
            entry = np.int64(lookup(code, stage1, stage2))
            kind = entry & CLASS
            if kind == DROPPED:
                continue
            place = entry >> EXPANSION_SHIFT
            if ordered and entry in (CHAR, WORD):  # the common case, cut short
                if entry == CHAR and last == SEPARATOR and size > start and out[size - 1] == 32:
                    size -= 1
                for index in range(length):
                    out[size + index] = data[position - length + index]
                size += length
                last, marks, highest = entry, size, np.int64(0)
                continue
            count = np.int64(1)
            if kind == HANGUL:
                count = np.int64(2) if (code - 0xAC00) % 28 == 0 else np.int64(3)
            elif place > 0:
                count = np.int64(expansions[place])
            point = code
            for index in range(count):
                if kind == HANGUL:
                    point, entry = np.int64(_jamo(code, index)), np.int64(WORD)
                elif place > 0:
                    point = np.int64(expansions[place + 1 + index])
                    entry = np.int64(stage2[(np.int64(stage1[point >> 7]) << 7) + (point & 127)])
                part = entry & CLASS
                rank = (entry >> CCC_SHIFT) & 255
                if part == MARK and last == SEPARATOR:
                    part = np.int64(SEPARATOR)
                if rank == 0 or part == SEPARATOR:
                    if not ordered:
                        _reorder(out, marks, size, stage1, stage2)
                        ordered = True
                    highest = np.int64(0)
                if part == SEPARATOR:
                    if last == WORD:
                        out[size] = 32
                        size += 1
                    last = np.int64(SEPARATOR)
                    marks = size
                    continue
                if part == DROPPED:
                    continue
                if part == CHAR and last == SEPARATOR and size > start and out[size - 1] == 32:
                    size -= 1
                size = _encode(out, size, point)
                if part != MARK:
                    last = part
                if rank == 0:
                    marks = size
                else:
                    ordered = bool(ordered and rank >= highest)
                    highest = max(highest, rank)
        if not ordered:
            _reorder(out, marks, size, stage1, stage2)
        if size > start and out[size - 1] == 32:
            size -= 1
        bounds[document + 1] = size


@njit(cache=True, nogil=True)
def _jamo(code, index):  # type: ignore[no-untyped-def]
    # Unicode Standard, section 3.12: a Hangul syllable's leading consonant, vowel or trailing consonant.
    syllable = code - 0xAC00
    if index == 0:
        return 0x1100 + syllable // 588
    if index == 1:
        return 0x1161 + syllable % 588 // 28
    return 0x11A7 + syllable % 28


@njit(cache=True, nogil=True)
def _encode(out, size, code):  # type: ignore[no-untyped-def]
    if code < 0x80:
        out[size] = code
        return size + 1
    if code < 0x800:
        out[size] = 0xC0 | code >> 6
        out[size + 1] = 0x80 | code & 63
        return size + 2
    if code < 0x10000:
        out[size] = 0xE0 | code >> 12
        out[size + 1] = 0x80 | code >> 6 & 63
        out[size + 2] = 0x80 | code & 63
        return size + 3
    out[size] = 0xF0 | code >> 18
    out[size + 1] = 0x80 | code >> 12 & 63
    out[size + 2] = 0x80 | code >> 6 & 63
    out[size + 3] = 0x80 | code & 63
    return size + 4


@njit(cache=True, nogil=True)
def _reorder(out, start, end, stage1, stage2):  # type: ignore[no-untyped-def]
    """Puts the marks in out[start:end] into canonical order: a stable counting sort by combining class."""
    codes = np.empty(end - start, np.int32)
    ranks = np.empty(end - start, np.uint8)
    starts = np.zeros(257, np.int64)
    count, position = 0, start
    while position < end:
        code, length = decode(out, position)
        position += length
        entry = lookup(code, stage1, stage2)
        codes[count] = code
        ranks[count] = (entry >> CCC_SHIFT) & 255
        starts[ranks[count] + 1] += 1
        count += 1
    for rank in range(256):
        starts[rank + 1] += starts[rank]
    order = np.empty(count, np.int64)
    for index in range(count):
        order[starts[ranks[index]]] = index
        starts[ranks[index]] += 1
    position = start
    for index in range(count):
        position = _encode(out, position, np.int64(codes[order[index]]))
