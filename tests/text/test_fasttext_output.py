import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.models.scorer import _tree
from refinery.text import fasttext_output as kernels


def frozen(values, kind) -> np.ndarray:
    array = np.ascontiguousarray(values, kind)
    array.flags.writeable = False
    return array


def head(kind: int, outputs: int, tree: list[np.ndarray] | None = None) -> kernels.Head:
    """A head for rows that are outputs already."""
    nodes = tree or [np.zeros(0, np.int64)] * 4
    return kernels.Head(
        frozen(np.zeros((0, outputs)), np.float32),
        *(frozen(n, np.int64) for n in nodes),
        frozen([kind, outputs], np.int64),
    )


def top(row: list[float], found: kernels.Head, labels: int) -> tuple[int, float, list[float]]:
    """Top label, its probability, and the probabilities of all, for one document of one feature."""
    firsts, sums, counts = np.array([0, 1]), np.array([row], np.float32), np.ones(1, np.int64)
    label, (score, share, near) = np.zeros(1, np.int64), np.zeros((3, 1), np.float32)
    kernels.top_labels(
        firsts,
        sums,
        counts,
        np.ones(1, np.int64),
        found,
        (*[frozen(range(labels), np.int64)] * 2, frozen([1] * labels, np.int64)),
        label,
        score,
        share,
        near,
    )
    assert share[0] == 1 and near[0] == score[0]
    every = []
    for number in range(labels):
        one = np.zeros(1, np.float32)
        kernels.label_scores(firsts, sums, counts, found, number, one)
        every.append(float(one[0]))
    return int(label[0]), float(score[0]), every


VALUES = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=12)


@given(values=VALUES)
def test_softmax(values: list[float]) -> None:
    """The first output is fixed at 0; fastText adds 1e-5."""
    z = np.array([0.0, *values])
    expected = np.minimum(np.exp(z - z.max()) / np.exp(z - z.max()).sum() + 1e-5, 1)
    label, score, every = top(values, head(kernels.SOFTMAX, len(z)), len(z))
    assert np.allclose(every, expected, atol=1e-6)
    assert score == pytest.approx(expected.max(), abs=1e-6) and z[label] == z.max()


@given(values=VALUES)
def test_sigmoids(values: list[float]) -> None:
    """One for each label, from fastText's table of 512 steps between -8 and 8."""
    steps = np.clip(((np.array(values) + 8) * 32).astype(np.int64), 0, 512) / 32 - 8
    expected = np.minimum(
        np.where(np.array(values) < -8, 0, np.where(np.array(values) > 8, 1, 1 / (1 + np.exp(-steps))))
        + 1e-5,
        1,
    )
    label, score, every = top(values, head(kernels.SIGMOIDS, len(values)), len(values))
    assert np.allclose(every, expected, atol=1e-6)
    assert score == pytest.approx(expected.max(), abs=1e-6)
    assert expected[label] == pytest.approx(expected.max(), abs=1e-6)


@given(counts=st.lists(st.integers(0, 1000), min_size=2, max_size=13), seed=st.integers(0, 99))
def test_tree(counts: list[int], seed: int) -> None:
    """Every leaf by its path; the best one is the best of all."""
    values = np.random.default_rng(seed).normal(0, 3, len(counts) - 1).astype(np.float32)
    tree = _tree(np.array(sorted(counts, reverse=True)))
    parent, side, left, right = tree
    expected = []
    for leaf in range(len(counts)):
        p, node = 1.0, leaf
        while parent[node] >= 0:
            q = 1 / (1 + np.exp(-float(values[parent[node] - len(counts)])))
            p *= (q if side[node] else 1 - q) + 1e-5
            assert node in (left[parent[node]], right[parent[node]])
            node = parent[node]
        expected.append(min(p, 1))
    label, score, every = top(values.tolist(), head(kernels.TREE, len(values), tree), len(counts))
    assert np.allclose(every, expected, atol=1e-6)
    assert score == pytest.approx(max(expected), abs=1e-6)
    assert expected[label] == pytest.approx(max(expected), abs=1e-9)


@pytest.mark.parametrize("kind", [kernels.SOFTMAX, kernels.SIGMOIDS])
def test_values_beyond_all_bounds_give_no_nan(kind: int) -> None:
    """Sums that overflow to infinity: a number between 0 and 1 all the same."""
    for row in ([np.inf, -np.inf], [np.nan, 1.0], [3e38, 3e38]):
        labels = 3 if kind == kernels.SOFTMAX else 2
        label, score, every = top(row, head(kind, labels), labels)
        assert 0 <= label <= 2 and all(0 <= p <= 1 for p in [score, *every])
