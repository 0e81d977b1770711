"""Edges of passages, against a search of Python's for words and numbers."""

import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.passage_edges import trim

# Numbers with what joins them, words of scripts with spaces, and numerals of Han: none is cut through.
WHOLE = re.compile(r"\d+(?:[.,]\d+)*[a-zé]*(?:\d|[a-zé])*|[a-zé](?:[a-zé]|\d+(?:[.,]\d+)*)*|[三十]+")


@given(st.text("1.2, aé年三十。", max_size=16), st.integers(0, 16), st.integers(0, 16))
@example("111三11111111三", 4, 12)
def test_no_edge_lies_in_a_word_or_a_number(text, first, last):
    """Edges only move inwards, and what is left of the text has no word or number that it had not before."""
    start, end = sorted(min(place, len(text)) for place in (first, last))
    places = np.cumsum([0, *(len(char.encode()) for char in text)])
    starts, ends = places[[start]].astype(np.int64), places[[end]].astype(np.int64)
    trim(TextBatch.from_texts([text]), np.zeros(1, np.int64), starts, ends)
    begin, stop = int(np.searchsorted(places, starts[0])), int(np.searchsorted(places, ends[0]))
    assert start <= begin <= stop <= end
    if begin == stop:
        return
    for match in WHOLE.finditer(text):
        assert not match.start() < begin < match.end()
        assert not match.start() < stop < match.end()
    left = WHOLE.findall(text[:begin]) + WHOLE.findall(text[stop:])
    assert WHOLE.findall(text[:begin] + text[stop:]) == left or text[begin - 1 : begin] in {".", ","}
