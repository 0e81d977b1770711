"""The shipped Unicode table."""

from __future__ import annotations

import unicodedata

import numpy as np
from numba import njit

from refinery.text import tables as t
from refinery.text.batch import TextBatch


@njit(nogil=True)
def _decode_all(data, end, stage1, stage2, codes, flags):  # type: ignore[no-untyped-def]
    n, p = 0, 0
    while p < end:
        code, width = t.decode(data, p)
        codes[n], flags[n] = code, t.lookup(code, stage1, stage2)
        p += width
        n += 1
    return n


@njit(nogil=True)
def _decode_backwards(data, end, codes):  # type: ignore[no-untyped-def]
    n = 0
    while end > 0:
        codes[n], end = t.decode_before(data, end)
        n += 1
    return n


def test_decode_and_lookup_read_every_code_point() -> None:
    """Each scalar value decodes to itself, from either end, and finds its own entry."""
    text = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    batch = TextBatch.from_texts([text])
    codes, flags = np.empty(len(text), np.int64), np.empty(len(text), np.uint32)
    assert _decode_all(batch.data, batch.nbytes, *t.tables(), codes, flags) == len(text)
    assert codes.tolist() == [ord(char) for char in text]
    assert _decode_backwards(batch.data, batch.nbytes, codes) == len(text)
    assert codes.tolist() == [ord(char) for char in reversed(text)]
    assert flags[:2000].tolist() == [t.flags_of(char) for char in text[:2000]]


def test_categories_agree_with_unicodedata() -> None:
    """Where Python's own (older) Unicode data knows a character, the categories are the same, but for a few moves."""
    bits = {"L": t.LETTER, "M": t.MARK, "N": t.DIGIT, "P": t.PUNCT, "S": t.SYMBOL}
    every = t.LETTER | t.MARK | t.DIGIT | t.PUNCT | t.SYMBOL
    moved = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) not in {"Cn", "Cs", "Co"}
        and t.flags_of(char) & every != bits.get(unicodedata.category(char)[0], 0)
    ]
    assert len(moved) < 10


def test_flags_of_characters_that_rules_depend_on() -> None:
    """One character for each flag, and one that must not have it."""
    for flag, inside, outside in [
        (t.SPACE, " \n\u3000\u00a0", "\u200b_\x00"),
        (t.BREAK, " \n\u200b\x00", "\u200da"),
        (t.NEWLINE, "\n\r\x85\u2028\u2029", "\x0b\x0c "),
        (t.UPPER, "AÉЖ", "aª漢"),
        (t.UNSPACED, "漢〇あアーｰกກកက", "한aא่"),
        (t.FULLWIDTH, "。！（、", "“.…"),
        (t.TERMINAL, ".!?。！？؟۔।။።།๛", ",;…"),
        (t.FORMAT, "\u200d\u200c\u00ad\ufeff\u200f", "\u200b "),
        (t.MID_LETTER, "'’.·:", ",_"),
        (t.MID_NUMBER, "'.,;", ":_"),
        (t.CONNECTOR, "_‿", "-\u202f"),
        (t.CLOSE, "\"')]」»”“", "([「"),
    ]:
        assert all(t.flags_of(char) & flag for char in inside), flag
        assert not any(t.flags_of(char) & flag for char in outside), flag


def test_scripts() -> None:
    """Scripts by letter; the kana prolonged sound mark is Katakana, unlisted scripts are Other."""
    found = [t.SCRIPTS[t.flags_of(char) >> t.SCRIPT_SHIFT] for char in "aжع漢あアーｰ한กहאαꦲ1"]
    assert found[:9] == [
        "Latin", "Cyrillic", "Arabic", "Han", "Hiragana", "Katakana", "Katakana", "Katakana", "Hangul",
    ]  # fmt: skip
    assert found[9:] == ["Thai", "Devanagari", "Hebrew", "Greek", "Other", "Other"]


def test_tables_are_read_only_and_small() -> None:
    """The arrays cannot be written to, and fit a cache."""
    found = t.tables()
    assert not any(array.flags.writeable for array in found)
    assert sum(array.nbytes for array in found) < 200_000
    assert found is t.tables()
