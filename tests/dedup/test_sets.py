"""Sets of shingles as words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.dedup.sets import WORD, exact_similarities, pack
from refinery.dedup.settings import Near
from refinery.shuffle.records import Records

SETS = st.lists(st.sets(st.integers(0, 20), min_size=1, max_size=10), min_size=2, max_size=8)


@given(st.data(), SETS)
def test_the_similarity_is_that_of_the_sets(tmp_path_factory, data, sets):
    """As Python's sets tell it, from what several units wrote, with sets among it that nobody asked for."""
    documents = np.arange(len(sets)) * 3 + 1
    edge = st.tuples(*[st.integers(0, len(sets) - 1)] * 2)
    pairs = data.draw(st.lists(edge, min_size=1, max_size=10))
    records = Records.create(tmp_path_factory.mktemp("sets") / "sets", WORD, partitions=2, writers=2)
    for writer in range(2):
        mine = np.arange(writer, len(sets), 2)
        bounds = np.cumsum([0, *(len(one) for one in sets)])
        hashes = np.array([number for one in sets for number in sorted(one)], np.uint64)
        words = np.empty(sum(len(sets[n]) + 2 for n in mine), WORD)
        pack(documents, mine, hashes, bounds, words)
        records.write(writer, words, np.ones(len(words), np.int64))
    edges = np.zeros(len(pairs), [("document", np.int64), ("preferred", np.int64)])
    edges["document"], edges["preferred"] = (documents[[pair[n] for pair in pairs]] for n in range(2))
    expected = [len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in pairs]
    assert exact_similarities(records, 1, edges, Near()).tolist() == pytest.approx(expected)
