"""The JSON Schema for editors."""

import json

import jsonschema
import pytest
import yaml

from refinery.cli import main
from tests.conftest import PIPELINE

DEFINITION = PIPELINE.replace(
    "[language, signals]", "[signals, {neural: {model: edu, max_tokens: 99}}]"
).replace(
    '- long_enough: "words >= 50"',
    "- gopher\n      - rules/own.yaml\n      - {rules: fineweb, without: [line_punct_ratio]}",
)


@pytest.fixture
def validator(capsys, monkeypatch):
    """What `refinery schema` prints, as a validator."""
    monkeypatch.setattr("sys.argv", ["refinery", "schema"])
    with pytest.raises(SystemExit):
        main()
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def places(validator, text: str) -> list[str]:
    """Where a definition does not fit."""
    return [".".join(map(str, error.path)) for error in validator.iter_errors(yaml.safe_load(text))]


def test_sound_definitions_fit(validator):
    """Names alone and with settings, models by name and by file, rule sets by name and by path."""
    assert places(validator, DEFINITION) == []
    assert places(validator, DEFINITION.replace("model: edu", "model: {file: a/edu}, as: teaches")) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("- gopher", "- gofer"), "stages.screened.keep.1"),
        (("rules: fineweb", "rules: fine"), "stages.screened.keep.3"),
        (("max_tokens: 99", "max_token: 99"), "stages.screened.measure.1"),
        (("max_tokens: 99", "max_tokens: many"), "stages.screened.measure.1"),
        (("model: edu, ", ""), "stages.screened.measure.1"),
        (("[signals, ", "[signals, relevance, "), "stages.screened.measure.1"),
        (("[signals, ", "[signal, "), "stages.screened.measure.0"),
        (("model: edu", "model: models/edu"), "stages.screened.measure.1"),
        (("[normalize]", "[{normalize: {fftfy: true}}]"), "stages.screened.transform.0"),
        (
            ("similarity: 0.8}", "similarity: 0.8}, max_cluster_share: 50%"),
            "stages.unique.dedup",
        ),
        (
            ("name: tiny", "name: tiny\nguards: {rejected: 0.05}"),
            "guards.rejected",
        ),
        (("from: unique, ", ""), "outputs.unique"),
    ],
)
def test_slips_are_refused_at_their_place(validator, change, place):
    """A rule set, a measurer or a setting that there is not; a setting that must be there; forms of earlier times."""
    assert DEFINITION.replace(*change) != DEFINITION
    assert places(validator, DEFINITION.replace(*change)) == [place]
