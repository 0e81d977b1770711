"""fastText's output side as kernels: summed feature rows to a label, its probability, a probability of one label.

The three kinds of output of fastText's src/loss.cc. Its own quirks are kept, because thresholds in use were tuned on
its numbers: 1e-5 is added to each probability before its logarithm, so values may exceed 1 by that much (they are cut
to 1 here); one-vs-all reads the sigmoid from a table of 512 steps; of equal labels the later one wins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.elementary import exp

SOFTMAX, SIGMOIDS, TREE = 0, 1, 2
_SHIFT = 1e-5
_TABLE = 512
_TABLE_BOUND = 8.0


class Head(NamedTuple):
    """What turns a mean feature row into probabilities; all read-only.

    directions: float32 (width, outputs), or (0, outputs) when the rows are outputs already; then a softmax's first
    output is fixed at 0 and has no column. parent, side: int64 per tree node, its parent and whether it is the right
    child; left, right: int64 children; leaves first, root last (empty unless kind is TREE).
    shape: int64 [kind, outputs].
    """

    directions: NDArray[np.float32]
    parent: NDArray[np.int64]
    side: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shape: NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy")
def _outputs(mean, head, z):  # type: ignore[no-untyped-def]
    """Fills z with the outputs for a mean row, in the order of additions of fastText's dotRow."""
    outputs = len(z)
    if len(head.directions) == 0:
        first = 1 if head.shape[0] == SOFTMAX else 0
        z[0] = 0.0
        for k in range(first, outputs):
            z[k] = mean[k - first]
        return
    for k in range(outputs):
        z[k] = 0.0
    for d in range(len(head.directions)):
        x = mean[d]
        for k in range(outputs):
            z[k] += x * head.directions[d, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _sigmoid(x):  # type: ignore[no-untyped-def]
    """fastText's table, step for step."""
    if x < -_TABLE_BOUND:
        return 0.0
    if x > _TABLE_BOUND:
        return 1.0
    step = np.int64((np.float64(x) + _TABLE_BOUND) * _TABLE / _TABLE_BOUND / 2)
    return 1.0 / (1.0 + exp(_TABLE_BOUND - np.float64(step) * 2 * _TABLE_BOUND / _TABLE))


@njit(cache=True, nogil=True, error_model="numpy")
def _best_leaf(z, head, nodes, scores):  # type: ignore[no-untyped-def]
    """Most probable leaf of a Huffman tree, likelier child first; returns leaf and probability."""
    leaves = (len(head.parent) + 1) // 2
    nodes[0], scores[0] = len(head.parent) - 1, 1.0
    depth = 1
    best, best_score = np.int64(0), 0.0
    while depth > 0:
        depth -= 1
        node, score = nodes[depth], scores[depth]
        while score > best_score:
            if node < leaves:
                best, best_score = node, score
                break
            p = 1.0 / (1.0 + exp(-np.float64(z[node - leaves])))
            to_left, to_right = score * (1.0 - p + _SHIFT), score * (p + _SHIFT)
            if to_right >= to_left:
                nodes[depth], scores[depth] = head.left[node], to_left
                node, score = head.right[node], to_right
            else:
                nodes[depth], scores[depth] = head.right[node], to_right
                node, score = head.left[node], to_left
            depth += 1
    return best, best_score


@njit(cache=True, nogil=True, error_model="numpy")
def _best(z, head, nodes, scores):  # type: ignore[no-untyped-def]
    """Top label and its probability, at most 1."""
    kind = head.shape[0]
    best, p = np.int64(0), 0.0
    if kind == TREE:
        best, p = _best_leaf(z, head, nodes, scores)
    elif kind == SOFTMAX:
        for k in range(len(z)):
            if z[k] >= z[best]:
                best = np.int64(k)
        total = 0.0
        for k in range(len(z)):
            total += exp(np.float64(z[k] - z[best]))
        p = 1.0 / total + _SHIFT
    else:
        for k in range(len(z)):
            q = _sigmoid(z[k])
            if q + _SHIFT >= p:
                best, p = np.int64(k), q + _SHIFT
    return best, (min(p, 1.0) if p >= 0.0 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _probability(z, head, label):  # type: ignore[no-untyped-def]
    """Probability of one label, at most 1."""
    kind = head.shape[0]
    p = 0.0
    if kind == TREE:
        leaves = (len(head.parent) + 1) // 2
        node, p = np.int64(label), 1.0
        while head.parent[node] >= 0:
            q = 1.0 / (1.0 + exp(-np.float64(z[head.parent[node] - leaves])))
            p *= (q if head.side[node] else 1.0 - q) + _SHIFT
            node = head.parent[node]
    elif kind == SOFTMAX:
        top = z[0]
        for k in range(len(z)):
            top = max(top, z[k])
        total = 0.0
        for k in range(len(z)):
            total += exp(np.float64(z[k] - top))
        p = exp(np.float64(z[label] - top)) / total + _SHIFT
    else:
        p = _sigmoid(z[label]) + _SHIFT
    return min(p, 1.0) if p >= 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(sums, counts, low, high, total, mean):  # type: ignore[no-untyped-def]
    """Mean feature row of windows low to high - 1; returns the number of features."""
    features = np.int64(0)
    total[:] = 0.0
    for w in range(low, high):
        features += counts[w]
        for d in range(len(total)):
            total[d] += sums[w, d]
    if features:
        for d in range(len(total)):
            mean[d] = np.float32(total[d] / features)
    return features


@njit(cache=True, nogil=True, error_model="numpy")
def _group_score(z, head, best, p, near, sizes):  # type: ignore[no-untyped-def]
    """Probability of all labels of the best one's group, at most 1; p: that of the best."""
    if sizes[near[best]] == 1:
        return p
    total = 0.0
    for k in range(len(near)):
        if near[k] == near[best]:
            total += p if k == best else _probability(z, head, k)
    return min(total, 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def top_labels(firsts, sums, counts, weights, head, languages, labels, scores, shares, group_scores):  # type: ignore[no-untyped-def]
    """Per document the top label, its probability, that of its group, and the share of windows of its language.

    languages: groups and near, int64 (labels), in which labels of one language, and of one group of near languages,
    have one number; and sizes, int64, labels of each such group. A share weighs windows by `weights`; it is 1 for a
    document of one window. A document without features gets label -1, and 0 for the rest.
    """
    groups, near, sizes = languages
    z = np.empty(head.shape[1], np.float32)
    nodes = np.empty(len(head.parent) + 2, np.int64)
    path_scores = np.empty(len(head.parent) + 2, np.float64)
    total = np.empty(sums.shape[1], np.float64)
    mean = np.empty(sums.shape[1], np.float32)
    for document in range(len(firsts) - 1):
        low, high = firsts[document], firsts[document + 1]
        if _mean(sums, counts, low, high, total, mean) == 0:
            labels[document], scores[document], shares[document], group_scores[document] = -1, 0.0, 0.0, 0.0
            continue
        _outputs(mean, head, z)
        best, p = _best(z, head, nodes, path_scores)
        labels[document], scores[document] = best, p
        group_scores[document] = _group_score(z, head, best, p, near, sizes)
        same, everything = np.int64(0), np.int64(0)
        if high - low > 1:
            for w in range(low, high):
                if _mean(sums, counts, w, w + 1, total, mean) == 0:
                    continue
                _outputs(mean, head, z)
                other, _ = _best(z, head, nodes, path_scores)
                everything += weights[w]
                if groups[other] == groups[best]:
                    same += weights[w]
        shares[document] = same / everything if everything else 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def label_scores(firsts, sums, counts, head, label, scores):  # type: ignore[no-untyped-def]
    """Per document the probability of one label; 0 for a document without features."""
    z = np.empty(head.shape[1], np.float32)
    total = np.empty(sums.shape[1], np.float64)
    mean = np.empty(sums.shape[1], np.float32)
    for document in range(len(firsts) - 1):
        scores[document] = 0.0
        if _mean(sums, counts, firsts[document], firsts[document + 1], total, mean):
            _outputs(mean, head, z)
            scores[document] = _probability(z, head, label)
