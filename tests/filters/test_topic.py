"""The measurer `topic`."""

from pathlib import Path

import pytest

from refinery.definition.paths import ModelUse
from refinery.definition.trainings import TopicTraining
from refinery.errors import InputError
from refinery.filters.topic import Settings, build
from refinery.models.topics import fit
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from tests.models.domains import MEDICAL, OTHER, documents

TRAINING = TopicTraining.model_validate({"from": "crawl", "clusters": 2})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of two topics."""
    found = tmp_path_factory.mktemp("topics")
    texts = documents(MEDICAL, 40, 1) + documents(OTHER, 60, 2)
    model, _, _ = fit(prepare(TextBatch.from_texts(texts)), TRAINING)
    (found / "model.npz").write_bytes(model.content())
    return found


def test_each_document_has_its_topic(folder):
    """The greater one is 0; a text without a term has NULL and 0."""
    texts = [*documents(OTHER, 10, 5), *documents(MEDICAL, 10, 6), "", "zzz"]
    found = build(Settings(model=folder))(TextBatch.from_texts(texts))
    topics = found["topic"].to_pylist()
    assert topics == [0] * 10 + [1] * 10 + [None, None]
    assert str(found.schema.field("topic").type) == "int32"
    similarity = found["topic_similarity"].to_pylist()
    assert similarity[-2:] == [0, 0] and all(0 < one <= 1 for one in similarity[:-2])


def test_a_model_that_is_not_made_is_known_by_how_it_is_made(folder, tmp_path):
    """It measures nothing then; a file is known by its content."""
    use = ModelUse(None, "topics", TRAINING)
    later = build(Settings.model_construct(model=use))
    assert later.models == ("topics",) and "clusters" in str(later.settings["model"])
    with pytest.raises(InputError, match="not made yet"):
        later(TextBatch.from_texts(["x"]))
    (tmp_path / "copy.npz").write_bytes((folder / "model.npz").read_bytes())
    copy = build(Settings(model=tmp_path / "copy.npz"))
    assert copy.settings == build(Settings(model=folder)).settings and copy.files == (tmp_path / "copy.npz",)
