"""The form in which personal data is looked for."""

import numpy as np
import pytest

from refinery.text import pii_form
from refinery.text.tables import tables


def form_of(text):
    data = np.frombuffer(text.encode(), np.uint8)
    form, at = np.empty(len(data) + 9, np.uint8), np.empty(len(data) + 9, np.int64)
    size = pii_form.write_form(data, 0, len(data), tuple(tables()), form, at)
    assert form[0] == 10
    assert form[size : size + pii_form.MARGIN].tolist() == [10] * pii_form.MARGIN
    return bytes(form[1:size]), at[1:size].tolist()


A, B = bytes([pii_form.ALPHABETIC]), bytes([pii_form.OTHER])


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a1@\n", b"a1@\n"),
        ("ａ１＠．", b"a1@."),
        ("a\u200b\u00ad\ufeff\u2060b", b"ab"),
        ("\u00a0\u3000\u2009", b"   "),
        ("\u2028", b"\n"),
        ("‐‑–−", b"----"),
        ("é\u0301яλ", A * 4),
        ("汉か한ก—€٣", B * 7),
    ],
)
def test_each_character_has_its_byte(text, form):
    """Width, spaces, hyphens, letters and all others; what is invisible has none."""
    assert form_of(text)[0] == form


def test_places_are_those_of_the_characters():
    """Byte offsets in the text."""
    assert form_of("é\u200b１a") == (A + b"1a", [0, 5, 8])


def test_a_character_ends_after_its_bytes():
    """One to four bytes."""
    data = np.frombuffer("aé汉😀".encode(), np.uint8)
    assert [pii_form.end_of(data, p) for p in (0, 1, 3, 6)] == [1, 3, 6, 10]
