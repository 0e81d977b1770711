"""Passages cut out of texts, against Python's slices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.cut import count_characters, cut_out

TEXTS = st.lists(st.tuples(st.text(max_size=12), st.sets(st.integers(0, 12), max_size=6)), max_size=6)


@given(TEXTS)
def test_texts_without_their_passages(drawn):
    """Between each two of the drawn characters every other part goes; the characters of each are counted."""
    texts, left, passages = [], [], []
    for document, (text, drawn_cuts) in enumerate(drawn):
        ends = sorted({min(cut, len(text)) for cut in drawn_cuts})
        pairs = list(zip(ends[::2], ends[1::2], strict=False))
        texts.append(text)
        kept = [n for n in range(len(text)) if not any(start <= n < end for start, end in pairs)]
        left.append("".join(text[n] for n in kept))
        for start, end in pairs:
            first = len(text[:start].encode())
            passages.append((document, first, first + len(text[start:end].encode()), end - start))
    columns = np.array(passages, np.int64).reshape(-1, 4).T.copy()
    batch = TextBatch.from_arrow(TextBatch.from_texts(["before", *texts]).to_arrow().slice(1))
    assert cut_out(batch, *columns[:3]).to_arrow().to_pylist() == left
    assert count_characters(batch, *columns[:3]).tolist() == columns[3].tolist()
