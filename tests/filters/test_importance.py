import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.definition.paths import ModelUse
from refinery.definition.trainings import ImportanceTraining
from refinery.errors import InputError
from refinery.filters.importance import Settings, build
from refinery.models.importance import load_importance, train_importance
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from tests.models.domains import MEDICAL, OTHER, documents, write
from tests.text.test_ngrams_hashed import buckets


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of medical text against all text."""
    found = tmp_path_factory.mktemp("dsir")
    target = write(found / "target.parquet", documents(MEDICAL, 60, 1))
    raw = write(found / "raw.parquet", documents(MEDICAL, 20, 3) + documents(OTHER, 200, 2))
    train_importance([target], [raw], found / "medical.npz")
    return found


@settings(max_examples=50)
@given(
    text=st.one_of(
        st.text(max_size=80), st.lists(st.sampled_from(["patient", "law", "血", "x1"])).map(" ".join)
    )
)
def test_importance_is_the_log_ratio_of_dsir(folder: Path, text: str) -> None:
    """Against a plain-Python sum over words and pairs of words."""
    weights = load_importance(folder / "medical.npz").weights
    row = build(Settings(model=folder / "medical.npz"))(TextBatch.from_texts([text])).to_pylist()[0]
    words = prepare(TextBatch.from_texts([text])).to_arrow().to_pylist()[0].split(" ")
    expected = math.fsum(weights[bucket] for bucket in buckets(words, len(weights))) if words != [""] else 0.0
    assert row["importance"] == pytest.approx(expected, abs=1e-9)
    assert row["importance_per_token"] == pytest.approx(expected / len(words), abs=1e-9)


def test_a_domain_is_told_apart(folder: Path) -> None:
    """Medical documents that the model has not seen rank above the others."""
    texts = documents(MEDICAL, 40, 8) + documents(OTHER, 40, 9)
    scores = build(Settings(model=folder / "medical.npz"))(TextBatch.from_texts(texts))[
        "importance_per_token"
    ].to_numpy()
    assert scores[:40].min() > scores[40:].max()


def test_a_text_without_words_weighs_nothing(folder: Path) -> None:
    """0, a row, no NaN."""
    found = build(Settings(model=folder / "medical.npz"))(TextBatch.from_texts(["", "!?", "a"]))
    assert found["importance"].to_pylist()[:2] == [0, 0]
    assert np.isfinite(found["importance_per_token"].to_numpy()).all()


def test_a_model_that_is_still_to_be_made_can_be_planned_with(folder: Path, tmp_path: Path) -> None:
    """The columns that it will make; it is known by how it is made, later by content; a made one is a folder."""
    training = ImportanceTraining(positive=("seeds",), raw=("crawl",))
    planned = build(Settings(model=ModelUse(None, "words", training)))
    (tmp_path / "model.npz").write_bytes((folder / "medical.npz").read_bytes())
    made = build(Settings(model=ModelUse(tmp_path, "words", training)))
    assert planned.schema == made.schema and planned.models == made.models == ("words",)
    assert planned.settings != made.settings == build(Settings(model=folder / "medical.npz")).settings
    assert planned.files == () and made.files == (tmp_path / "model.npz",)
    with pytest.raises(InputError, match="words: the model is not made yet"):
        planned(TextBatch.from_texts(["text"]))
