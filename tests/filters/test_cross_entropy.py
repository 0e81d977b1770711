"""Cross-entropies of documents as a measurer gives them."""

from pathlib import Path

import pytest

from refinery.definition.paths import ModelUse
from refinery.definition.trainings import ImportanceTraining, NgramTraining
from refinery.definition.validate import Invalid, validate
from refinery.errors import InputError
from refinery.filters.cross_entropy import CrossEntropy, Settings, build
from refinery.text.batch import TextBatch
from tests.models.domains import LAW, MEDICAL, OTHER, SOFTWARE, documents
from tests.models.shards import cut
from tests.models.test_ngram_fit import make

TRAINING = NgramTraining(positive=("seeds",), raw=("crawl",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of medicine and Chinese law against other text."""
    seeds = documents(MEDICAL, 60, 1) + documents(LAW, 60, 1, "。")
    crawl = documents(OTHER, 120, 2) + documents(SOFTWARE, 120, 2, "。")
    return make(tmp_path_factory.mktemp("ngram"), TRAINING, cut("seeds", seeds), cut("crawl", crawl))


def test_a_domain_is_told_apart_in_two_scripts(folder: Path) -> None:
    """New documents of the domain have the greater difference, which is that of the other two columns."""
    domain = documents(MEDICAL, 20, 8) + documents(LAW, 20, 8, "。")
    other = documents(OTHER, 20, 9) + documents(SOFTWARE, 20, 9, "。")
    found = build(Settings(model=folder))(TextBatch.from_texts(domain + other)).to_pydict()
    difference = found["cross_entropy_difference"]
    assert min(difference[:40]) > 0 > max(difference[40:])
    pairs = zip(found["cross_entropy_raw"], found["cross_entropy"], strict=True)
    assert difference == [raw - domain for raw, domain in pairs]


def test_a_text_without_words_has_null(folder: Path) -> None:
    """In all columns, and no other text has."""
    found = build(Settings(model=folder))(TextBatch.from_texts(["", "!?", "never seen"])).to_pydict()
    assert [[value is None for value in column] for column in found.values()] == [[True, True, False]] * 3


def test_a_model_of_one_text_has_one_column(tmp_path: Path) -> None:
    """What is frequent in the text is more common, by the model as by how it is to be made."""
    training = NgramTraining(raw=("crawl",))
    made = make(tmp_path, training, cut("crawl", documents(OTHER, 120, 2)))
    measurer = build(Settings(model=ModelUse(made, "common", training)))
    assert build(Settings(model=ModelUse(None, "common", training))).schema == measurer.schema
    (bits,) = measurer(TextBatch.from_texts([*documents(OTHER, 1, 7), *documents(MEDICAL, 1, 7)])).columns
    assert measurer.schema.names == ["cross_entropy_raw"] and bits[0].as_py() < bits[1].as_py()


def test_a_model_that_is_still_to_be_made_can_be_planned_with(folder: Path) -> None:
    """The columns that it will make; it is known by how it is made, later by content."""
    planned = build(Settings(model=ModelUse(None, "medical", TRAINING)))
    made = build(Settings(model=ModelUse(folder, "medical", TRAINING)))
    assert planned.schema == made.schema == CrossEntropy(None, "").schema
    assert planned.models == made.models == ("medical",)
    assert planned.settings != made.settings == build(Settings(model=folder / "model.ngram")).settings
    assert planned.files == () and made.files == (folder / "model.ngram",)
    with pytest.raises(InputError, match="medical: the model is not made yet"):
        planned(TextBatch.from_texts(["text"]))


def test_models_of_another_kind_are_refused() -> None:
    """Those that a run makes otherwise."""
    use = ModelUse(None, "words", ImportanceTraining(positive=("a",), raw=("b",)))
    with pytest.raises(
        Invalid, match="'words' is made by `importance`; here stands one made by `ngram` or a file"
    ):
        validate(Settings, {"model": use})
