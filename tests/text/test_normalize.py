"""The normalising kernel against a plain-Python reference, and its NFC quick check against unicodedata."""

import re
import unicodedata
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text import normalize
from refinery.text.batch import TextBatch

# Texts in which every rule of the kernel has something to do.
PIECES = st.one_of(
    st.sampled_from(
        "\r\n\t\x0b\x0c\x00\x1b\x7f\x85\x9f\xa0 a-é漢\u2028\u2029\u3000\ufeff\ufffe\ufdd0\U0001fffe\U0010ffff"
    ),
    st.sampled_from("\u0301\u0323\u1100\u1161\u11a8\u200b\U0001f600\u212b\u0958\U0002f800"),
    st.sampled_from(["e\u0301", "\r\n", "\n\n\n", " \n"]),
)
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=60))


def reference(text):
    """What the kernel promises, in regular expressions."""
    text = re.sub("\r\n|[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
    text = "".join(c for c in text if not dropped(c))
    text = re.sub("[ \t\xa0\u3000]+(?=\n|\\Z)", "", text)
    return re.sub("\n{3,}", "\n\n", text).strip("\n")


def dropped(char):
    code = ord(char)
    control = unicodedata.category(char) == "Cc" and char not in "\n\t"
    return control or code == 0xFEFF or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def run(texts):
    batch = TextBatch.from_texts(texts)
    out, bounds = np.empty(batch.nbytes, np.uint8), np.empty(len(batch) + 1, np.int64)
    suspect = np.empty(len(batch), np.bool_)
    table = normalize.composition_table()
    changed = normalize.rewrite(batch.data, batch.offsets, table, out, bounds, suspect)
    found = [out[a:b].tobytes().decode() for a, b in pairwise(bounds)]
    return found, suspect.tolist(), changed


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_the_kernel_writes_what_the_reference_writes_and_tells_whether_it_changed_anything(texts):
    """Equal text for any Unicode, one document after another, and an exact `changed`."""
    found, _, changed = run(texts)
    assert found == [reference(text) for text in texts]
    assert changed == (found != texts)


@given(TEXTS)
def test_what_is_not_suspect_is_in_nfc(text):
    """The quick check never misses a text that NFC would change."""
    (found,), (suspect,), _ = run([text])
    assert suspect or unicodedata.is_normalized("NFC", found)


def test_every_code_point_that_nfc_changes_is_suspect():
    """All of Unicode, one code point a document."""
    points = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    found, suspect, _ = run(points)
    missed = [
        hex(ord(text)) for text, flag in zip(found, suspect, strict=True)
        if text and not flag and not unicodedata.is_normalized("NFC", text)
    ]  # fmt: skip
    assert missed == []


def test_marks_that_become_neighbours_when_a_control_goes_are_checked_in_their_new_order():
    """U+0301 NUL U+0323 is two marks in the wrong order once NUL is gone."""
    assert run(["a\u0301\x00\u0323"])[1] == [True]


def test_ordinary_text_in_composed_form_is_not_suspect():
    """Accents, Chinese, Korean syllables, Thai and Arabic vowel marks pass the quick check."""
    texts = ["déjà vu", "汉字，标点。", "한국어", "ที่นี่", "مُحَمَّد"]
    assert run(texts)[1] == [False] * 5
