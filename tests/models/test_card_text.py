from pathlib import Path
from typing import Any

import pytest

from refinery.models.card import Card, ExpectedPrecision
from refinery.models.card_text import render, warnings, write_card
from tests.models.cards import POINT, card, judged

APART = (judged("positive", "seeds"), judged("negative", "crawl"))
TOGETHER = (judged("positive", "wire"), judged("negative", "wire"))


def test_both_files_are_written(tmp_path: Path) -> None:
    """One to read by refinery, one by people."""
    write_card(card("0"), tmp_path)
    assert Card.model_validate_json((tmp_path / "card.json").read_bytes()) == card("0")
    assert (tmp_path / "card.md").read_text() == render(card("0"))


def test_the_text_tells_what_precision_depends_on() -> None:
    """By share of relevant documents, with the ends of its interval and what they are of."""
    expected = ExpectedPrecision(share=0.01, precision=0.91, low=0.576, high=1.0)
    text = render(card("0", expected=(expected,)))
    assert "| 1% | 0.910 | 0.576 | 1.000 |" in text and "(0 of 18 negatives)" in text
    assert "`relevance >= 0.2500`" in text and "Warning" not in text and "best F0.5" not in text


def test_the_text_tells_of_sources() -> None:
    """Whether each was left out, and how much of it reaches the threshold."""
    text = render(card("0", judged=(judged("positive", "a|b", left_out=True), *APART), style_auc=0.97))
    assert "| positive | `a\\|b` | 9 | yes | 0.500 | 0.900 |" in text and "| no | 0.500 |" in text
    assert "AUC of 0.970" in text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"judged": APART}, "positives are of 'seeds' alone and negatives are of 'crawl' alone"),
        ({"judged": APART}, "give positives and negatives of two sources or more"),
        ({"judged": APART, "style_auc": 0.98}, "digits alone tell the classes apart with an AUC of 0.98"),
        ({"judged": TOGETHER, "style_auc": 0.98}, "may have learned style and not the topic"),
        (
            {"languages": {"positive": ("en", 1.0), "negative": ("zh", 0.9)}},
            "100% of the positives are in the language en, 90% of the negatives in zh",
        ),
    ],
)
def test_what_is_not_the_topic_is_warned_of(fields: dict[str, Any], told: str) -> None:
    """Sources, style and languages that tell the classes apart."""
    (warning,) = warnings(card("0", **fields))
    assert told in warning


@pytest.mark.parametrize(
    "fields",
    [
        {"judged": TOGETHER, "style_auc": 0.6},
        {
            "judged": [
                judged(part, f"{part} {n}", left_out=True) for part in ("positive", "negative") for n in "ab"
            ],
            "style_auc": 0.99,
        },
        {"languages": {"positive": ("en", 1.0), "negative": ("zh", 0.5)}},
        {"languages": {"positive": ("en", 0.5), "negative": ("en", 1.0)}},
    ],
)
def test_what_does_no_harm_is_not_warned_of(fields: dict[str, Any]) -> None:
    """One source of both, sources that are left out in turn, negatives in many languages."""
    assert warnings(card("0", **fields)) == ()


@pytest.mark.parametrize(
    ("update", "told"),
    [
        ({"recall": 0.007}, "keeps only 0.7% of the domain"),
        ({"precision": 0.61}, "reaches precision 0.610, not 0.9"),
    ],
)
def test_a_threshold_of_little_use_is_warned_of(update: dict[str, float], told: str) -> None:
    """With what seems to be the cause, by the held-out documents, and what to do; in the card's text as well."""
    poor = card("0", POINT.model_copy(update=update), 0.5)
    (warning,) = warnings(poor)
    assert told in warning and "negatives seem to hold the domain (1 of 18 score as" in warning
    assert f"**Warning**: {warning}." in render(poor) and "the best F0.5" in render(poor)
    assert warnings(card("0")) == ()


def test_a_precision_that_is_likely_but_not_sure_is_told() -> None:
    """Few documents judged; what is told of F0.5 is not true of it."""
    text = render(card("0", bound=0.8))
    assert "None that keeps half of the domain reaches it" in text and "F0.5" not in text
