"""What is estimated of what reaches a suggested threshold; a whole run: test_trained_models."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from refinery.definition.paths import ModelUse, Paths
from refinery.filters.rules import Rule
from refinery.models.card_text import write_card
from refinery.models.model_file import file_hash
from refinery.run.decide import RuleTally, StageTally, Tally
from refinery.run.suggested import suggested_precisions, warn_of_impure
from tests.models.cards import card

RULE = Rule("on_topic", "relevance >= 0.25", written="relevance >= suggested('medical')")
OTHERS = (
    Rule("both", "", written="relevance >= suggested('medical') AND words > 3"),
    Rule("number", "relevance >= 0.25", written="relevance >= 0.25"),
    Rule("unknown", "", written="relevance >= suggested('law')"),
    Rule("moved", "", written="relevance >= suggested('medical')", published="relevance >= 0.25"),
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A model `medical` with a card: recall .8 of 18, no false positive among 18."""
    (tmp_path / "model.bin").write_bytes(b"model")
    made = card(file_hash(tmp_path / "model.bin"), false_positive_rate=0.0)
    write_card(made, tmp_path)
    return Paths(models={"medical": ModelUse(tmp_path), "law": ModelUse(None)})


def tally(failed: int) -> StageTally:
    """Of 1,000 documents so many fail each rule."""
    rules = {rule.name: RuleTally(failed=failed) for rule in (RULE, *OTHERS)}
    return StageTally(Tally(1000), Tally(0), rules)


def test_the_precision_of_a_pool_is_estimated(paths: Paths) -> None:
    """Of rules that are one suggestion alone, at the threshold as it is suggested."""
    found = suggested_precisions((RULE, *OTHERS), tally(900), ("crawl",), paths)
    assert list(found) == ["on_topic"]
    known = found["on_topic"]
    assert (known.documents, known.reached, known.threshold, known.wanted) == (1000, 100, 0.25, 0.9)
    assert known.relevant.low < known.relevant.value < known.relevant.high
    assert known.precision.low < known.precision.value < 1


def test_nothing_reached_tells_nothing(paths: Paths) -> None:
    """There is no precision of no document."""
    assert suggested_precisions([RULE], tally(1000), ("crawl",), paths) == {}


def test_a_pool_that_was_the_negatives_tells_nothing(paths: Paths) -> None:
    """What is relevant of it counts as negative in the card."""
    assert suggested_precisions([RULE], tally(900), ("crawl", "b.parquet"), paths) == {}


def test_a_pool_that_is_not_pure_is_warned_of(paths: Paths) -> None:
    """Where the estimate misses the precision that was asked for, and only there."""
    told: list[str] = []
    run = cast(Any, SimpleNamespace(warn=lambda of, message: told.append(f"{of.name}: {message}")))
    warn_of_impure(run, "medical", suggested_precisions([RULE], tally(600), ("crawl",), paths))
    assert told == []
    warn_of_impure(run, "medical", suggested_precisions([RULE], tally(960), ("crawl",), paths))
    (message,) = told
    assert message.startswith("medical: on_topic: 40 of 1,000 documents reach suggested('medical')")
    assert "not 0.9" in message
