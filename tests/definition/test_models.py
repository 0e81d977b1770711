"""What may be written in a definition."""

import pytest
from pydantic import ValidationError

from refinery.dedup.settings import Settings as Dedup
from refinery.definition.models import Pipeline, Source, Stage
from refinery.definition.outputs import Output


@pytest.mark.parametrize("use", ["language", {"language": {"model": "x"}}, {"language": None}])
def test_a_use_is_a_name_or_one_name_with_settings(use):
    """As it is written."""
    assert Stage.model_validate({"from": "a", "measure": [use]}).measure == (use,)


@pytest.mark.parametrize("use", [5, None, {}, {"a": {}, "b": {}}, {"language": 5}, ["language"]])
def test_what_is_no_use(use):
    """One problem, not one for each form that it could have had."""
    with pytest.raises(ValidationError, match="expected a name, or one name with its settings") as caught:
        Stage.model_validate({"from": "a", "measure": [use]})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(
    "entry", [5, {"a b": "x > 1"}, {"rules": 5}, {"rules": "c4", "wihout": []}, {"a": 5}]
)
def test_what_is_no_entry_of_keep(entry):
    """One problem again."""
    with pytest.raises(ValidationError) as caught:
        Stage.model_validate({"from": "a", "keep": [entry]})
    assert caught.value.error_count() == 1


def test_a_source_without_transform_has_that_of_the_top_level():
    """None is not the empty list, which says that nothing rewrites it."""
    assert Source(path="a").transform is None
    assert Source(path="a", transform=[]).transform == ()


def test_every_key_says_what_it_is():
    """The schema for editors has no hole."""
    for model in (Pipeline, Source, Stage, Dedup, Output):
        assert all(field.description for field in model.model_fields.values()), model


def test_a_definition_makes_outputs_or_models():
    """Without either there is nothing to do; models need no stage."""
    known = {"refinery": 1, "name": "x", "sources": {"a": {"path": "a"}, "b": {"path": "b"}}}
    with pytest.raises(
        ValidationError, match="the keys 'stages' and 'outputs' are missing: a definition makes"
    ):
        Pipeline.model_validate(known)
    with pytest.raises(ValidationError, match="the key 'outputs' is missing"):
        Pipeline.model_validate({**known, "stages": {"c": {"from": "a"}}, "models": {"m": {"file": "m"}}})
    models = {"m": {"importance": {"positive": "a", "raw": "b"}}}
    assert Pipeline.model_validate({**known, "models": models}).outputs == {}
