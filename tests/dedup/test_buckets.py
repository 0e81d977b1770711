from itertools import pairwise

import numpy as np

from refinery.dedup import buckets


def candidates(matrix: np.ndarray, bounds: list[int], least: int) -> set[tuple[int, int, int]]:
    return set(buckets.edges_within(np.arange(len(matrix)), matrix, np.array(bounds), least).tolist())


def clustered(members: int, clusters: int, seed: int) -> np.ndarray:
    """Signatures of which those of one cluster share about nine values in ten."""
    generator = np.random.default_rng(seed)
    centres = generator.integers(0, 2**32, (clusters, 112), dtype=np.uint32)
    matrix = centres[generator.integers(0, clusters, members)]
    changed = generator.random(matrix.shape) < 0.05
    return np.where(changed, generator.integers(0, 2**32, matrix.shape, dtype=np.uint32), matrix)


def test_small_buckets_give_every_near_pair_up_to_the_caps():
    """Each row has its closest and its first preferred candidates, with the exact number of equal hashes."""
    matrix = clustered(90, 6, 1)
    bounds = [0, 30, 31, 90]
    found = candidates(matrix, bounds, 77)
    for start, stop in pairwise(bounds):
        for row in range(start, stop):
            counts = {twin: int((matrix[row] == matrix[twin]).sum()) for twin in range(start, row)}
            near = {twin: count for twin, count in counts.items() if count >= 77}
            mine = {twin: equal for one, twin, equal in found if one == row}
            assert mine.items() <= near.items()
            assert set(list(near)[: buckets.FIRST]) <= set(mine)
            assert (
                sorted(mine.values())[-buckets.CLOSEST :]
                == sorted(near.values())[-len(mine) :][-buckets.CLOSEST :]
            )


def test_a_large_bucket_is_compared_with_the_best_and_with_neighbours():
    """Above the cap nearly every row of a cluster finds a candidate, and no pair is wrong."""
    matrix = clustered(buckets.ALL_PAIRS + 500, 300, 2)
    found = candidates(matrix, [0, len(matrix)], 77)
    assert all(
        twin < row and (matrix[row] == matrix[twin]).sum() == equal >= 77 for row, twin, equal in found
    )
    with_one = {row for row, _, _ in found}
    assert len(with_one) > 0.8 * (len(matrix) - 300)


def test_edges_are_unique():
    """One pair found in several bands stands once, sorted by document and twin."""
    edges = np.array([(5, 1, 90), (3, 2, 80), (5, 1, 90), (5, 0, 99)], buckets.EDGE)
    assert buckets.unique_edges(edges).tolist() == [(3, 2, 80), (5, 0, 99), (5, 1, 90)]
    assert len(buckets.unique_edges(edges[:0])) == 0


def test_buckets_larger_than_memory_are_cut_into_pieces_that_share_their_best(monkeypatch):
    """Whole buckets go together, a larger one in pieces; every member comes once beside the best."""
    monkeypatch.setattr(buckets, "CHUNK", 100)
    members = np.arange(500)
    chunks = list(buckets._chunks(members, np.array([0, 40, 90, 120, 420, 500])))
    assert all(len(documents) <= 100 and bounds[-1] == len(documents) for documents, bounds in chunks)
    assert set(np.concatenate([documents for documents, _ in chunks]).tolist()) == set(range(500))
    pieces = [documents for documents, _ in chunks if 200 in documents or 400 in documents]
    assert all(
        documents[: buckets.BEST].tolist() == list(range(120, 120 + buckets.BEST)) for documents in pieces
    )


def test_in_a_large_bucket_every_row_meets_the_preferred_one():
    """When all are near to each other, the first candidate of every row is the bucket's best."""
    matrix = clustered(buckets.ALL_PAIRS + 1000, 1, 3)
    found = candidates(matrix, [0, len(matrix)], 77)
    assert {row for row, twin, _ in found if twin == 0} == set(range(1, len(matrix)))
