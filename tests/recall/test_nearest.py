"""The nearest seed against all cosines."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.recall.logistic import weigh_rows
from refinery.recall.nearest import nearest
from refinery.text.batch import TextBatch
from refinery.text.features import features, inverse_frequencies
from tests.recall.planted import texts


@pytest.mark.parametrize("most", [200, 1 << 22])
def test_the_greatest_cosine_to_another_seed(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a seed the nearest other one; of a document that shares nothing with any it is 0; in blocks or at once."""
    monkeypatch.setattr("refinery.text.features._BLOCK_ENTRIES", most)
    found = features(TextBatch.from_texts([*texts(17, "a", 0.5, 1), "", "alone", *texts(5, "b", 0.5, 2)]), 16)
    inverse = inverse_frequencies(found, 16)
    rows = weigh_rows(found, inverse)
    matrix = np.zeros((len(rows), rows.width))
    matrix[np.repeat(np.arange(len(rows)), np.diff(rows.bounds)), rows.columns] = rows.values
    seed = np.arange(len(rows)) % 4 == 0
    cosines = matrix @ matrix[seed].T
    cosines[np.flatnonzero(seed), np.arange(seed.sum())] = 0
    near, which = nearest(found, inverse, seed)
    assert np.allclose(near, cosines.max(1), atol=1e-6)
    assert (which[17], which[18]) == (-1, -1)
    assert (which[near > 0] == np.flatnonzero(seed)[cosines.argmax(1)][near > 0]).all()
