"""Whole runs against what they gave when they were frozen; `python -m tests.goldens.freeze` freezes them anew."""

import difflib

import pytest

from tests.goldens import freeze


@pytest.mark.parametrize("scenario", freeze.SCENARIOS)
def test_every_document_has_the_frozen_outcome(scenario, tmp_path):
    """Outcome, stage, rules, duplicate, similarity, text and measured columns of every document, in order."""
    compare(freeze.results(scenario, tmp_path))


def test_two_workers_give_the_frozen_outcome_too(tmp_path):
    """One pipeline with every verb but select, by two processes."""
    compare(freeze.results("against", tmp_path, workers=2))


def test_there_is_a_golden_for_each_definition():
    """No definition without one, no golden of a definition that is gone."""
    assert {f.stem for f in freeze.RESULTS.glob("*.json")} == {
        f.stem for f in freeze.DEFINITIONS.glob("*.yaml")
    }


def compare(found: dict[str, str]) -> None:
    """Fails with the lines that differ."""
    for name, content in found.items():
        golden = (freeze.RESULTS / f"{name}.json").read_text(encoding="utf-8")
        lines = difflib.unified_diff(
            golden.splitlines(), content.splitlines(), "frozen", "now", n=0, lineterm=""
        )
        if content != golden:
            shown = [line[:300] for line in lines]
            pytest.fail(f"{name}: {len(shown)} lines differ\n" + "\n".join(shown[:40]), pytrace=False)
