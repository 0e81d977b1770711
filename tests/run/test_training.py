"""Models outside of any pipeline, by `refinery train`."""

import json
from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.errors import InputError
from refinery.filters.relevance import Settings, build
from refinery.models.card import resolve
from refinery.models.ngram import load_ngrams
from refinery.run.training import DEFINITION, take_model, write_definition
from tests.models.domains import MEDICAL, OTHER, documents, write, write_domains
from tests.run.planning import plan_of


def test_a_classifier_with_its_card_and_definition(tmp_path: Path, refinery, monkeypatch) -> None:
    """Beside each other in the folder; the definition can be run, and makes nothing again."""
    write_domains(tmp_path)
    monkeypatch.chdir(tmp_path)
    command = ["train", "relevance", "--positive", "positive.parquet", "--negative", "neg*.parquet"]
    code, out, err = refinery(*command, "--out", "models/medical", "--precision", 0.95, "--seed", 3)
    assert code == 0, err
    file, card = resolve(tmp_path / "models/medical")
    assert card and (card.wanted_precision, card.training["seed"]) == (0.95, 3)
    assert [(c.source, c.drawn) for c in card.drawn] == [("positive", 150), ("negative", 250)]
    assert "suggested threshold" in out and "models/medical/card.md" in out
    assert (tmp_path / "models/medical/card.md").exists()
    before = file.stat().st_mtime_ns
    assert refinery("run", tmp_path / "models/medical" / DEFINITION)[0] == 0
    assert (file.stat().st_mtime_ns, len(list(tmp_path.glob("models/medical/.refinery/made/*")))) == (
        before,
        1,
    )
    score = build(Settings(model=tmp_path / "models/medical"))
    assert score.label == "__label__relevant"


def test_paths_are_sources_that_are_left_out_in_turn(tmp_path: Path, refinery) -> None:
    """Each path that is given: the card judges documents of each by a model that has not seen it."""
    write_domains(tmp_path)
    write(tmp_path / "others.parquet", documents(OTHER, 150, 6))
    paths = [f"--positive={tmp_path}/positive.parquet"]
    paths += [f"--negative={tmp_path / name}.parquet" for name in ("negative", "others")]
    code, _, err = refinery("train", "relevance", *paths, "--out", tmp_path / "m")
    assert code == 0 and "give positives of two sources or more" in err
    _, card = resolve(tmp_path / "m")
    assert card and [(one.source, one.left_out) for one in card.judged] == [
        ("positive", False), ("negative-1", True), ("negative-2", True),
    ]  # fmt: skip


def test_importance_of_json_lines_with_another_column(tmp_path: Path, refinery) -> None:
    """Globs, several files, a column of another name; the model has a card beside it."""
    for name, texts in (("a", MEDICAL), ("b", MEDICAL), ("c", OTHER)):
        lines = [json.dumps({"body": text}) for text in documents(texts, 30, 1)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    command = ["train", "importance", "--positive", tmp_path / "a.jsonl", "--positive", tmp_path / "b.jsonl"]
    code, _, err = refinery(
        *command, "--raw", tmp_path / "*.jsonl", "--out", tmp_path / "m", "--text", "body"
    )
    assert code == 0, err
    assert sorted(file.name for file in (tmp_path / "m").glob("*.*")) == [
        ".refinery",
        "card.json",
        "card.md",
        "model.npz",
        "pipeline.yaml",
    ]


def test_ngrams_of_one_text(tmp_path: Path, refinery) -> None:
    """A model and its record, and what was counted in a sentence; `--positive` may be left out."""
    write_domains(tmp_path)
    command = ["train", "ngram", "--raw", tmp_path / "negative.parquet", "--order", 3]
    code, out, err = refinery(*command, "--out", tmp_path / "m")
    assert code == 0, err
    assert "raw documents, perplexity" in out and "ngrams.json" in out
    model = load_ngrams(tmp_path / "m" / "model.ngram")
    assert (model.texts, model.order) == (1, 3)


def test_training_again_replaces_the_model(tmp_path: Path, refinery) -> None:
    """The definition is written anew; the model and its card belong together."""
    write_domains(tmp_path)
    parts = ["--positive", tmp_path / "positive.parquet", "--negative", tmp_path / "negative.parquet"]
    command = ["train", "relevance", *parts, "--out", tmp_path / "m"]
    assert refinery(*command)[0] == 0
    first = resolve(tmp_path / "m")[1]
    assert refinery(*command, "--seed", 2)[0] == 0
    second = resolve(tmp_path / "m")[1]
    assert first and second and first.model != second.model
    assert load(tmp_path / "m" / DEFINITION).pipeline.models["model"].train.seed == 2


def test_a_definition_of_somebody_else_is_left_alone(tmp_path: Path, refinery) -> None:
    """Nobody's pipeline is lost because a model was put beside it."""
    write_domains(tmp_path)
    (tmp_path / DEFINITION).write_text("refinery: 1\nname: mine\n")
    parts = ["--positive", tmp_path / "positive.parquet", "--negative", tmp_path / "negative.parquet"]
    code, _, err = refinery("train", "relevance", *parts, "--out", tmp_path)
    assert (
        code == 2
        and "is not one that `refinery train` wrote" in err
        and "give the model another folder" in err
    )
    assert (tmp_path / DEFINITION).read_text() == "refinery: 1\nname: mine\n"


def test_mistakes_are_told(tmp_path: Path, refinery) -> None:
    """A file that is not there, a column that it does not have, too few documents."""
    positive, negative = write_domains(tmp_path)
    few = write(tmp_path / "few.parquet", documents(MEDICAL, 12, 1))

    def problem(*options: object) -> str:
        code, _, err = refinery(
            "train", "relevance", "--negative", negative, "--out", tmp_path / "m", *options
        )
        assert code == 2
        return " ".join(err.split())

    assert "nowhere.parquet" in problem("--positive", tmp_path / "nowhere.parquet")
    assert "'body'" in problem("--positive", positive, "--text", "body")
    assert "models.model: positive examples: " in problem("--positive", few)
    assert not (tmp_path / "m/model.bin").exists()


def test_a_definition_means_the_paths_of_the_command_line(tmp_path: Path, monkeypatch) -> None:
    """Relative to the current directory, URLs as they are, braces and all; a name of the folder or a plain one."""
    monkeypatch.chdir(tmp_path)
    parts = {"positive": ["a/*.parquet", "s3://b/{x}"], "raw": ["/c"]}
    definition = load(write_definition(tmp_path / "my model", "importance", parts, "body", {"seed": 4}))
    assert definition.problems == () and definition.pipeline.name == "model"
    sources = (definition.pipeline.sources[f"positive-{number}"].path for number in (1, 2))
    paths = [definition.paths.expand(path) for (path,) in sources]
    assert paths == [f"{tmp_path}/a/*.parquet", "s3://b/{x}"]
    assert definition.pipeline.sources["raw"].text == ("body",)
    assert definition.pipeline.models["model"].importance.seed == 4
    assert load(write_definition(tmp_path / "law", "importance", parts, "text", {})).pipeline.name == "law"


def test_a_model_that_is_not_made_cannot_be_taken(tmp_path: Path) -> None:
    """What to do is told."""
    positive, negative = write_domains(tmp_path)
    parts = {"positive": [str(positive)], "negative": [str(negative)]}
    plan = plan_of(write_definition(tmp_path / "m", "train", parts, "text", {}))
    with pytest.raises(InputError, match="model: the model is not made yet"):
        take_model(plan, "model", tmp_path / "m")
