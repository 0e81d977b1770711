"""Licences in a definition: where an output's are judged, and what is told at check."""

import json
from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.graph import Graph
from refinery.plan.licences import models_below
from refinery.plan.resolve import resolve
from tests.conftest import document

DEFINITION = """refinery: 1
name: open
sources:
  papers: {path: "papers.jsonl", licence: {column: license}}
  code: {path: "code.jsonl", licence: MIT OR GPL-3.0-only}
stages:
  long: {from: papers, keep: [{long: "chars > 5"}]}
  both: {from: [long, code]}
  best: {from: both, select: {tokens: 1k, by: tokens}}
  small: {from: best}
outputs:
  open: {from: small, path: out/open, licences: [mit, CC0-1.0]}
"""


@pytest.fixture
def graph_of(tmp_path: Path):
    """The graph of the definition with another text in a place of it."""
    for name in ("papers", "code"):
        row = {"id": name, "text": document(1), "license": "CC0"}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")

    def of(old: str = "", new: str = "") -> Graph:
        assert old in DEFINITION
        (tmp_path / "pipeline.yaml").write_text(DEFINITION.replace(old, new))
        return resolve(load(tmp_path / "pipeline.yaml"))

    return of


def judging(graph: Graph) -> list[str]:
    return [name for name, stage in graph.stages.items() if any(r.name == "licences" for r in stage.rules)]


def test_licences_are_judged_before_anything_is_chosen(graph_of):
    """Where sources come in, first of all rules, once; elsewhere only where another output needs the rest."""
    graph = graph_of()
    assert judging(graph) == ["long", "both"]
    assert [rule.name for rule in graph.stages["long"].rules] == ["licences", "long"]
    other = "outputs:\n  all: {from: both, path: out/all}\n"
    assert judging(graph_of("outputs:\n", other)) == ["best"]
    protect = "protect: {exams: {from: held}}\nsources:\n  held: {path: papers.jsonl}\n"
    assert judging(graph_of("sources:\n", protect)) == ["long", "both"]


def test_a_definition_without_licences_has_no_such_column(graph_of):
    """And one with them has it everywhere."""
    without = DEFINITION.replace(", licence: {column: license}", "").replace(
        ", licence: MIT OR GPL-3.0-only", ""
    )
    graph = graph_of(DEFINITION, without.replace(", licences: [mit, CC0-1.0]", ""))
    assert not any(
        "licence" in columns for stage in graph.stages.values() for columns in stage.columns.values()
    )
    graph = graph_of(", licence: MIT OR GPL-3.0-only", ", licence: MIT")
    assert all("licence" in columns for stage in graph.stages.values() for columns in stage.columns.values())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "MIT OR GPL-3.0-only",
            "GPL-3.0-only",
            "the source 'code' is under GPL-3.0-only, which is not allowed",
        ),
        (", licence: MIT OR GPL-3.0-only", "", "the source 'code' says no licence: give it"),
        ("column: license", "column: licens", "no source has the column 'licens'; did you mean \"license\"?"),
        ("MIT OR GPL-3.0-only", "MIR", "no licence 'MIR' in SPDX; did you mean \"MIT\"?"),
        ("[mit, CC0-1.0]", "[]", "licences"),
        ("[mit, CC0-1.0]", "[mit or CC0-1.0]", "name each licence by itself"),
        (
            "outputs:\n",
            "outputs:\n  all: {from: small, path: all}\n",
            "'all', of the same stage, allows other",
        ),
        (
            "{from: [long, code]}",
            "{from: long, measure: [{patterns: {licence: x}}]}",
            "a column 'licence', a name",
        ),
        (
            "{from: [long, code]}",
            "{from: long, derive: {licence: bytes}}",
            "the measurer licence makes a column",
        ),
        (
            "{from: [long, code]}",
            "{from: code, derive: {licence: bytes}}",
            "`licence` of the sources makes a col",
        ),
        ('{long: "chars > 5"}', '{licences: "chars > 5"}', "two rules are called 'licences'"),
    ],
)
def test_what_cannot_be_is_told_at_check(graph_of, old, new, told):
    """Once, where it stands, with what to do."""
    with pytest.raises(DefinitionError) as error:
        graph_of(old, new)
    (problem,) = error.value.problems
    assert told in problem and "pipeline.yaml:" in problem


def test_models_that_the_rule_takes_from_are_told(graph_of):
    """Those that read a stage at or below the rule; not by a source with one licence, nor where none is judged."""
    models = "models: {m: {train: {positive: code, negative: STAGE}}}\noutputs:\n"

    def told(stage: str) -> list[str]:
        return list(models_below(graph_of("outputs:\n", models.replace("STAGE", stage))))

    assert told("papers") == []
    for stage in ("long", "small"):
        first, *others = told(stage)
        assert first.startswith("negative of models.m: of papers no documents under") and not others[1:]
        assert "below long do not allow" in first
