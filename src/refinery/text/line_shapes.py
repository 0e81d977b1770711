"""Kernel: what lines or paragraphs are made of, counted in one walk over their characters.

Words are runs between white space that have a letter or a digit; of scripts without spaces each letter is one. A
link is an address (http://, https://, www.) up to white space, a quote or a closing bracket, or a whole
[label](target). A part begins as an entry of a list does by one of `lines.BULLET_MARKS`, or by digits or one letter
with a . or ) or 、 and white space (or, of scripts without spaces, a letter) after it. It ends a sentence if its last
character is one that does, closing quotes and brackets aside.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.lines import BULLET_MARKS
from refinery.text.tables import (
    BREAK,
    CLOSE,
    DIGIT,
    LETTER,
    PUNCT,
    SYMBOL,
    TERMINAL,
    UNSPACED,
    UPPER,
    decode,
    lookup,
    tables,
)

CHARS, WORDS, LETTERS, DIGITS, UPPERS, PUNCTUATION, LINKS, LINKED, ENDS, BULLET, SHAPE = range(11)
_BULLETS = np.array([ord(mark) for mark in BULLET_MARKS], np.int32)
_AFTER_NUMBER = np.array([ord(mark) for mark in ".)、"], np.int32)
_HTTP, _WWW = np.frombuffer(b"http", np.uint8), np.frombuffer(b"www.", np.uint8)
_COLON = np.frombuffer(b"://", np.uint8)
_OPEN, _CLOSED, _PARENTHESIS, _LEFT = 91, 93, 41, 40  # [ ] ) (
_ENDS_LINK = np.array([ord(mark) for mark in ")]>}\"'」』）》"], np.int32)


def shapes(batch: TextBatch, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int32]:
    """int32, shape (SHAPE, parts): code points, words, letters, digits and so on of the parts data[start:end].

    ENDS: 1 of one that ends a sentence; BULLET: 1 of one that begins an entry of a list; LINKED: characters of links.

    >>> batch = TextBatch.from_texts(["- See https://a.b/c."])
    >>> shapes(batch, np.array([0]), np.array([20]))[[CHARS, WORDS, LINKS, LINKED, ENDS, BULLET], 0].tolist()
    [20, 2, 1, 14, 1, 1]
    """
    found = np.zeros((len(start), SHAPE), np.int32)
    _shapes(batch.data, start, end, *tables(), found)
    return np.ascontiguousarray(found.T)


@njit(cache=True, nogil=True)
def is_at(data, place, end, word):  # type: ignore[no-untyped-def]
    """Whether the ASCII word stands at `place`, in either case."""
    if place + len(word) > end:
        return False
    for i in range(len(word)):
        byte = data[place + i]
        if byte != word[i] and (byte | 32) != word[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _begins_link(data, place, end):  # type: ignore[no-untyped-def]
    if is_at(data, place, end, _HTTP):
        place += 4
        place += place < end and (data[place] | 32) == 115
        return is_at(data, place, end, _COLON)
    return is_at(data, place, end, _WWW)


@njit(cache=True, nogil=True)
def _is_one(code, marks):  # type: ignore[no-untyped-def]
    for mark in marks:
        if code == mark:
            return True
    return False


@njit(cache=True, nogil=True)
def begins_entry(data, start, end, stage1, stage2):  # type: ignore[no-untyped-def]
    """Whether data[start:end] begins as an entry of a list does."""
    code, width = decode(data, start)
    if _is_one(code, _BULLETS):
        return True
    place, digits, letters = start, 0, 0
    while place < end and digits < 4:
        code, width = decode(data, place)
        entry = np.int64(lookup(code, stage1, stage2))
        if entry & DIGIT and letters == 0:
            digits += 1
        elif entry & LETTER and not entry & UNSPACED and digits + letters == 0:
            letters = 1
        else:
            break
        place += width
    if digits + letters == 0 or place >= end or not _is_one(code, _AFTER_NUMBER):
        return False
    place += width
    if place >= end:
        return False
    entry = np.int64(lookup(decode(data, place)[0], stage1, stage2))
    return (entry & (BREAK | UNSPACED)) != 0


@njit(cache=True, nogil=True)
def _shapes(data, starts, ends, stage1, stage2, found):  # type: ignore[no-untyped-def]
    for part in range(len(starts)):
        start, end, shape = starts[part], ends[part], found[part]
        chars = words = 0
        in_word = False
        opened = -1  # code points before the last [
        link = -1  # code points before the address that goes on here
        counted = 0  # code points up to the end of the last link
        target = False  # in the (target) of a link
        previous = np.int64(0)
        place = start
        while place < end:
            code, width = decode(data, place)
            entry = np.int64(lookup(code, stage1, stage2))
            if link >= 0 and not target and (entry & BREAK or _is_one(code, _ENDS_LINK)):
                shape[LINKED] += chars - link
                counted, link = chars, -1
            if code == _OPEN:
                opened = chars
            elif code == _LEFT and previous == _CLOSED and opened >= counted:
                link, target, opened = opened, True, -1
                shape[LINKS] += 1
            elif code == _PARENTHESIS and target:
                shape[LINKED] += chars + 1 - link
                counted, link, target = chars + 1, -1, False
            if entry & LETTER:
                if link < 0 and not in_word and _begins_link(data, place, end):
                    link = chars
                    shape[LINKS] += 1
                shape[LETTERS] += 1
                shape[UPPERS] += (entry & UPPER) != 0
                if entry & UNSPACED:
                    words += 1
                    in_word = False
                elif not in_word:
                    words += 1
                    in_word = True
            elif entry & DIGIT:
                shape[DIGITS] += 1
                if not in_word:
                    words += 1
                    in_word = True
            elif entry & BREAK:
                in_word = False
            if entry & (PUNCT | SYMBOL):
                shape[PUNCTUATION] += 1
            if not entry & CLOSE:
                shape[ENDS] = (entry & TERMINAL) != 0
            chars += 1
            previous = code
            place += width
        if link >= 0:
            shape[LINKED] += chars - link
        shape[CHARS], shape[WORDS] = chars, words
        shape[BULLET] = begins_entry(data, start, end, stage1, stage2)
