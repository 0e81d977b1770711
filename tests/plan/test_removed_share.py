"""A document is dropped only where too much of it went."""

import json

import pytest

import refinery
from refinery.errors import DefinitionError
from refinery.plan.removed_share import is_removed_share
from tests.cases import write_jsonl
from tests.conftest import decisions
from tests.run.planning import plan_of

LINES = {"lines": {"keep": {"menu": "words >= 3 OR terminal"}}}
HALF = [{"half": "removed_share <= 0.5"}]


@pytest.fixture
def definition(tmp_path):
    """A source of two pages with a menu, one of which is little else, and what writes it as a pipeline."""
    pages = ["Home\nAbout\nA text of some length stays here.", "Home\nAbout us\nLogin\nMenu\nShort."]
    write_jsonl(tmp_path / "crawl" / "0.jsonl", [{"id": n, "text": page} for n, page in enumerate(pages)])

    def write(stages, **source):
        pipeline = {
            "refinery": 1,
            "name": "removed",
            "sources": {"crawl": {"path": "crawl", **source}},
            "stages": stages,
            "outputs": {"out": {"from": next(reversed(stages)), "path": "out"}},
        }
        (tmp_path / "removed.json").write_text(json.dumps(pipeline))
        return tmp_path / "removed.json"

    return write


def test_rules_read_what_the_transforms_of_their_stage_removed(definition, tmp_path):
    """And `explain` tells what went, by which rule, and the value."""
    file = definition(
        {
            "cleaned": {
                "from": "crawl",
                "transform": [LINES],
                "derive": {"lost": "removed_share"},
                "keep": HALF,
            }
        }
    )
    refinery.run(file, workers=1, progress=False)
    assert {row["id"]: row["rule"] for row in decisions(tmp_path / "out").values()} == {
        "0": None,
        "1": "half",
    }
    (stage,) = refinery.explain(file, "1").stages
    assert stage.rules[0].values == {"removed_share": pytest.approx(1 - 6 / 31)}
    assert [(cut.rule, cut.text) for cut in stage.cuts] == [
        ("menu", "Home"), ("menu", "About us"), ("menu", "Login"), ("menu", "Menu")
    ]  # fmt: skip
    kept = refinery.explain(file, "0")
    assert kept.measured["lost"] == pytest.approx(11 / 44)
    (text,) = refinery.explain(file, "Home\nA text that nobody has read.").stages
    assert [cut.text for cut in text.cuts] == ["Home"]


def test_a_stage_without_transforms_compares_with_what_was_read(definition):
    """Each stage has a share of its own; without a rule that reads it, it is not there."""
    stages = {
        "cleaned": {"from": "crawl", "keep": HALF},
        "longer": {"from": "cleaned", "transform": ["normalize"], "keep": HALF},
        "last": {"from": "longer"},
    }
    graph = plan_of(definition(stages, transform=[LINES])).graph
    before = {
        name: len(stage.columns["crawl"]["removed_share"].inputs["chars_before"].measurement.view.transforms)
        for name, stage in graph.stages.items()
        if "removed_share" in stage.columns["crawl"]
    }
    assert before == {"cleaned": 0, "longer": 1}
    assert is_removed_share(graph.stages["cleaned"].columns["crawl"]["removed_share"])
    assert not is_removed_share(graph.stages["cleaned"].columns["crawl"]["chars"])


def test_a_column_derived_under_its_name_is_the_users(definition):
    """In its stage and below."""
    stages = {
        "a": {"from": "crawl", "derive": {"removed_share": "chars * 2"}, "keep": [{"x": "removed_share > 2"}]}
    }
    stages["b"] = {"from": "a", "keep": [{"y": "removed_share > 3"}]}
    graph = plan_of(definition(stages)).graph
    assert graph.stages["b"].columns["crawl"]["removed_share"].written == "chars * 2"


def test_a_slip_in_its_name_is_told(definition):
    """As for any column."""
    with pytest.raises(DefinitionError, match="removed_shar"):
        plan_of(definition({"a": {"from": "crawl", "keep": [{"x": "removed_shar < 0.5"}]}}))
