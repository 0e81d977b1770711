"""Measurer `quality`."""

import pickle

from refinery.filters import relevance
from refinery.filters.quality import Settings, build
from refinery.text.batch import TextBatch
from tests.fasttext_models import model


def test_it_is_relevance_under_its_own_name():
    """A column of its own, so that one definition can use both; the model counts by its content."""
    settings = Settings(model=model("two labels"), label="l1")
    measurer, other = build(settings), relevance.build(settings)
    assert (measurer.name, measurer.schema.names) == ("quality", ["quality"])
    assert measurer.settings == other.settings
    assert str(settings.model) not in str(measurer.settings)
    assert pickle.loads(pickle.dumps(measurer)) == measurer
    batch = TextBatch.from_texts(["No one shall be held", ""])
    assert measurer(batch)["quality"] == other(batch)["relevance"]
