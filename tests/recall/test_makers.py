"""The makers of recall: what each is made of, and that one after the other they make a model."""

import pickle
from pathlib import Path

import pytest

from refinery.filters import relevance
from refinery.models.card import resolve
from refinery.recall.counts import COUNTS, SampleCounts
from refinery.recall.makers import makers_of
from refinery.text.batch import TextBatch
from tests.models.domains import MEDICAL, OTHER, documents
from tests.recall.made import SEED_TEXTS, TRAINING, make_all


def test_each_result_is_made_of_those_before_it():
    """The sample alone reads documents; a round reads the sample and the round before; the model reads all."""
    makers = pickle.loads(pickle.dumps(makers_of("models.m", TRAINING)))
    assert makers == makers_of("models.m", TRAINING)
    assert {name: maker.results for name, maker in makers.items()} == {
        "models.m.sample": (),
        "models.m.round-1": ("models.m.sample",),
        "models.m.round-2": ("models.m.sample", "models.m.round-1"),
        "models.m.round-3": ("models.m.sample", "models.m.round-2"),
        "models.m": ("models.m.sample", "models.m.round-1", "models.m.round-2", "models.m.round-3"),
    }
    assert [maker.makes for maker in makers.values()] == ["sample", "round", "round", "round", "model"]
    assert {name for name, maker in makers.items() if maker.inputs} == {"models.m.sample"}


def test_how_many_rounds_follow_is_a_setting_of_the_model_alone():
    """So that one more makes nothing else again."""
    more = makers_of("models.m", TRAINING.model_copy(update={"rounds": 4}))
    for name, maker in makers_of("models.m", TRAINING).items():
        assert (maker.settings == more[name].settings) == (name != "models.m"), name


def test_a_round_is_allotted_memory_by_features_and_not_by_documents_alone(tmp_path: Path) -> None:
    """Documents ten times as long take more."""
    allotted = []

    def units(name, call, arguments, memory=0):
        allotted.append((name, memory))
        return [[] for _ in arguments]

    maker = makers_of("models.m", TRAINING)["models.m.round-1"]
    for entries in (10**6, 10**7):
        counts = SampleCounts(drawn=(), seeds=50, pool=950, copies=0, empty=0, languages={}, entries=entries)
        (tmp_path / COUNTS).write_text(counts.model_dump_json())
        maker.reading([tmp_path]).make({}, units, tmp_path, tmp_path)
    (name, few), (_, many) = allotted
    assert name == "round 1"
    assert 6 * 9 * 10**6 < many - few < 40 * 9 * 10**6


def test_disk_is_that_of_what_is_drawn_and_of_each_step():
    """For an estimate: a pool ten times as large as what is drawn of it takes no more."""
    makers = makers_of("models.m", TRAINING)
    sample = makers["models.m.sample"]
    most = TRAINING.pool_documents
    all_drawn = sample.size({"seeds": (10, 1e4), "pool": (most, 1e8)})
    assert all_drawn == pytest.approx(sample.size({"seeds": (10, 1e4), "pool": (10 * most, 1e9)}))
    assert 5e7 < all_drawn < 1e8 and all(maker.size({}) > 1e6 for maker in makers.values() if maker != sample)


def test_the_model_tells_the_domain_apart_and_knows_its_seeds(tmp_path: Path) -> None:
    """New documents by the card's threshold; seeds, in whatever letters, are certain; no word is no relevance."""
    made = make_all(tmp_path)["models.medical"]
    measurer = relevance.build(relevance.Settings(model=made))
    card = resolve(made)[1]
    assert card is not None
    fresh = TextBatch.from_texts([*documents(MEDICAL, 50, 8), *documents(OTHER, 50, 9)])
    scores = measurer(fresh)["relevance"].to_numpy()
    assert (scores[:50] >= card.suggested.threshold).mean() >= 0.7
    assert (scores[50:] < card.suggested.threshold).mean() >= 0.9
    known = TextBatch.from_texts([*SEED_TEXTS, SEED_TEXTS[0].upper(), "", "?!"])
    assert measurer(known)["relevance"].to_pylist() == [1.0] * 41 + [0.0, 0.0]
    assert {file.name for file in made.iterdir()} == {"model.npz", "recall.json", "card.json", "card.md"}
