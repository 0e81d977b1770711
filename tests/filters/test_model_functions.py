"""Thresholds that models suggest, in SQL."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.definition.paths import ModelUse, Paths
from refinery.definition.trainings import (
    ImportanceTraining,
    NgramTraining,
    QuantileCount,
    RelevanceTraining,
    TopicTraining,
)
from refinery.errors import DefinitionError
from refinery.filters.model_functions import as_numbers, models_in, with_model_values
from refinery.filters.predicate import columns_of, problems
from refinery.filters.rules import resolve_rules
from refinery.models.card_text import write_card
from refinery.models.model_file import file_hash
from refinery.models.quantiles import QUANTILES, Quantiles
from refinery.sources.sql import parse
from tests.models.cards import POINT, card

TRAINING = RelevanceTraining(positive=("a",), negative=("b",))


def paths(folder: Path, threshold: float = 0.25) -> Paths:
    """A model that is there, one that is not, ones that suggest nothing, one that is wrong itself."""
    (folder / "model.bin").write_bytes(b"model")
    point = POINT.model_copy(update={"threshold": threshold})
    write_card(card(file_hash(folder / "model.bin"), point), folder)
    (folder / "plain.bin").write_bytes(b"plain")
    bare = folder / "bare"
    bare.mkdir()
    (bare / "model.npz").write_bytes(b"model")
    models = {
        "medical": ModelUse(folder, "medical", TRAINING),
        "file": ModelUse(folder / "model.bin"),
        "plain": ModelUse(folder / "plain.bin"),
        "later": ModelUse(None, "later", TRAINING),
        "dsir": ModelUse(None, "dsir", ImportanceTraining(positive=("a",), raw=("b",))),
        "common": ModelUse(None, "common", NgramTraining(raw=("b",))),
        "groups": ModelUse(None, "groups", TopicTraining.model_validate({"from": ["b"]})),
        "few": ModelUse(bare, "few", ImportanceTraining(positive=("a",), raw=("b",))),
        "nowhere": ModelUse(folder / "nowhere"),
        "wrong": None,
    }
    return Paths(folder, {}, models)


def test_a_suggestion_becomes_the_number_of_the_card(tmp_path: Path) -> None:
    """By the name of a model that the run made, and of a file; several; capitals, spaces and comments about it."""
    found = with_model_values(
        "relevance >= suggested('medical') OR quality > SUGGESTED -- really\n ( 'file' )", paths(tmp_path)
    )
    assert found == "relevance >= 0.25 OR quality > 0.25"


@given(st.floats(0, 1, width=32))
def test_the_number_is_exact(tmp_path_factory: pytest.TempPathFactory, threshold: float) -> None:
    """A score that is the threshold is kept, and none below it, down to the smallest number."""
    number = with_model_values("x >= suggested('m')", Paths(models={"m": made(tmp_path_factory, threshold)}))
    scores = pl.DataFrame(
        {"x": pl.Series([threshold, np.nextafter(np.float32(threshold), np.float32(-1))], dtype=pl.Float32)}
    )
    assert scores.select(parse(number)).to_series().to_list() == [True, False]


def made(factory: pytest.TempPathFactory, threshold: float) -> ModelUse:
    return paths(factory.mktemp("model"), threshold).models["medical"]


@pytest.mark.parametrize("name", ["later", "nowhere", "wrong"])
def test_what_is_not_there_yet_is_left(tmp_path: Path, name: str) -> None:
    """A model that is still to be made; what is wrong with others is told where they stand."""
    predicate = f"relevance >= suggested('{name}')"
    assert with_model_values(predicate, paths(tmp_path)) == predicate
    assert models_in(predicate) == {name}
    assert columns_of(predicate) == {"relevance"}
    assert problems(predicate, {"relevance": pl.Float32()}) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("medcal", "no model is called 'medcal'; did you mean \"medical\"?"),
        ("groups", "a model made by `topics` suggests no threshold; write a number"),
        ("common", "a model of `raw` alone suggests no threshold; write a number"),
        ("few", "its documents were too few or too alike to judge it by; write a number"),
        ("plain", "plain.bin has no card, which would suggest a threshold; write a number"),
    ],
)
def test_a_model_that_suggests_nothing_is_told(tmp_path: Path, name: str, problem: str) -> None:
    """With the rule and what to do."""
    with pytest.raises(DefinitionError) as caught:
        resolve_rules([{"on_topic": f"relevance >= suggested('{name}')"}], paths(tmp_path))
    (found,) = caught.value.problems
    assert found.startswith(f"on_topic: suggested('{name}'): ") and problem in found


def test_a_threshold_of_another_column_is_told(tmp_path: Path) -> None:
    """Of what the same measurer makes; what it is of, and columns by other names, are left."""
    models = paths(tmp_path)
    for fine in ("importance_per_token >= suggested('dsir')", "x > suggested('dsir')", "importance > 1"):
        assert with_model_values(fine, models) == fine
    with pytest.raises(DefinitionError, match=r"a threshold of importance_per_token, not of importance$"):
        with_model_values("chars > 9 AND importance >= suggested('dsir')", models)


@pytest.mark.parametrize(
    "call", ["suggested()", "suggested(medical)", 'suggested("medical")', "suggested('a', 'b')"]
)
def test_a_wrong_call_is_told(call: str) -> None:
    """What to write."""
    predicate = f"relevance >= {call}"
    for use in (as_numbers, models_in, lambda text: with_model_values(text, Paths())):
        with pytest.raises(DefinitionError, match=r"write suggested\('NAME'\)"):
            use(predicate)
    (problem,) = problems(predicate, {"relevance": pl.Float32()})
    assert problem.startswith("write suggested('NAME') with the name of a model")


@given(st.text(alphabet="suggested(')\"- \nx=", max_size=30))
def test_nothing_else_is_touched(text: str) -> None:
    """Texts, quoted names, comments and columns of that name; whatever is there comes back."""
    try:
        names = models_in(text)
    except DefinitionError:
        return
    if not names:
        assert as_numbers(text) == with_model_values(text, Paths()) == text


def test_a_suggestion_is_checked_as_a_number() -> None:
    """Against a text it is no predicate."""
    (problem,) = problems("lang = suggested('m')", {"lang": pl.String()})
    assert "lang" in problem


COUNT = QuantileCount.model_validate({"from": ["scored"], "columns": ["relevance", "my words"], "buckets": 3})


def counted(folder: Path, there: bool = True) -> Paths:
    """Quantiles of two columns, and a model that has none."""
    cuts = {"relevance": (0.25, 0.5), "my words": (3, 9)}
    found = Quantiles(buckets=3, documents={"relevance": 3, "my words": 3}, cuts=cuts)
    (folder / QUANTILES).write_text(found.model_dump_json())
    models = {"scores": ModelUse(folder if there else None, "scores", COUNT), "file": ModelUse(folder)}
    return Paths(folder, {}, models)


def test_a_quantile_becomes_a_comparison_with_cuts(tmp_path: Path) -> None:
    """Of each column; the greatest of them ignores a score that a document lacks, and is NULL without any."""
    written = """GREATEST(quantile_of('scores', relevance), QUANTILE_OF ( 'scores' , "my words" ))"""
    assert models_in(written) == {"scores"}
    assert columns_of(written) == {"relevance", "my words"}
    assert with_model_values(written, counted(tmp_path, there=False)) == written
    frame = pl.DataFrame(
        {"relevance": [0.25, 0.3, 0.9, None, None], "my words": [9, 1, 1, 4, None]},
        schema={"relevance": pl.Float32, "my words": pl.Int64},
    )
    sql = with_model_values(written, counted(tmp_path))
    assert frame.select(parse(sql)).to_series().to_list() == [1, 1, 2, 1, None]
    assert problems(f"{written} >= 2", frame.schema) == problems(f"{sql} >= 2", frame.schema) == []


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("quantile_of('score', relevance)", "no model is called 'score'"),
        ("quantile_of('file', relevance)", "it needs a model made by `quantiles`"),
        ("quantile_of('scores', relevanc)", "its `columns` have no 'relevanc'; did you mean \"relevance\"?"),
        ("suggested('scores')", "a model made by `quantiles` suggests no threshold"),
    ],
)
def test_a_model_without_such_quantiles_is_told(tmp_path: Path, call: str, problem: str) -> None:
    """With the call and what to do."""
    with pytest.raises(DefinitionError) as caught:
        with_model_values(f"{call} > 1", counted(tmp_path))
    (found,) = caught.value.problems
    assert found.startswith(f"{call}: {problem}")


@pytest.mark.parametrize("call", ["quantile_of('s')", "quantile_of(relevance)", "quantile_of('s', a + b)"])
def test_a_wrong_quantile_is_told(call: str) -> None:
    """What to write; a column of that name is none."""
    (problem,) = problems(f"{call} > 1", {"relevance": pl.Float32()})
    assert problem.startswith("write quantile_of('NAME', COLUMN)")
    assert problems("quantile_of > 1", {"quantile_of": pl.Int64()}) == []


def test_a_quantile_of_a_text_is_told() -> None:
    """Before the model is there."""
    (problem,) = problems("quantile_of('scores', lang) > 1", {"lang": pl.String()})
    assert "lang is text" in problem
