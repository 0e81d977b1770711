from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.models.left_out import FOLDS, IN_SIGHT, LEAST, LEAST_SHARE, score_left_out, source_folds

ROWS = st.lists(st.tuples(st.integers(0, 7), st.booleans(), st.booleans()), min_size=1, max_size=300)


def folds_of(*counts: tuple[int, int, int]) -> dict[tuple[int, bool], int]:
    """Of sources with so many (source, positives, negatives) in training, the fold of each source and class."""
    rows = [
        (source, n < positives)
        for source, positives, negatives in counts
        for n in range(positives + negatives)
    ]
    source, positive = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    folds = source_folds(source, positive, np.zeros(len(rows), bool))
    return {(s, p): int(f) for (s, p), f in zip(rows, folds.tolist(), strict=True)}


def test_each_source_is_left_out_once() -> None:
    """Two of each class are four folds; a class of one source stays in sight."""
    four = folds_of((0, 100, 0), (1, 90, 0), (2, 0, 200), (3, 0, 150))
    assert sorted(four.values()) == [0, 1, 2, 3]
    one = folds_of((0, 100, 0), (1, 0, 200), (2, 0, 150))
    assert one[0, True] == IN_SIGHT and len({one[1, False], one[2, False]} - {IN_SIGHT}) == 2


def test_a_source_that_leaves_too_little_stays() -> None:
    """Nine tenths of a class are not left out, the other tenth is."""
    found = folds_of((0, 180, 0), (1, 20, 0), (2, 0, 50))
    assert found[0, True] == IN_SIGHT and found[1, True] != IN_SIGHT


def test_a_source_of_both_classes_is_left_out_of_both() -> None:
    """Or its other documents would tell."""
    found = folds_of((0, 40, 60), (1, 40, 60))
    assert found[0, True] == found[0, False] != found[1, True] == found[1, False]


@given(ROWS)
def test_enough_of_each_class_remains(rows: list[tuple[int, bool, bool]]) -> None:
    """Whatever the sources: a quarter and 20 documents of each class that a fold leaves out are left."""
    source, positive, held = (np.array(column) for column in zip(*rows, strict=True))
    folds = source_folds(source, positive, held)
    assert folds.max() < FOLDS
    for fold in set(folds.tolist()) - {IN_SIGHT}:
        for kind in (positive, ~positive):
            if (folds[kind] == fold).any():
                mine = kind & ~held
                remain = int((mine & (folds != fold)).sum())
                assert remain >= max(LEAST, LEAST_SHARE * mine.sum()) - 1e-9
        for number in set(source[folds == fold].tolist()):
            for kind in (positive, ~positive):
                assert len(set(folds[(source == number) & kind].tolist())) <= 1


def test_scores_are_those_of_a_model_without_the_source() -> None:
    """A model that knows the sources it learned from scores its documents; those in sight keep their scores."""
    source = np.repeat([0, 1, 2], 40)
    held = np.arange(120) % 4 == 0
    folds = np.repeat([0, 1, IN_SIGHT], 40)

    def learn(chosen: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        known = set(source[chosen].tolist())
        assert not (chosen & held).any()
        return lambda judged: np.array([float(s in known) for s in source[judged]], np.float32)

    found = score_left_out(folds, held, np.full(30, 0.5, np.float32), learn)
    assert found.tolist() == [0.0] * 20 + [0.5] * 10
