"""All signals of a document from one walk over its bytes: see refinery.filters.signals for what each one is.

The walk (refinery.text.segment) leaves characters counted, tokens numbered and lines measured; all else is computed
from those tables, which are much smaller than the text.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text import c4 as page
from refinery.text import lines as line
from refinery.text.batch import TextBatch
from refinery.text.borrow import borrow
from refinery.text.elementary import log
from refinery.text.ngrams import DUPLICATE, TOP, ngrams
from refinery.text.scratch import Scratch, allocate
from refinery.text.segment import (
    ALPHA,
    BRACKETED,
    DIFFERENT,
    DOTS,
    ENDS,
    FACTS,
    LENGTH,
    LINES,
    NEWLINES,
    SEEN,
    TOKENS,
    WORD,
    release,
    walk,
)
from refinery.text.stopwords import StopWords, stop_words
from refinery.text.tables import (
    DIGIT,
    FULLWIDTH,
    LETTER,
    PUNCT,
    SCRIPT_SHIFT,
    SCRIPTS,
    SPACE,
    UPPER,
    lookup,
    tables,
)

COUNTS = (
    "words",
    "symbols",
    "max_word_length",
    "lines",
    "paragraphs",
    "c4_sentences",
    "c4_lines",
    "c4_lorem_ipsum",
    "c4_curly_bracket",
    "c4_javascript_lines",
    "c4_policy_lines",
    "sentences",
)
RATIOS = (
    "mean_word_length",
    "unique_word_ratio",
    "unigram_entropy",
    "hash_ratio",
    "ellipsis_ratio",
    "alpha_word_ratio",
    "newline_ratio",
    "mean_line_length",
    "bullet_line_ratio",
    "ellipsis_line_ratio",
    "line_punct_ratio",
    "short_line_ratio",
    "line_char_dup_ratio",
    "dup_line_frac",
    "dup_line_char_frac",
    "dup_para_frac",
    "dup_para_char_frac",
    *(f"top_{n}gram_char_frac" for n in TOP),
    *(f"dup_{n}gram_char_frac" for n in DUPLICATE),
    *(f"dup_{n}gram_char_frac_greedy" for n in DUPLICATE),
    "han_ratio",
    "kana_ratio",
    "hangul_ratio",
    "thai_ratio",
    "latin_ratio",
    "cyrillic_ratio",
    "arabic_ratio",
    "devanagari_ratio",
    "upper_ratio",
    "digit_ratio",
    "punct_ratio",
    "fullwidth_punct_ratio",
    "whitespace_ratio",
    "bracket_ratio",
    "unique_char_ratio",
    "char_entropy",
)
_GRAMS = RATIOS.index("top_2gram_char_frac")
_SCRIPTS = RATIOS.index("han_ratio")
_CLASSES = RATIOS.index("upper_ratio")
_SCRIPT_RATIO = np.full(len(SCRIPTS), -1, np.int64)  # which script ratio a script adds to
for _script, _ratio in (
    ("Han", 0),
    ("Hiragana", 1),
    ("Katakana", 1),
    ("Hangul", 2),
    ("Thai", 3),
    ("Latin", 4),
    ("Cyrillic", 5),
    ("Arabic", 6),
    ("Devanagari", 7),
):
    _SCRIPT_RATIO[SCRIPTS.index(_script)] = _ratio
_FIRST_TOKENS, _FIRST_LINES = (
    1 << 16,
    1 << 14,
)  # scratch for ordinary documents; grows by four when it is full


@njit(cache=True, nogil=True)
def _share(part, whole):  # type: ignore[no-untyped-def]
    """part / whole, 0 of nothing."""
    return np.float64(part) / np.float64(whole) if whole > 0 else 0.0


@njit(cache=True, nogil=True)
def _entropy(weighted, total):  # type: ignore[no-untyped-def]
    """-sum(p ln p) of p = k / total, given the sum of k ln k."""
    return max(log(np.float64(total)) - weighted / np.float64(total), 0.0) if total > 0 else 0.0


@njit(cache=True, nogil=True)
def _words(tokens, chars, facts, counts, ratios):  # type: ignore[no-untyped-def]
    """Signals of words and symbols; returns the number of tokens."""
    counted, kinds, points = tokens.counts, tokens.kind, tokens.points
    words = symbols = alphas = different = longest = letters = np.int64(0)
    weighted = 0.0
    for i in range(facts[DIFFERENT]):
        count = np.int64(counted[i])
        kind = kinds[i]
        if not kind & WORD:
            symbols += count
            continue
        words += count
        different += 1
        if kind & ALPHA:
            alphas += count
        letters += count * points[i]
        longest = max(longest, np.int64(points[i]))
        if count > 1:
            weighted += count * log(np.float64(count))
    counts[0], counts[1], counts[2] = words, symbols, longest
    both = words + symbols
    ratios[0] = _share(letters, words)
    ratios[1] = _share(different, words)
    ratios[2] = _entropy(weighted, words)
    ratios[3] = _share(chars[35], both)
    ratios[4] = _share(facts[DOTS] + chars[0x2026], both)
    ratios[5] = _share(alphas, both)
    ratios[6] = _share(facts[NEWLINES], both)


@njit(cache=True, nogil=True)
def _lines(facts, found, counts, ratios):  # type: ignore[no-untyped-def]
    """Signals of lines and paragraphs."""
    number, length = facts[LINES], facts[LENGTH]
    counts[3], counts[4] = number, found[line.PARAGRAPHS]
    ratios[7] = _share(found[line.CHARACTERS], number)
    ratios[8] = _share(found[line.BULLETS], number)
    ratios[9] = _share(found[line.ELLIPSES], number)
    ratios[10] = _share(found[line.TERMINALS], number)
    ratios[11] = _share(found[line.SHORT], number)
    ratios[12] = _share(found[line.COPY_CHARS], length - facts[NEWLINES])
    ratios[13] = _share(found[line.COPIES], number)
    ratios[14] = _share(found[line.COPY_CHARS], length)
    ratios[15] = _share(found[line.PARAGRAPH_COPIES], found[line.PARAGRAPHS])
    ratios[16] = _share(found[line.PARAGRAPH_COPY_CHARS], length)


@njit(cache=True, nogil=True)
def _characters(chars, seen, facts, stage1, stage2, classes, ratios):  # type: ignore[no-untyped-def]
    """Signals of characters; classes is room for 14 int64."""
    classes[:] = 0
    weighted = 0.0
    different = np.int64(0)
    for i in range(128 + facts[SEEN]):
        code = np.int64(i) if i < 128 else np.int64(seen[i - 128])
        count = np.int64(chars[code])
        if count == 0:
            continue
        different += 1
        if count > 1:
            weighted += count * log(np.float64(count))
        flags = np.int64(lookup(code, stage1, stage2))
        if flags & LETTER:
            classes[8] += count
            group = _SCRIPT_RATIO[flags >> SCRIPT_SHIFT]
            if group >= 0:
                classes[group] += count
            if flags & UPPER:
                classes[9] += count
        elif flags & DIGIT:
            classes[10] += count
        elif flags & PUNCT:
            classes[11] += count
            if flags & FULLWIDTH:
                classes[12] += count
        elif flags & SPACE:
            classes[13] += count
    length = facts[LENGTH]
    for group in range(8):
        ratios[_SCRIPTS + group] = _share(classes[group], classes[8])
    ratios[_CLASSES] = _share(classes[9], classes[8])
    for kind in range(10, 14):
        ratios[_CLASSES + kind - 9] = _share(classes[kind], length)
    ratios[_CLASSES + 5] = _share(facts[BRACKETED], length)
    ratios[_CLASSES + 6] = _share(different, length)
    ratios[_CLASSES + 7] = _entropy(weighted, length)


@njit(cache=True, nogil=True)
def _measure(data, offsets, first, stage1, stage2, stop, s, counts, ratios):  # type: ignore[no-untyped-def]
    """Measures documents from `first` on; returns the first one that the scratch has no room for, or their number.

    counts: int64, shape (documents, COUNTS + languages); ratios: float64, shape (documents, RATIOS).
    """
    data, offsets, stage1, stage2 = borrow(data), borrow(offsets), borrow(stage1), borrow(stage2)
    stop, s, counts, ratios = borrow(stop), borrow(s), borrow(counts), borrow(ratios)
    characters, tokens, visible_lines, grams = s
    facts = np.zeros(FACTS, np.int64)
    found_lines = np.zeros(line.COUNTS, np.int64)
    found_page = np.zeros(page.COUNTS, np.int64)
    top, union, greedy = np.zeros(3, np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64)
    classes = np.zeros(14, np.int64)
    met = np.full(len(stop.keys), -1, np.int64)
    met_phrases = np.full(len(stop.phrase_masks), -1, np.int64)
    for document in range(first, len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        if not walk(data, start, end, stage1, stage2, characters, tokens, visible_lines, facts):
            return document
        row, shares = counts[document], ratios[document]
        _words(tokens, characters.counts, facts, row, shares)
        line.lines(data, stage1, stage2, visible_lines, facts, found_lines)
        _lines(facts, found_lines, row, shares)
        page.c4(data, visible_lines, facts, found_page)
        row[5], row[6] = found_page[page.KEPT_SENTENCES], found_page[page.KEPT]
        row[7], row[8] = found_page[page.LOREM_IPSUM], found_page[page.CURLY_BRACKET]
        row[9], row[10] = found_page[page.JAVASCRIPT], found_page[page.POLICY]
        row[11] = facts[ENDS]
        ngrams(tokens, facts[TOKENS], grams, top, union, greedy)
        for i in range(3):
            shares[_GRAMS + i] = _share(top[i], facts[LENGTH])
        for i in range(6):
            shares[_GRAMS + 3 + i] = _share(union[i], grams.sums[facts[TOKENS]])
            shares[_GRAMS + 9 + i] = _share(greedy[i], facts[LENGTH])
        _characters(characters.counts, characters.seen, facts, stage1, stage2, classes, shares)
        stop_words(data, tokens, facts, stop, document, met, met_phrases, row[12:])
        release(characters, tokens, facts)
    return len(offsets) - 1


def measure(
    batch: TextBatch, stop: StopWords, languages: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Signals of every document.

    Returns counts, int64, shape (documents, len(COUNTS) + languages), columns COUNTS and then the stop words of each
    language of `stop`; and ratios, float64, shape (documents, len(RATIOS)), columns RATIOS.
    """
    counts = np.zeros((len(batch), len(COUNTS) + languages), np.int64)
    ratios = np.zeros((len(batch), len(RATIOS)), np.float64)
    longest = int(np.diff(batch.offsets).max(initial=1))
    tokens, lines = min(longest + 1, _FIRST_TOKENS), min(longest + 1, _FIRST_LINES)
    done = 0
    while True:
        scratch: Scratch = allocate(tokens, lines, longest)
        done = _measure(batch.data, batch.offsets, done, *tables(), stop, scratch, counts, ratios)
        if done == len(batch):
            return counts, ratios
        tokens, lines = min(longest + 1, 4 * tokens), min(longest + 1, 4 * lines)
