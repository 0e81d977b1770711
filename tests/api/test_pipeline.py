"""A definition built in Python."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import refinery
from refinery.definition.models import Pipeline as Model
from refinery.errors import DefinitionError
from tests.conftest import PIPELINE
from tests.models.domains import write_domains


def of_yaml(text: str, base: Path) -> refinery.Pipeline:
    content = yaml.safe_load(text)
    del content["refinery"]
    return refinery.Pipeline(**content, base=base)


def test_it_has_the_keys_of_a_definition():
    """Every key of the top level, none more."""
    keys = {entry.name for entry in fields(refinery.Pipeline)} - {"base"}
    assert keys == Model.model_fields.keys() - {"refinery"}


def test_it_is_the_same_as_its_yaml(data_repository):
    """Models, paths and keys of results are equal: what the one has measured the other does not measure again."""
    one = refinery.load(data_repository / "pipeline.yaml")
    other = refinery.load(of_yaml(PIPELINE, data_repository))
    assert one.pipeline.model_dump() == other.pipeline.model_dump()
    assert (one.base, one.paths) == (other.base, other.paths)
    refinery.run(one, workers=1, progress=False)
    events = []
    refinery.run(other, workers=1, progress=events.append)
    assert next(event.message for event in events if hasattr(event, "message")).startswith("Nothing to do")


def test_paths_and_tuples_are_what_python_has(tmp_path):
    """`Path`s and tuples stand for texts and lists, at any depth."""
    content = refinery.Pipeline(
        name="tiny",
        sources={"crawl": {"path": (Path("a"), "b")}},
        stages={"all": {"from": ("crawl",)}},
        outputs={"all": {"from": "all", "path": tmp_path}},
        models={"own": {"file": Path("m.bin")}},
    ).content()
    assert content["sources"] == {"crawl": {"path": ["a", "b"]}}
    assert content["stages"] == {"all": {"from": ["crawl"]}}
    assert content["outputs"]["all"]["path"] == str(tmp_path)
    assert "transform" not in content


def test_models_alone_can_be_made(tmp_path):
    """A pipeline without outputs makes its models; one without either makes nothing, which is told."""
    nothing = refinery.Pipeline(name="tiny", sources={"crawl": {"path": "*"}}, base=tmp_path)
    with pytest.raises(DefinitionError, match="a definition makes outputs, models or"):
        refinery.check(nothing)
    with pytest.raises(DefinitionError, match="sources: expected one at least"):
        refinery.load(refinery.Pipeline(name="tiny", sources={}, stages={"a": {"from": "b"}}, base=tmp_path))
    positive, negative = write_domains(tmp_path)
    pipeline = refinery.Pipeline(
        name="models",
        sources={"medical": {"path": positive}, "other": {"path": negative}},
        models={"medical": {"train": {"positive": "medical", "negative": "other", "buckets": 20_000}}},
        base=tmp_path,
    )
    assert refinery.run(pipeline, workers=1, progress=False) == {}
    assert refinery.results(refinery.plan(pipeline)).filter(kind="model")["missing"].to_list() == [0]


def test_errors_name_the_key(data_repository):
    """Of form and of meaning, all at once, without a file: there is none."""
    pipeline = of_yaml(
        PIPELINE.replace("words >=", "wrods >=").replace("from: screened", "form: screened"), data_repository
    )
    with pytest.raises(DefinitionError) as error:
        refinery.check(pipeline)
    assert set(error.value.problems) == {
        'stages.unique.form: unknown key; did you mean "from"?',
        "stages.unique: the key 'from' is missing",
        'stages.screened.keep.1.long_enough: no column "wrods"; did you mean "words"?',
    }
