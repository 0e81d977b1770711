from itertools import pairwise

import numpy as np

from refinery.dedup import candidates
from refinery.dedup.buckets import BEST
from tests.dedup.corpus import numbered

CORPUS = numbered(None, 0, 1, preferences=("prefer_0",))


def found_in(matrix: np.ndarray, bounds: list[int], least: int) -> set[tuple[int, int, int]]:
    members = np.zeros(len(matrix), CORPUS.with_preferences(("bucket", np.uint64), ("document", np.int64)))
    members["document"] = np.arange(len(matrix))
    edges = candidates.edges_within(CORPUS, members, matrix, np.array(bounds), least)
    return {edge[:3] for edge in edges.tolist()}


def clustered(members: int, clusters: int, seed: int) -> np.ndarray:
    """Signatures of which those of one cluster share about nine values in ten."""
    generator = np.random.default_rng(seed)
    centres = generator.integers(0, 256, (clusters, 112), dtype=np.uint8)
    matrix = centres[generator.integers(0, clusters, members)]
    changed = generator.random(matrix.shape) < 0.05
    return np.where(changed, generator.integers(0, 256, matrix.shape, dtype=np.uint8), matrix)


def test_small_buckets_give_every_near_pair_up_to_the_caps():
    """Each row has its closest and its first preferred candidates, with the exact number of equal hashes."""
    matrix = clustered(90, 6, 1)
    bounds = [0, 30, 31, 90]
    found = found_in(matrix, bounds, 77)
    for start, stop in pairwise(bounds):
        for row in range(start, stop):
            counts = {other: int((matrix[row] == matrix[other]).sum()) for other in range(start, row)}
            near = {other: count for other, count in counts.items() if count >= 77}
            mine = {other: equal for one, other, equal in found if one == row}
            assert mine.items() <= near.items()
            assert set(list(near)[: candidates.FIRST]) <= set(mine)
            assert (
                sorted(mine.values())[-candidates.CLOSEST :]
                == sorted(near.values())[-len(mine) :][-candidates.CLOSEST :]
            )


def test_a_large_bucket_is_compared_with_the_best_and_with_neighbours():
    """Above the cap nearly every row of a cluster finds a candidate, and no pair is wrong."""
    matrix = clustered(candidates.ALL_PAIRS + 500, 300, 2)
    found = found_in(matrix, [0, len(matrix)], 77)
    assert all(
        other < row and (matrix[row] == matrix[other]).sum() == equal >= 77 for row, other, equal in found
    )
    with_one = {row for row, _, _ in found}
    assert len(with_one) > 0.8 * (len(matrix) - 300)


def test_in_a_large_bucket_every_row_meets_the_preferred_ones():
    """When all are near to each other, the first candidate of every row is the bucket's best."""
    matrix = clustered(candidates.ALL_PAIRS + 1000, 1, 3)
    found = found_in(matrix, [0, len(matrix)], 77)
    assert {row for row, other, _ in found if other == 0} == set(range(1, len(matrix)))
    assert BEST >= candidates.FIRST


def test_edges_carry_the_preferences_of_the_preferred():
    """They are needed where the two documents are no longer at hand."""
    members = np.zeros(3, CORPUS.with_preferences(("bucket", np.uint64), ("document", np.int64)))
    members["document"], members["prefer"] = [7, 5, 6], [[0.5], [1.5], [2.5]]
    matrix = np.zeros((3, 112), np.uint8)
    edges = candidates.edges_within(CORPUS, members, matrix, np.array([0, 3]), 77)
    assert {(e["document"], e["preferred"], e["prefer"][0]) for e in edges} == {
        (5, 7, 0.5),
        (6, 7, 0.5),
        (6, 5, 1.5),
    }


def test_edges_are_unique():
    """One pair found in several buckets stands once, sorted by document and preferred one."""
    edges = np.array(
        [(5, 1, 90, (0.0,)), (3, 2, 80, (0.0,)), (5, 1, 90, (0.0,)), (5, 0, 99, (0.0,))],
        candidates.edge_dtype(CORPUS),
    )
    found = [edge[:3] for edge in candidates.unique_edges(edges).tolist()]
    assert found == [(3, 2, 80), (5, 0, 99), (5, 1, 90)]
    assert len(candidates.unique_edges(edges[:0])) == 0
