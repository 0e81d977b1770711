from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.models.card import Bin, Card, Counts, Point, render, resolve, warnings, write_card
from refinery.models.model_file import file_hash

POINT = Point(threshold=0.25, precision=0.9, recall=0.8, f1=0.847, kept=10)


def card(model: str, suggested: Point = POINT, bound: float = 0.9) -> Card:
    counts = Counts(read=100, used=90, held_out=18)
    return Card(
        model=model, labels=("__label__relevant", "__label__other"), positive_label="__label__relevant",
        preparation="words-1", training={"dim": 16}, sources={"positive": ("a.parquet",)}, positive=counts,
        negative=counts, near_duplicate_groups=1, contradictory=0, wanted_precision=0.9, suggested=suggested,
        precision_bound=bound,
        at_half=POINT, average_precision=0.95, false_positive_rate=0.02, curve=(POINT,),
        calibration=(Bin(documents=3, mean_score=0.1, positive_share=0.0),),
    )  # fmt: skip


def test_a_card_comes_back_with_its_model(tmp_path: Path) -> None:
    """By folder or by file."""
    (tmp_path / "model.bin").write_bytes(b"model")
    written = card(file_hash(tmp_path / "model.bin"))
    write_card(written, tmp_path)
    assert resolve(tmp_path) == (tmp_path / "model.bin", written)
    assert resolve(tmp_path / "model.bin") == (tmp_path / "model.bin", written)


def test_a_file_beside_a_foreign_card_has_none(tmp_path: Path) -> None:
    """Only a folder promises that its card and its model belong together."""
    (tmp_path / "model.bin").write_bytes(b"model")
    write_card(card("0" * 32), tmp_path)
    assert resolve(tmp_path / "model.bin") == (tmp_path / "model.bin", None)
    with pytest.raises(InputError, match="another model"):
        resolve(tmp_path)


def test_the_text_tells_what_precision_depends_on() -> None:
    """0.8 of 1 % against 0.02 of 99 %: precision 0.288."""
    text = render(card("0"))
    assert "| 1% | 0.288 |" in text and "`relevance >= 0.2500`" in text
    assert "Warning" not in text and "best F0.5" not in text


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
