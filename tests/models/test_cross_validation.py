"""Cards of models that are no classifiers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import refinery
from refinery.definition.trainings import (
    ImportanceTraining,
    NearestTraining,
    NgramTraining,
    ScoringTraining,
    TermMining,
)
from refinery.models import cross_validation
from refinery.models.card import Card, resolve
from refinery.models.card_text import warnings
from refinery.models.cross_validation import Scorer, card_of, cross_validate, folds_of
from refinery.models.examples import Examples, near_groups, prepare_examples
from refinery.models.makers import maker_of
from refinery.text.batch import TextBatch
from tests.models.domains import MEDICAL, OTHER, documents
from tests.models.shards import TextShard, cut, run_here

MEDICAL_TEXTS, OTHER_TEXTS = documents(MEDICAL, 60, 1), documents(OTHER, 90, 2)
KINDS: dict[str, ScoringTraining] = {
    "importance": ImportanceTraining(positive=("seeds",), raw=("crawl",)),
    "cross_entropy": NgramTraining(positive=("seeds",), raw=("crawl",), order=3),
    "nearest": NearestTraining(positive=("seeds",), raw=("crawl",)),
    "terms": TermMining(positive=("seeds",), negative=("crawl",)),
}
BY_TEXT = KINDS["nearest"]


def make(folder: Path, training: ScoringTraining, *shards: list[TextShard]) -> Path:
    """The folder of a model."""
    maker = maker_of(training)
    for name in ("made", "work"):
        (folder / name).mkdir(parents=True)
    maker.make(dict(zip(maker.inputs, shards, strict=True)), run_here, folder / "made", folder / "work")
    return folder / "made"


def examples(**sources: list[str]) -> Examples:
    """Of sources, those that begin with `p` positive."""
    classes = [
        [
            (name, TextBatch.from_texts(texts))
            for name, texts in sources.items()
            if (name[0] == "p") == positive
        ]
        for positive in (True, False)
    ]
    return prepare_examples(*classes)


def seen(learned: Examples) -> Scorer:
    """1 of a text that has four words in a row of one that was learned from, else 0."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[n : n + 4]) for n in range(len(words) - 3)}

    known = set().union(*map(runs, learned.texts.to_arrow().to_pylist()))
    return lambda texts: np.array([float(bool(runs(t) & known)) for t in texts.to_arrow().to_pylist()])


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_card_whose_threshold_holds(tmp_path: Path, name: str) -> None:
    """In the measurer's own column, on documents that the model has not seen; shards make no difference."""
    made = make(tmp_path / "1", KINDS[name], cut("seeds", MEDICAL_TEXTS), cut("crawl", OTHER_TEXTS))
    other = make(
        tmp_path / "2", KINDS[name], cut("seeds", MEDICAL_TEXTS, 7, 30), cut("crawl", OTHER_TEXTS, 50)[::-1]
    )
    assert (made / "card.json").read_bytes() == (other / "card.json").read_bytes()
    card = resolve(made)[1]
    assert card and (card.kind, card.auc, card.average_precision) == (KINDS[name].word, 1, pytest.approx(1))
    drawn = 60 if name == "cross_entropy" else 90  # which has as many of either
    assert (card.positive.held_out, card.negative.held_out) == (60, drawn) and card.calibration == ()
    assert [one.share for one in card.expected] == [0.5, 0.1, 0.01, 0.001]
    assert 0.1 < card.expected[2].low < card.expected[2].precision < card.expected[2].high
    assert f"`{card.column} >= {card.suggested.threshold:.4f}`" in (made / "card.md").read_text()
    fresh = [*documents(MEDICAL, 20, 8), *documents(OTHER, 20, 9)]
    table = refinery.measure(fresh, [{name: {"model": {"file": str(made)}}}])
    assert ((table[card.column].to_numpy() >= card.suggested.threshold) == (np.arange(40) < 20)).all()
    assert any("cannot be told apart" in one for one in warnings(card))


