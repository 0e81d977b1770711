"""Budgets of a run."""

import pytest

import refinery
from refinery.errors import InputError


def test_tokens_of_a_run(tiny_run):
    """The definition, its folder and the output's folder say the same unique tokens, those of the manifest."""
    output = next(iter(refinery.run(tiny_run, workers=1, progress=False).values()))
    tokens = output.manifest.kept.tokens
    assert refinery.budget(tiny_run, [1e9]).unique == tokens == refinery.budget(output.path, [1e9]).unique
    assert refinery.budget(tiny_run.parent, [1e9]).unique == tokens


def test_what_was_not_run(tmp_path, tiny_run):
    """A folder without a manifest, and an output that the definition lacks."""
    with pytest.raises(InputError, match="finished run"):
        refinery.budget(tmp_path, [1e9])
    with pytest.raises(InputError, match="it has no output nothing"):
        refinery.budget(tiny_run, [1e9], output="nothing")
