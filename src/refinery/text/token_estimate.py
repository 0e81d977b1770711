"""Kernel: code points and estimated LLM tokens of every document, in one walk over its bytes.

The estimate is a sum of weights in thousandths of a token, by script class. They were fitted (non-negative
least squares on relative errors) to the mean of the tokenizers of DeepSeek-V4 (129 280 tokens) and Qwen 3.6
(248 k tokens) on 1 947 documents: English medicine, newswire and fiction, Chinese law and software articles,
classical Chinese, and the Universal Declaration of Human Rights in 447 languages. On English and modern Chinese
corpora the total is within 10 % of either tokenizer, in most large languages within 20 %. Rare Latin-script
languages and classical Chinese are underestimated by about 30 %.

A Latin word costs one token and a bit, plus a share for each letter beyond the sixth and for each letter
outside ASCII. A single space costs nothing (it is part of the next token), a run of newlines one token.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

OTHER, LATIN, LATIN_EXTENDED, DIGIT, PUNCTUATION, NEWLINE, SPACE = range(7)
LATIN_WORD, LONG_WORD_LETTER, WIDE_SPACE, NEWLINES, ASTRAL_SYMBOL = 1070, 265, 500, 900, 2000
LONG_WORD = 6

# First code point, last code point, thousandths of a token per code point, class.
RANGES = (
    (0x0080, 0x00BF, 900, OTHER),
    (0x00C0, 0x024F, 1400, LATIN_EXTENDED),
    (0x0250, 0x02FF, 1500, OTHER),
    (0x0300, 0x036F, 1400, LATIN_EXTENDED),  # combining marks
    (0x0370, 0x03FF, 490, OTHER),  # Greek
    (0x0400, 0x052F, 340, OTHER),  # Cyrillic
    (0x0530, 0x058F, 1500, OTHER),
    (0x0590, 0x05FF, 570, OTHER),  # Hebrew
    (0x0600, 0x077F, 430, OTHER),  # Arabic
    (0x0780, 0x08FF, 1500, OTHER),
    (0x0900, 0x097F, 570, OTHER),  # Devanagari
    (0x0980, 0x09FF, 500, OTHER),  # Bengali
    (0x0A00, 0x0DFF, 720, OTHER),  # Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada, Malayalam, Sinhala
    (0x0E00, 0x0EFF, 300, OTHER),  # Thai, Lao
    (0x0F00, 0x0FFF, 1500, OTHER),
    (0x1000, 0x109F, 900, OTHER),  # Myanmar
    (0x10A0, 0x177F, 1500, OTHER),
    (0x1100, 0x11FF, 740, OTHER),  # Hangul letters
    (0x1780, 0x17FF, 900, OTHER),  # Khmer
    (0x1800, 0x1DFF, 1500, OTHER),
    (0x1E00, 0x1EFF, 1400, LATIN_EXTENDED),
    (0x1F00, 0x1FFF, 490, OTHER),
    (0x2000, 0x303F, 900, OTHER),  # punctuation, symbols
    (0x2028, 0x2029, 0, NEWLINE),
    (0x2000, 0x200A, 0, SPACE),
    (0x3000, 0x3000, 0, SPACE),
    (0x00A0, 0x00A0, 0, SPACE),
    (0x3040, 0x30FF, 630, OTHER),  # kana
    (0x3100, 0x33FF, 900, OTHER),
    (0x3400, 0x9FFF, 520, OTHER),  # Han
    (0xA000, 0xABFF, 1500, OTHER),
    (0xAC00, 0xD7AF, 740, OTHER),  # Hangul syllables
    (0xD7B0, 0xF8FF, 1500, OTHER),
    (0xF900, 0xFAFF, 520, OTHER),  # Han, compatibility forms
    (0xFB00, 0xFDFF, 1000, OTHER),
    (0xFE00, 0xFFFF, 900, OTHER),  # full-width forms, punctuation
)
HAN_SUPPLEMENT = 1500  # U+20000 and above: rare ideographs, several bytes' tokens each


@cache
def tables() -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Weight in thousandths of a token, int64 (65536,), and class, uint8 (65536,), of each BMP code point."""
    weight, kind = np.zeros(65536, np.int64), np.zeros(65536, np.uint8)
    for first, last, milli, group in RANGES:
        weight[first : last + 1], kind[first : last + 1] = milli, group
    for code in range(128):
        char = chr(code)
        if char.isalpha():
            kind[code] = LATIN
        elif char.isdigit():
            weight[code], kind[code] = 670, DIGIT
        elif char in "\n\r\x0b\x0c":
            kind[code] = NEWLINE
        elif char in " \t":
            kind[code] = SPACE
        else:
            weight[code], kind[code] = 700, PUNCTUATION
    return weight, kind


@njit(cache=True, nogil=True)
def count(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    weight: NDArray[np.int64],
    kind: NDArray[np.uint8],
    chars: NDArray[np.int64],
    tokens: NDArray[np.int64],
) -> None:
    """Fills `chars` (code points) and `tokens` (estimated, rounded half up), one a document."""
    for document in range(offsets.shape[0] - 1):
        position, end = offsets[document], offsets[document + 1]
        points = 0
        total = 0
        previous = -1
        run = 0  # letters of the Latin word, or spaces, so far
        while position < end:
            byte = np.int64(data[position])
            code = byte
            if byte < 0x80:
                position += 1
            elif byte < 0xE0:
                code = (byte & 0x1F) << 6 | (data[position + 1] & 0x3F)
                position += 2
            elif byte < 0xF0:
                code = (byte & 0x0F) << 12 | (data[position + 1] & 0x3F) << 6 | (data[position + 2] & 0x3F)
                position += 3
            else:
                code = np.int64(0x10000 if byte == 0xF0 and data[position + 1] < 0xA0 else 0x20000)
                position += 4
            points += 1
            if code > 0xFFFF:
                total += ASTRAL_SYMBOL if code == 0x10000 else HAN_SUPPLEMENT
                previous = OTHER
                continue
            group = int(kind[code])
            total += weight[code]
            if group in (LATIN, LATIN_EXTENDED):
                if previous != LATIN:
                    total += LATIN_WORD
                    run = 0
                run += 1
                if run > LONG_WORD:
                    total += LONG_WORD_LETTER
                previous = LATIN
                continue
            if group == NEWLINE:
                if previous != NEWLINE:
                    total += NEWLINES
            elif group == SPACE:
                run = run + 1 if previous == SPACE else 1
                if run == 2:
                    total += WIDE_SPACE
            previous = group
        chars[document] = points
        tokens[document] = (total + 500) // 1000
