"""Looking documents up among protected ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.dedup.candidates import CLOSEST
from refinery.dedup.probe import copies_in, find_closest, insert

FEW = st.integers(0, 3)


@st.composite
def corpora(draw):
    """Protected documents and others, with few different band keys and hashes, so that they share many."""
    sizes = [draw(st.integers(0, 12)), draw(st.integers(0, 6))]
    bands, hashes = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    made = []
    for size in sizes:
        keys = draw(st.lists(st.lists(FEW, min_size=bands, max_size=bands), min_size=size, max_size=size))
        signs = draw(st.lists(st.lists(FEW, min_size=hashes, max_size=hashes), min_size=size, max_size=size))
        made.append(
            (
                np.array(keys, np.uint64).reshape(size, bands),
                np.array(signs, np.uint8).reshape(size, hashes),
            )
        )
    return made, draw(st.integers(1, hashes))


@given(corpora())
def test_the_closest_of_those_that_share_a_band_are_found(corpus):
    """As comparing all pairs does: by equal hashes, then in order, each once, none with fewer than the least."""
    ((keys, signatures), (own_keys, own)), least = corpus
    flat = keys.reshape(-1)
    order = np.argsort(flat, kind="stable")
    closest, counts = np.full((len(own), CLOSEST), -1), np.zeros((len(own), CLOSEST), np.int16)
    find_closest(flat[order], order // keys.shape[1], signatures, own, own_keys, least, closest, counts)
    for document in range(len(own)):
        expected = sorted(
            (-int((own[document] == signatures[row]).sum()), row)
            for row in range(len(keys))
            if np.isin(own_keys[document], keys[row]).any()
        )
        expected = [(row, -equal) for equal, row in expected if -equal >= least][:CLOSEST]
        found = [(int(row), int(n)) for row, n in zip(closest[document], counts[document], strict=True) if n]
        assert found == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5))))
def test_a_row_stands_where_it_belongs(rows):
    """Whatever the order in which rows come, and however often."""
    equal = dict(rows)  # a row has one number of equal hashes
    closest, counts = np.full(CLOSEST, -1), np.zeros(CLOSEST, np.int16)
    for row, _ in rows:
        insert(closest, counts, row, equal[row])
    best = sorted(equal, key=lambda row: (-equal[row], row))[:CLOSEST]
    assert closest[: len(best)].tolist() == best
    assert counts.tolist() == [equal[row] for row in best] + [0] * (CLOSEST - len(best))


@given(
    st.lists(st.tuples(FEW, st.booleans()), max_size=8), st.lists(st.tuples(FEW, st.booleans()), max_size=8)
)
def test_copies_are_those_of_the_first_that_has_the_words(protected, own):
    """A document without words is a copy of nothing, whatever its hash would be."""
    form = [("document", np.int64), ("worded", np.bool_), ("content", np.uint64, (2,))]

    def entries(values, first):
        found = np.zeros(len(values), form)
        found["document"] = np.arange(first, first + len(values))
        for n, (value, worded) in enumerate(values):
            found[n]["worded"], found[n]["content"] = worded, (1, value)
        return found

    found = copies_in(entries(protected, 0), entries(own, 100))
    expected = {
        100 + n: protected.index((value, True))
        for n, (value, worded) in enumerate(own)
        if worded and (value, True) in protected
    }
    assert dict(found.tolist()) == expected
