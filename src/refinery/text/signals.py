"""All signals of a document from one walk over its bytes: see refinery.text.signal_columns for what each one is.

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
from refinery.text.ngrams import ngrams
from refinery.text.scratch import Scratch, allocate
from refinery.text.segment import (
    ALPHA,
    ALPHA_WORDS,
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
from refinery.text.signal_columns import COUNT, COUNTS, DUPLICATE, RATIO, RATIOS, TOP
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

_RATIO_OF_SCRIPT = {
    "Han": RATIO.han_ratio,
    "Hiragana": RATIO.kana_ratio,
    "Katakana": RATIO.kana_ratio,
    "Hangul": RATIO.hangul_ratio,
    "Thai": RATIO.thai_ratio,
    "Latin": RATIO.latin_ratio,
    "Cyrillic": RATIO.cyrillic_ratio,
    "Arabic": RATIO.arabic_ratio,
    "Devanagari": RATIO.devanagari_ratio,
}
_SCRIPT_RATIO = np.array([_RATIO_OF_SCRIPT.get(script, -1) for script in SCRIPTS])  # -1: it adds to none
# scratch for ordinary documents; grows by four when it is full
_FIRST_TOKENS, _FIRST_LINES = 1 << 16, 1 << 14


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
    counts[COUNT.words], counts[COUNT.symbols], counts[COUNT.max_word_length] = words, symbols, longest
    both = words + symbols
    ratios[RATIO.mean_word_length] = _share(letters, words)
    ratios[RATIO.unique_word_ratio] = _share(different, words)
    ratios[RATIO.unigram_entropy] = _entropy(weighted, words)
    ratios[RATIO.hash_ratio] = _share(chars[35], both)
    ratios[RATIO.ellipsis_ratio] = _share(facts[DOTS] + chars[0x2026], both)
    ratios[RATIO.alpha_word_ratio] = _share(alphas, both)
    ratios[RATIO.letter_word_ratio] = _share(alphas, words)
    ratios[RATIO.newline_ratio] = _share(facts[NEWLINES], both)
    return both


@njit(cache=True, nogil=True)
def _lines(facts, found, chars, tokens, counts, ratios):  # type: ignore[no-untyped-def]
    """Signals of lines, paragraphs and words between white space; of so many tokens."""
    number, length, space_words = facts[LINES], facts[LENGTH], found[line.SPACE_WORDS]
    unwrapped = number - found[line.WRAPS]
    punctuated = found[line.TERMINALS] - found[line.WRAPPED_TERMINALS]
    counts[COUNT.lines], counts[COUNT.paragraphs] = number, found[line.PARAGRAPHS]
    counts[COUNT.space_words] = space_words
    ratios[RATIO.alpha_space_word_ratio] = _share(facts[ALPHA_WORDS], space_words)
    ratios[RATIO.hash_space_word_ratio] = _share(chars[35], space_words)
    ratios[RATIO.ellipsis_space_word_ratio] = _share(facts[DOTS] + chars[0x2026], space_words)
    ratios[RATIO.mean_line_length] = _share(found[line.CHARACTERS], number)
    ratios[RATIO.bullet_line_ratio] = _share(found[line.BULLETS], number)
    ratios[RATIO.ellipsis_line_ratio] = _share(found[line.ELLIPSES], number)
    ratios[RATIO.line_punct_ratio] = _share(found[line.TERMINALS], number)
    ratios[RATIO.short_line_ratio] = _share(found[line.SHORT], number)
    ratios[RATIO.wrapped_line_ratio] = _share(found[line.WRAPS], number)
    ratios[RATIO.unwrapped_line_ratio] = _share(unwrapped, tokens)
    ratios[RATIO.unwrapped_line_punct_ratio] = _share(punctuated, unwrapped)
    ratios[RATIO.line_char_dup_ratio] = _share(found[line.COPY_CHARS], length - facts[NEWLINES])
    ratios[RATIO.dup_line_frac] = _share(found[line.COPIES], number)
    ratios[RATIO.dup_line_char_frac] = _share(found[line.COPY_CHARS], length)
    ratios[RATIO.dup_para_frac] = _share(found[line.PARAGRAPH_COPIES], found[line.PARAGRAPHS])
    ratios[RATIO.dup_para_char_frac] = _share(found[line.PARAGRAPH_COPY_CHARS], length)


@njit(cache=True, nogil=True)
def _characters(chars, seen, facts, stage1, stage2, scripts, space_words, ratios):  # type: ignore[no-untyped-def]
    """Signals of characters; scripts is room for an int64 a ratio."""
    scripts[:] = 0
    weighted = 0.0
    different = letters = upper = digits = punctuation = fullwidth = spaces = np.int64(0)
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
            letters += count
            ratio = _SCRIPT_RATIO[flags >> SCRIPT_SHIFT]
            if ratio >= 0:
                scripts[ratio] += count
            if flags & UPPER:
                upper += count
        elif flags & DIGIT:
            digits += count
        elif flags & PUNCT:
            punctuation += count
            if flags & FULLWIDTH:
                fullwidth += count
        elif flags & SPACE:
            spaces += count
    length = facts[LENGTH]
    ratios[RATIO.mean_space_word_length] = _share(length - spaces, space_words)
    for ratio in range(RATIO.han_ratio, RATIO.devanagari_ratio + 1):
        ratios[ratio] = _share(scripts[ratio], letters)
    ratios[RATIO.upper_ratio] = _share(upper, letters)
    ratios[RATIO.digit_ratio] = _share(digits, length)
    ratios[RATIO.punct_ratio] = _share(punctuation, length)
    ratios[RATIO.fullwidth_punct_ratio] = _share(fullwidth, length)
    ratios[RATIO.whitespace_ratio] = _share(spaces, length)
    ratios[RATIO.bracket_ratio] = _share(facts[BRACKETED], length)
    ratios[RATIO.unique_char_ratio] = _share(different, length)
    ratios[RATIO.char_entropy] = _entropy(weighted, length)


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
    lengths = np.zeros(line.WIDEST + 2, np.int64)
    top = np.zeros(len(TOP), np.int64)
    union, greedy = np.zeros(len(DUPLICATE), np.int64), np.zeros(len(DUPLICATE), np.int64)
    scripts = np.zeros(len(RATIO), np.int64)
    met = np.full(len(stop.keys), -1, np.int64)
    met_phrases = np.full(len(stop.phrase_masks), -1, np.int64)
    for document in range(first, len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        if not walk(data, start, end, stage1, stage2, characters, tokens, visible_lines, facts):
            return document
        row, shares = counts[document], ratios[document]
        both = _words(tokens, characters.counts, facts, row, shares)
        line.lines(data, stage1, stage2, visible_lines, facts, lengths, found_lines)
        _lines(facts, found_lines, characters.counts, both, row, shares)
        page.c4(data, stage1, stage2, visible_lines, facts, found_page)
        row[COUNT.c4_sentences], row[COUNT.c4_lines] = found_page[page.KEPT_SENTENCES], found_page[page.KEPT]
        row[COUNT.c4_lorem_ipsum] = found_page[page.LOREM_IPSUM]
        row[COUNT.c4_curly_bracket] = found_page[page.CURLY_BRACKET]
        shares[RATIO.c4_curly_bracket_ratio] = _share(found_page[page.CURLY_BRACKET], facts[LINES])
        row[COUNT.c4_javascript_lines] = found_page[page.JAVASCRIPT]
        row[COUNT.c4_policy_lines] = found_page[page.POLICY]
        row[COUNT.sentences] = facts[ENDS]
        ngrams(tokens, facts[TOKENS], grams, top, union, greedy)
        for i in range(len(TOP)):
            shares[RATIO.top_2gram_char_frac + i] = _share(top[i], facts[LENGTH])
        for i in range(len(DUPLICATE)):
            shares[RATIO.dup_5gram_char_frac + i] = _share(union[i], grams.sums[facts[TOKENS]])
            shares[RATIO.dup_5gram_char_frac_greedy + i] = _share(greedy[i], facts[LENGTH])
        space_words = found_lines[line.SPACE_WORDS]
        _characters(characters.counts, characters.seen, facts, stage1, stage2, scripts, space_words, shares)
        stop_words(data, tokens, facts, stop, document, met, met_phrases, row[len(COUNT) :])
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