def test_no_example_is_scored_by_what_has_seen_it_or_a_near_copy() -> None:
    """What knows the texts that it learned from knows none of those that it scores; all are scored."""
    texts = [" ".join(f"w{n}x{m}" for m in range(40)) for n in range(120)]
    copies = [text + " more" for text in texts[:20]]
    found = examples(p=[*texts[:40], *copies], other=texts[40:])
    groups = near_groups(found.texts)
    folds, left_out = folds_of(found, groups, seed=1)
    assert set(folds.tolist()) == {0, 1, 2, 3, 4} and not left_out.any()
    scores = cross_validate(found, groups, folds, seen)
    assert scores is not None and len(scores) == 140 and not scores.any()
    alone = cross_validate(found, np.arange(140), folds_of(found, np.arange(140), 1)[0], seen)
    assert alone is not None and alone.any()  # the same without a word for near copies


def test_sources_are_left_out_whole() -> None:
    """What scores a class of two sources has seen nothing of the document's; of one source it is not."""
    texts = [f"{MEDICAL[n % 10]} {n} {n * n}" for n in range(160)]
    found = examples(p1=texts[:40], p2=texts[40:80], other=texts[80:])
    folds, left_out = folds_of(found, np.arange(160), seed=1)
    positive = found.positive
    assert left_out[positive].all() and not left_out[~positive].any()
    assert len({*zip(found.source[positive].tolist(), folds[positive].tolist(), strict=True)}) == 2
    judged = {one.source: one.left_out for one in card_by(found).judged}
    assert judged == {"p1": True, "p2": True, "other": False}


def card_by(found: Examples, learn: Callable[[Examples], Scorer] = seen) -> Card:
    """What is told of a way to score."""
    card = card_of(found, BY_TEXT, learn, "0")
    assert card
    return card


def test_a_card_tells_what_the_scores_are_like() -> None:
    """AUC and precision of scores that know nothing are those of chance; style that differs is warned of."""
    texts = [" ".join(f"w{n:03}x{m}" for m in range(9)) for n in range(300)]
    card = card_by(examples(p=texts[:100], other=texts[100:]), lambda _: lambda given: np.zeros(len(given)))
    assert (card.auc, card.average_precision) == (0.5, pytest.approx(1 / 3))
    assert all(one.precision <= one.share + 0.01 for one in card.expected)
    assert card.style_auc is not None and card.style_auc < 0.9
    loud = card_by(examples(p=[text.upper() + "!" for text in texts[:100]], other=texts[100:]))
    assert loud.style_auc == 1
    assert any("AUC of 1.00" in one for one in warnings(loud))


def test_ordinary_text_that_the_domain_has_does_not_count_as_wrong(tmp_path: Path) -> None:
    """The seeds were taken from the crawl."""
    made = make(
        tmp_path, BY_TEXT, cut("seeds", MEDICAL_TEXTS), cut("crawl", [*MEDICAL_TEXTS, *OTHER_TEXTS], 9)
    )
    card = resolve(made)[1]
    assert card and (card.positive.used, card.negative.used) == (60, 90)
    assert card.negative.read == 90 and card.false_positive_rate == 0


@pytest.mark.parametrize("crawl", [OTHER_TEXTS[:9], [OTHER_TEXTS[0] + f" {n}" for n in range(90)]])
def test_what_cannot_be_judged_has_no_card(tmp_path: Path, crawl: list[str]) -> None:
    """Too few or too alike: the model is there, and a rule that asks for its threshold is told."""
    made = make(tmp_path, BY_TEXT, cut("seeds", MEDICAL_TEXTS), cut("crawl", crawl))
    assert sorted(path.name for path in made.iterdir()) == ["model.npz", "seeds.jsonl"]


def test_a_bounded_number_of_documents_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each class, and bytes of them; a draw tells which."""
    monkeypatch.setattr(cross_validation, "MOST", 40)
    made = make(tmp_path / "1", BY_TEXT, cut("seeds", MEDICAL_TEXTS, 10), cut("crawl", OTHER_TEXTS, 50))
    card = resolve(made)[1]
    assert card and 20 <= card.positive.used < 60 and 20 <= card.negative.used < 60
    monkeypatch.setattr(cross_validation, "MOST_BYTES", 20 * len(MEDICAL_TEXTS[0]))
    fewer = resolve(make(tmp_path / "2", BY_TEXT, cut("seeds", MEDICAL_TEXTS), cut("crawl", OTHER_TEXTS)))[1]
    assert fewer and fewer.positive.used < card.positive.used
