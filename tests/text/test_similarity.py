import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.similarity import containment, flatten, jaccard, unite, unite_near


def test_similarities_equal_those_of_python_sets():
    """Jaccard and containment of the smaller, of random sorted sets, empty ones and equal ones."""
    generator = np.random.default_rng(1)
    sets = [
        np.unique(generator.integers(0, 60, generator.integers(0, 50))).astype(np.uint64) for _ in range(40)
    ]
    hashes, bounds = np.concatenate(sets), np.concatenate([[0], np.cumsum([len(s) for s in sets])])
    pairs = generator.integers(0, 40, (200, 2))
    starts, stops = bounds[:-1].copy(), bounds[1:].copy()
    found = [
        measure(hashes, starts, stops, pairs[:, 0].copy(), pairs[:, 1].copy()).tolist()
        for measure in (jaccard, containment)
    ]
    for (one, other), alike, contained in zip(pairs.tolist(), *found, strict=True):
        a, b = set(sets[one].tolist()), set(sets[other].tolist())
        assert alike == (len(a & b) / len(a | b) if a | b else 0.0)
        assert contained == (len(a & b) / min(len(a), len(b)) if a and b else 0.0)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40))
def test_united_nodes_have_one_root(pairs):
    """The least node that can be reached; nodes in no pair stay alone."""
    parent = np.arange(21)
    unite(parent, *(np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1)))
    flatten(parent)
    least = list(range(21))
    for _ in least:
        for one, other in pairs:
            least[one] = least[other] = min(least[one], least[other])
    assert parent.tolist() == least


def test_only_near_documents_of_one_bucket_are_united():
    """Whatever stands between them in the bucket, up to the neighbours that are looked at."""
    sets = np.array(
        [1, 2, 3, 1, 2, 4, 9, 1, 2, 3], np.uint64
    )  # of four documents: the first two share 2 of 4
    bounds = np.array([0, 3, 6, 7, 10])
    for keys, neighbours, expected in (
        ([5, 5, 5, 5], 3, [0, 0, 2, 0]),
        ([5, 5, 5, 5], 1, [0, 0, 2, 3]),
        ([5, 5, 5, 6], 3, [0, 0, 2, 3]),
    ):
        parent = np.arange(4)
        unite_near(parent, np.arange(4), np.array(keys, np.uint64), sets, bounds, 0.5, neighbours)
        flatten(parent)
        assert parent.tolist() == expected
