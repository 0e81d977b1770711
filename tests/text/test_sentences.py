"""Sentences: nothing of a text is lost, and words are those of the text."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.fold import key_texts
from refinery.text.sentences import sentences
from refinery.text.shingles import shingles_of_keys

TEXTS = st.lists(
    st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(".!?。！；”)\n 年a'\u0301"))), max_size=4
)


@given(TEXTS)
def test_sentences_are_the_texts_and_cut_no_word(texts):
    """Joined they are the texts; their tokens, one after the other, are those of the texts."""
    batch = TextBatch.from_texts(texts)
    found, firsts = sentences(batch)
    pieces = found.to_arrow().to_pylist()
    assert ["".join(pieces[a:b]) for a, b in pairwise(firsts)] == texts
    assert all(pieces)
    whole, single = (shingles_of_keys(key_texts(one), 1, 1) for one in (batch, found))
    assert np.array_equal(whole[0][: whole[1][-1]], single[0][: single[1][-1]])


def test_where_sentences_begin():
    """After lines, after stops with what closes before white space, after wide stops; not in numbers."""
    for text, due in (
        ("It is 3.5 mg. It’s (so.) Yes!", ["It is 3.5 mg. ", "It’s (so.) ", "Yes!"]),
        ("A line\n\nanother\r\nlast", ["A line\n\n", "another\r\n", "last"]),
        ("他说：“好。”她走了；完！", ["他说：“好。”", "她走了；", "完！"]),
        ('Why? "No." (End)', ["Why? ", '"No." ', "(End)"]),
        ("真的? 是.”好的.完", ["真的? ", "是.”", "好的.", "完"]),
        ("What...   then", ["What...   ", "then"]),
    ):
        found, _ = sentences(TextBatch.from_texts([text]))
        assert found.to_arrow().to_pylist() == due
