from pathlib import Path

import numpy as np
import pytest

from refinery.definition.paths import ModelUse
from refinery.definition.trainings import NearestTraining
from refinery.errors import InputError
from refinery.filters.nearest import Settings, build
from refinery.models.nearest import content
from refinery.text.batch import TextBatch
from refinery.text.features import BITS, features
from refinery.text.prepare import prepare
from tests.models.domains import MEDICAL, OTHER, documents

TRAINING = NearestTraining(positive=("seeds",), raw=("crawl",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of medical seeds, in other text."""
    raw = features(prepare(TextBatch.from_texts(documents(OTHER, 100, 2))))
    having = np.bincount(raw.buckets, minlength=1 << BITS)
    seeds = prepare(TextBatch.from_texts(documents(MEDICAL, 20, 1)))
    (tmp_path / "model.npz").write_bytes(content(seeds, having, 100))
    return tmp_path


def test_what_is_like_a_seed_is_told_from_others(folder: Path) -> None:
    """By both columns, of a folder or a file; a text without a word has no seed."""
    measurer = build(Settings(model=folder))
    assert measurer.settings == build(Settings(model=folder / "model.npz")).settings
    rows = measurer(TextBatch.from_texts([*documents(MEDICAL, 20, 8), *documents(OTHER, 20, 9), ""]))
    assert rows.schema == measurer.schema
    cosines = rows["nearest"].to_numpy()
    assert cosines[:20].min() > cosines[20:40].max() and cosines[40] == 0
    assert rows["nearest_seed"].to_pylist()[40] is None and None not in rows["nearest_seed"].to_pylist()[:20]


def test_a_model_that_is_not_made_is_told(folder: Path) -> None:
    """Its columns are known before."""
    measurer = build(Settings(model=ModelUse(None, "like", TRAINING)))
    assert measurer.schema.names == ["nearest", "nearest_seed"]
    with pytest.raises(InputError, match="like: the model is not made yet"):
        measurer(TextBatch.from_texts(["a"]))
