"""Spans of texts, made wider and joined."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.spans import merge_spans, widen_spans


@given(st.lists(st.text(), min_size=1, max_size=3), st.integers(0, 5), st.data())
def test_a_margin_is_of_characters(texts, margin, data):
    """Within the text, and never inside of one."""
    batch = TextBatch.from_texts(texts)
    row = data.draw(st.integers(0, len(texts) - 1))
    text = texts[row]
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, len(text)))
    start, stop = (np.array([len(text[:n].encode())]) for n in (first, last))
    widen_spans(batch.data, batch.offsets, np.array([row]), margin, start, stop)
    wider = text[max(first - margin, 0) : last + margin]
    assert text.encode()[start[0] : stop[0]].decode() == wider


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(1, 8)), max_size=12))
def test_joined_spans_hold_the_same_bytes(spans):
    """They are apart, in order, and each begins where one of them did."""
    spans = sorted((row, start, start + size) for row, start, size in spans)
    row, start, stop = (np.array([one[n] for one in spans], np.int64) for n in range(3))
    kept = merge_spans(row, start, stop)
    joined = list(zip(row[kept].tolist(), start[kept].tolist(), stop[kept].tolist(), strict=True))
    assert {(r, n) for r, a, b in joined for n in range(a, b)} == {
        (r, n) for r, a, b in spans for n in range(a, b)
    }
    assert all(one[0] < other[0] or one[2] < other[1] for one, other in pairwise(joined))
