import numpy as np

from refinery.dedup.resolve import greedy


def chosen(edges: dict[int, list[int]], documents: int) -> list[int | None]:
    """For each document the one it goes for, None if it is kept."""
    preferred = [other for document in range(documents) for other in edges.get(document, [])]
    bounds = np.cumsum([0] + [len(edges.get(document, [])) for document in range(documents)])
    found = np.full(documents, -1, np.int64)
    greedy(bounds, np.array(preferred, np.int64), found)
    return [preferred[edge] if edge >= 0 else None for edge in found.tolist()]


def test_a_document_goes_only_for_a_kept_one():
    """In a chain every second document goes; the most similar kept one is chosen."""
    assert chosen({1: [0], 2: [1], 3: [2]}, 4) == [None, 0, None, 2]
    assert chosen({1: [0], 2: [1, 0]}, 3) == [None, 0, 0]
    assert chosen({2: [1, 0]}, 3) == [None, None, 1]


def test_no_edges_keep_everything():
    """Nor does an empty corpus fail."""
    assert chosen({}, 3) == [None] * 3
    assert chosen({}, 0) == []
