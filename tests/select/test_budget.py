"""The token budget."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.select.budget import within_budget


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from([-1.0, 0.0, 0.5, float("nan")])), max_size=40),
    st.integers(0, 400),
)
def test_equals_a_plain_walk_down_the_ranking(documents, budget):
    """The best documents are taken in order until the next one would overspend."""
    ranked = sorted(
        range(len(documents)), key=lambda i: (documents[i][1] != documents[i][1], documents[i][1], i)
    )
    spent, expected = 0, set()
    for index in ranked:
        spent += documents[index][0]
        if spent > budget:
            break
        expected.add(index)
    tokens = np.array([d[0] for d in documents], np.int64)
    ranking = np.array([d[1] for d in documents], np.float64)
    assert set(np.flatnonzero(within_budget(tokens, ranking, budget))) == expected
