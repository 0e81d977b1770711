"""The models of a definition that the run makes."""

from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.definition.paths import ModelUse, Paths
from refinery.errors import DefinitionError
from refinery.models.maker import Made
from refinery.plan.graph import Graph
from refinery.plan.models import with_models
from refinery.plan.resolve import resolve
from tests.cases import write_jsonl
from tests.definition.test_paths import TRAINED
from tests.run.test_trained_models import DEFINITION

RECALLING = """
refinery: 1
name: tiny
sources: {seeds: {path: seeds.jsonl}, crawl: {path: crawl.jsonl}, books: {path: books.jsonl}}
models: {m: {recall: {seeds: seeds, pool: all, rounds: 2}}}
stages: {all: {from: [crawl, books]}}
"""


def resolved(folder: Path, text: str = DEFINITION, made: dict[str, Made] | None = None) -> Graph:
    (folder / "pipeline.yaml").write_text(text)
    return resolve(load(folder / "pipeline.yaml"), made)


def test_a_definition_is_sound_before_its_models_are_there(tmp_path: Path) -> None:
    """Their columns are known, their suggestions are numbers; what they measure is measured on arrival."""
    graph = resolved(tmp_path)
    assert graph.makings.keys() == {"models.medical", "models.words"}
    assert graph.makings["models.medical"].maker.inputs == {"positive": ("seeds",), "negative": ("screened",)}
    stage = graph.stages["medical"]
    late = {m.measurer.name: m.measurer.models for m in stage.late["crawl"]}
    assert late == {"relevance": ("medical",), "importance": ("words",)}
    assert [rule.predicate for rule in stage.rules] == ["relevance >= suggested('medical')", "importance > 0"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "negative: screened",
            "negative: [screend]",
            ":9: models.medical.train.negative: no source or stage 'screend'; did you mean \"screened\"?",
        ),
        ("raw: crawl", "raw: craw", ":10: models.words.importance.raw: no source or stage 'craw'"),
        ("raw: crawl", "raw: [crawl, seeds]", ":10: models.words.importance.raw: seeds is positive already"),
        ("model: medical}", "model: words}", "'words' is made by `importance`; here stands one made by `train`"),
        ("suggested('medical')", "suggested('medcal')", ":19: stages.medical.keep.0: on_topic: suggested('medcal'):"),
        ("relevance >= suggested", "source = suggested", ":19: stages.medical.keep.0.on_topic: "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_models_is_told(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """Each at its place, with the nearest name, before any work."""
    assert old in DEFINITION
    with pytest.raises(DefinitionError) as caught:
        resolved(tmp_path, DEFINITION.replace(old, new))
    (found,) = caught.value.problems
    assert problem in found


def test_a_model_without_scores_suggests_no_threshold(tmp_path: Path) -> None:
    """Topics part documents, and judge none."""
    text = DEFINITION.replace("models:", "models:\n  parts: {topics: {from: crawl}}", 1)
    with pytest.raises(DefinitionError, match="made by `topics` suggests no threshold"):
        resolved(tmp_path, text.replace("suggested('medical')", "suggested('parts')"))


def test_a_sample_reads_the_hosts_of_sources_that_have_urls(tmp_path: Path) -> None:
    """By the heads of files, of whatever stage leads to them; nobody else's measurements are others for it."""
    write_jsonl(tmp_path / "seeds.jsonl", [{"text": "A seed.", "url": 1}])
    write_jsonl(tmp_path / "crawl.jsonl", [{"text": "A page.", "url": "https://a.org/"}])
    write_jsonl(tmp_path / "books.jsonl", [{"text": "A book."}])
    graph = resolved(tmp_path, RECALLING)
    assert [*graph.makings] == [f"models.m{step}" for step in (".sample", ".round-1", ".round-2", "")]
    hosts = {
        name: {source: [*columns] for source, columns in found.items()}
        for name, found in graph.makings["models.m.sample"].columns.items()
    }
    assert hosts == {"seeds": {"seeds": ["host"]}, "all": {"crawl": ["host"]}}
    measured = {name: {m.measurer.name for m in graph.measurements(name)} for name in ("crawl", "books")}
    assert "url" in measured["crawl"] and "url" not in measured["books"]
    assert all(graph.makings[name].is_model for name in graph.makings)
    rich = RECALLING.replace("rounds: 2", "rounds: 2, rich_hosts: 10%")
    assert resolved(tmp_path, rich).makings["models.m.round-2"].maker.settings["rich_hosts"] == "10%"
    write_jsonl(tmp_path / "crawl.jsonl", [{"text": "A page."}])
    with pytest.raises(DefinitionError, match=r":5: models.m.recall.rich_hosts: no source of the pool has"):
        resolved(tmp_path, rich)
    with pytest.raises(DefinitionError, match="rich_hosts bear on rounds after the first"):
        resolved(tmp_path, rich.replace("rounds: 2, ", ""))


def test_made_models_have_a_path() -> None:
    """That of their folder; what is not made, a file, and what is wrong itself stay as they are."""
    paths = Paths(models={"medical": TRAINED, "file": ModelUse(Path("/m")), "wrong": None})
    found = with_models(paths, {"models.medical": Made(Path("/work/made/key"), "hash")}).models
    assert found["medical"] == ModelUse(Path("/work/made/key"), "medical", TRAINED.training)
    assert (found["file"], found["wrong"]) == (paths.models["file"], None)
    assert with_models(paths, {}) == paths


COUNTING = """
refinery: 1
name: tiny
sources: {crawl: {path: crawl.jsonl}}
models: {scores: {quantiles: {from: FROM, columns: [COLUMN]}}}
stages: {scored: {from: crawl, measure: [language, signals], derive: {long: "words > 9", half: "words / 2"}}}
"""


def counting(folder: Path, name: str, column: str) -> Graph:
    write_jsonl(folder / "crawl.jsonl", [{"text": "some text"}])
    return resolved(folder, COUNTING.replace("FROM", name).replace("COLUMN", column))


def test_quantiles_know_the_columns_of_their_stage(tmp_path: Path) -> None:
    """Measured and derived ones."""
    graph = counting(tmp_path, "scored", "words, half")
    known = graph.stages["scored"].columns["crawl"]
    assert graph.makings["models.scores"].columns == {
        "scored": {"crawl": {"words": known["words"], "half": known["half"]}}
    }


@pytest.mark.parametrize(
    ("name", "column", "problem"),
    [
        ("scored", "word", "'scored' measures no column 'word'; did you mean \"words\"?"),
        ("scored", "lang", "'lang' is string, not a number"),
        ("scored", "long", "'long' is bool, not a number"),
        ("crawl", "words", "'crawl' is a source, on which nothing is measured: name a stage"),
        ("score", "words", "no source or stage 'score'"),
        ("scored", "words, words", "words stands twice"),
    ],
)
def test_what_has_no_quantiles_is_told(tmp_path: Path, name: str, column: str, problem: str) -> None:
    """At the line of the model."""
    with pytest.raises(DefinitionError) as caught:
        counting(tmp_path, name, column)
    (found,) = caught.value.problems
    assert problem in found and "pipeline.yaml:5: models.scores.quantiles" in found
