"""C4's line and page tests (Raffel et al. 2020, section 2.2) as counts, in datatrove's reading and order.

Each line that is not blank meets these tests, and leaves at the first that fails:
a word between white space of more than 1000 code points; citations are removed ([12], [edit], [citation needed])
and the white space they leave at the end; no terminal mark at the end, or "..."; fewer than 3 words
(counted before citations are removed); "lorem ipsum" (C4 drops the page); "javascript"; "{" (C4 drops the page);
a policy phrase. What is left is kept, and its sentences are counted: sentence ends, one more if letters follow the
last. Terminal marks are C4's (. ? ! " ') and those of every script, with closing quotation marks and brackets after
them or a closing quotation mark alone, where datatrove knows ASCII. Phrases are found in any case. The paper's text
and TFDS say 5 words a line and 3 sentences a page where datatrove says 3 and 5.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.lines import ends_sentence
from refinery.text.segment import LINES, LONGEST, SENTENCES, WORDS, citation
from refinery.text.tables import decode_before

KEPT, KEPT_SENTENCES, LOREM_IPSUM, CURLY_BRACKET, JAVASCRIPT, POLICY, COUNTS = range(7)
MIN_WORDS = 3
MAX_WORD_LENGTH = 1000

# Where to look closer: a rare byte of each phrase, and how far from it the phrase starts.
_PHRASES = (
    (b"lorem ipsum", 7, LOREM_IPSUM),
    (b"javascript", 0, JAVASCRIPT),
    (b"{", 0, CURLY_BRACKET),
    (b"terms of use", 7, POLICY),
    (b"privacy policy", 3, POLICY),
    (b"cookie policy", 3, POLICY),
    (b"uses cookies", 8, POLICY),
    (b"use of cookies", 10, POLICY),
    (b"use cookies", 7, POLICY),
)
_TEXT = np.frombuffer(b"".join(phrase for phrase, _, _ in _PHRASES), np.uint8)
_FROM = np.cumsum([0] + [len(phrase) for phrase, _, _ in _PHRASES]).astype(np.int64)
_RARE = np.array([offset for _, offset, _ in _PHRASES], np.int64)
_KIND = np.array([kind for _, _, kind in _PHRASES], np.int64)
_QUOTES = np.array([ord(mark) for mark in "\"'”’»›」』"], np.int32)
_IS_RARE = np.zeros(256, np.uint8)
for _phrase, _offset, _kind in _PHRASES:
    _IS_RARE[_phrase[_offset]] = 1


@njit(cache=True, nogil=True)
def _find(text, start, end):  # type: ignore[no-untyped-def]
    """Kinds of phrase (bit 1 << kind) in lower-case text[start:end]."""
    found = 0
    for p in range(start, end):
        if not _IS_RARE[text[p]]:
            continue
        for k in range(len(_KIND)):
            length = _FROM[k + 1] - _FROM[k]
            first = p - _RARE[k]
            if text[p] != _TEXT[_FROM[k] + _RARE[k]] or first < start or first + length > end:
                continue
            same = True
            for i in range(length):
                if text[first + i] != _TEXT[_FROM[k] + i]:
                    same = False
                    break
            if same:
                found |= 1 << _KIND[k]
    return found


@njit(cache=True, nogil=True)
def _copy(data, start, end, low):  # type: ignore[no-untyped-def]
    """Copies data[start:end] in ASCII lower case, without citations; returns the length."""
    bracket = False
    for i in range(end - start):
        byte = data[start + i]
        bracket |= byte == 91
        low[i] = byte + (32 if byte >= 65 and byte <= 90 else 0)
    if not bracket:
        return end - start
    length, p = np.int64(0), start
    while p < end:
        if data[p] == 91:
            after = citation(data, p, end)
            if after > 0:
                p = after
                continue
        low[length] = low[p - start]
        length += 1
        p += 1
    while length > 0 and (low[length - 1] == 32 or (low[length - 1] >= 9 and low[length - 1] <= 13)):
        length -= 1
    return length


@njit(cache=True, nogil=True)
def _ends(low, length, stage1, stage2):  # type: ignore[no-untyped-def]
    """Whether a line ends with a terminal mark and not with "..."."""
    if length == 0:
        return False
    code, _ = decode_before(low, length)
    if code == 46:
        return not (length >= 3 and low[length - 2] == 46 and low[length - 3] == 46)
    for mark in _QUOTES:
        if code == mark:
            return True
    return ends_sentence(low, 0, length, stage1, stage2)


@njit(cache=True, nogil=True)
def c4(data, stage1, stage2, lines, facts, counts):  # type: ignore[no-untyped-def]
    """Fills counts (int64, by the constants above) from the lines that the walk found."""
    counts[:] = 0
    starts, ends, line_facts, _, _, low = lines
    for i in range(facts[LINES]):
        if line_facts[i, LONGEST] > MAX_WORD_LENGTH or line_facts[i, WORDS] < MIN_WORDS:
            continue
        length = _copy(data, starts[i], ends[i], low)
        if not _ends(low, length, stage1, stage2):
            continue
        found = _find(low, 0, length)
        if found & (1 << LOREM_IPSUM):
            counts[LOREM_IPSUM] += 1
        elif found & (1 << JAVASCRIPT):
            counts[JAVASCRIPT] += 1
        elif found & (1 << CURLY_BRACKET):
            counts[CURLY_BRACKET] += 1
        elif found & (1 << POLICY):
            counts[POLICY] += 1
        else:
            counts[KEPT] += 1
            counts[KEPT_SENTENCES] += line_facts[i, SENTENCES]
