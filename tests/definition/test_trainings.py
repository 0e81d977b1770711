"""Models of a definition."""

import pytest
from pydantic import ValidationError

from refinery.definition.trainings import ImportanceTraining, NamedModel, RecallTraining, RelevanceTraining


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({}, "a model has one of file, train, importance, ngram, .*, here none"),
        ({"train": None}, "here none"),
        (
            {"file": "m", "importance": {"positive": "a", "raw": "b"}},
            "a model has one of file, train, importance, ngram, .*, here file and importance",
        ),
    ],
)
def test_a_model_is_of_one_kind(model, problem):
    """Neither of none nor of two."""
    with pytest.raises(ValidationError, match=problem):
        NamedModel.model_validate(model)


def test_a_model_says_how_it_is_made():
    """A file is not made; what a manifest says of a model can be run."""
    assert NamedModel(file="m").training is None
    trained = NamedModel.model_validate({"train": {"positive": "a", "negative": ["b", "c"]}})
    assert trained.training == RelevanceTraining(positive=("a",), negative=("b", "c"))
    assert trained.training.word == "train"
    assert NamedModel.model_validate(trained.model_dump(mode="json")) == trained
    weighed = NamedModel.model_validate({"importance": {"positive": "a", "raw": "b"}})
    assert weighed.training == ImportanceTraining(positive=("a",), raw=("b",))


def test_gold_hosts_are_hosts_in_one_form():
    """As hosts, or as the URL of a first page; a page is none."""
    recall = {"seeds": ["a"], "pool": ["b"]}
    given = ["https://Cancer.gov/", "heart.org", "cancer.gov"]
    assert RecallTraining(**recall, gold_hosts=given).gold_hosts == ("cancer.gov", "heart.org")
    with pytest.raises(ValidationError, match=r"'cancer.gov/about' is no host; give hosts or sites"):
        RecallTraining(**recall, gold_hosts=["cancer.gov/about"])
