"""What paths and names of models stand for."""

from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel

from refinery.definition.paths import HERE, AnyModel, FilePath, ModelPath, ModelUse, Paths, is_path, made_by
from refinery.definition.trainings import ImportanceTraining, RelevanceTraining
from refinery.definition.validate import Invalid, validate
from refinery.errors import DefinitionError

TRAINED = ModelUse(None, "medical", RelevanceTraining(positive=("seeds",), negative=("crawl",)))
WEIGHED = ModelUse(Path("/w"), "dsir", ImportanceTraining(positive=("seeds",), raw=("crawl",)))
PATHS = Paths(
    Path("/repo"),
    {"data": "./", "store": "s3://bucket/", "here": "/", "bad": None},
    {"lid": ModelUse(Path("/m/lid")), "medical": TRAINED, "dsir": WEIGHED},
)


class Settings(BaseModel):
    file: FilePath | None = None
    model: ModelPath | None = None
    trained: Annotated[AnyModel, AfterValidator(made_by(RelevanceTraining))] | None = None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("crawl/*.parquet", "/repo/crawl/*.parquet"),
        ("{data}/crawl", "/repo/crawl"),
        ("{data}", "/repo"),
        ("{here}/abs", "/abs"),
        ("/abs", "/abs"),
        ("file:///abs", "/abs"),
        ("{store}/a", "s3://bucket/a"),
        ("s3://b/{{x}}", "s3://b/{x}"),
        ("{{data}}/a", "/repo/{data}/a"),
        ("{store}/{{{{2}}}}", "s3://bucket/{{2}}"),
    ],
)
def test_paths(written, meant):
    """Relative to the definition, roots filled in with or without a slash at their end, doubled braces as one."""
    assert PATHS.expand(written) == meant


def test_the_home_folder(monkeypatch):
    """A tilde at the beginning, of the path or of its root, as in a shell; a user that is not there is a name."""
    monkeypatch.setenv("HOME", "/home/me")
    paths = Paths(Path("/repo"), {"data": "~/corpus/"})
    assert paths.expand("~/corpus/*.jsonl") == paths.expand("{data}/*.jsonl") == "/home/me/corpus/*.jsonl"
    assert paths.expand("a~/~") == "/repo/a~/~"
    assert paths.expand("~nobody-of-that-name/a") == "/repo/~nobody-of-that-name/a"
    assert paths.expand("s3://b/~/a") == "s3://b/~/a"


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=20))
def test_any_text_can_be_written(text):
    """With its braces doubled, whatever it is."""
    url = "memory://" + text
    assert PATHS.expand(url.replace("{", "{{").replace("}", "}}")) == url


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{dta}/a", "no root is called 'dta'; did you mean \"data\"?; braces themselves are written {{ }}"),
        ("a{b", "no root is called ''; braces themselves are written {{ }}"),
        ("a}b", "no root is called ''"),
        ("{}", "no root is called ''"),
        ("part-{a,b}.jsonl", "no root is called 'a,b'"),
    ],
)
def test_what_is_no_root(written, problem):
    """An unknown name, with the nearest; braces that name nothing."""
    with pytest.raises(DefinitionError) as caught:
        PATHS.expand(written)
    assert str(caught.value).startswith(problem)


def test_a_root_that_is_wrong_itself_says_nothing_more():
    """Its problem is told where it stands."""
    with pytest.raises(DefinitionError) as caught:
        PATHS.expand("{bad}/a")
    assert caught.value.problems == ()


def test_settings_get_absolute_paths():
    """A model by name or by file, a file; from Python as they are."""
    found = validate(Settings, {"file": "{data}/t.json", "model": "lid"}, PATHS)
    assert (found.file, found.model) == (Path("/repo/t.json"), Path("/m/lid"))
    assert validate(Settings, {"model": {"file": "{data}/m"}}, PATHS).model == Path("/repo/m")
    assert Settings(file=Path("a"), model=Path("b")).model == Path("b")
    assert Settings(file="a").file == Path("a") == HERE.file("a")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"model": "ild"},
            "model: no model is called 'ild'; did you mean \"lid\"?; a file is written {file: ild}",
        ),
        (
            {"model": "m/x.bin"},
            "model: no model is called 'm/x.bin'; there is dsir, lid, medical; a file is written {file: m/x.bin}",
        ),
        (
            {"model": {"fil": "x"}},
            "model: the key 'file' is missing; fil: unknown key; did you mean \"file\"?",
        ),
        (
            {"model": {"file": "{store}/m"}},
            "model: s3://bucket/m: models, tokenizers and rule sets are read",
        ),
        ({"model": 3}, "model: expected the name of a model, or {file: PATH}"),
        ({"model": "medical"}, "model: the model 'medical' is made by `train`; here stands a file"),
        (
            {"trained": "dsir"},
            "trained: the model 'dsir' is made by `importance`; here stands one made by `train` or a file",
        ),
        ({"file": "{dta}/t"}, "file: no root is called 'dta'; did you mean \"data\"?"),
        ({"file": ""}, "file: expected a path"),
        ({"file": ["a"]}, "file: expected a path"),
    ],
)
def test_wrong_models_and_files(settings, problem):
    """Each with its place and what to write."""
    with pytest.raises(Invalid) as caught:
        validate(Settings, settings, PATHS)
    assert str(caught.value).startswith(problem)


def test_a_model_of_the_run_stands_where_its_kind_may():
    """As it is used, there or not; a file may stand there too."""
    assert validate(Settings, {"trained": "medical"}, PATHS).trained is TRAINED
    assert validate(Settings, {"trained": {"file": "m"}}, PATHS).trained == ModelUse(Path("/repo/m"))
    assert Settings(trained=Path("/m/x.bin")).trained == ModelUse(Path("/m/x.bin"))
    assert (TRAINED.made, WEIGHED.made, ModelUse(Path("/m")).made) == (("medical",), ("dsir",), ())


def test_rule_sets_by_path():
    """A slash or the ending of YAML, else it is a name."""
    assert [is_path(text) for text in ("own.yaml", "own.yml", "./own", "gopher", "yaml")] == [1, 1, 1, 0, 0]
