"""Trains a relevance model: a fastText classifier that tells a domain's documents from others, with its card.

The recipe is DCLM's (Li et al. 2024, arXiv 2406.11794: fastText, word bigrams, positives against ordinary text) on
texts prepared by refinery.text.prepare. One thread and a seed, so that the same examples give the same model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DefinitionError, OutputError
from refinery.models import metrics
from refinery.models.card import CARD, Card, Counts, write_card
from refinery.models.examples import Examples, hold_out, near_groups, read_examples
from refinery.models.model_file import file_hash
from refinery.models.scorer import load_scorer
from refinery.text.batch import TextBatch
from refinery.text.prepare import WORDS

MODEL = "model.bin"
POSITIVE, NEGATIVE = "__label__relevant", "__label__other"
_LEAST = 10  # examples of a class below which a held-out score says nothing


def train_relevance(
    positive: Sequence[str | Path],
    negative: Sequence[str | Path],
    out: Path,
    *,
    text: str = "text",
    precision: float = 0.9,
    held_out: float = 0.2,
    dim: int = 16,
    word_ngrams: int = 2,
    epochs: int = 5,
    learning_rate: float = 0.5,
    min_count: int = 2,
    buckets: int = 500_000,
    seed: int = 1,
) -> Card:
    """Trains on Parquet or JSON Lines and writes model.bin, card.json and card.md into `out`; returns the card.

    positive, negative: files, folders, globs or URLs; text: their text column; precision: for the suggested
    threshold; held_out: share of each class that judges the model. Raises InputError for examples that cannot be
    read, DefinitionError for too few of them, OutputError when `out` cannot be written.
    """
    examples = read_examples(positive, negative, text)
    groups = near_groups(examples.texts)
    held = hold_out(groups, examples.positive, held_out, seed)
    _enough(examples, held)
    model = _prepare_folder(out) / MODEL
    settings: dict[str, int | float] = {
        "lr": learning_rate, "dim": dim, "epoch": epochs, "wordNgrams": word_ngrams, "minCount": min_count,
        "bucket": buckets, "seed": seed,
    }  # fmt: skip
    _fit(examples, ~held, settings, model)
    scorer = load_scorer(model)
    judged = _take(examples.texts, held)
    scores = scorer.probability(judged, scorer.labels.index(POSITIVE))
    sources = {"positive": tuple(map(str, positive)), "negative": tuple(map(str, negative))}
    card = _card(
        file_hash(model), scorer.labels, examples, groups, held, scores, precision, settings, sources
    )
    write_card(card, out)
    return card


def _enough(examples: Examples, held: NDArray[np.bool_]) -> None:
    problems = []
    for name, kind in (("positive", examples.positive), ("negative", ~examples.positive)):
        for part, number in (
            ("train on", int((kind & ~held).sum())),
            ("judge the model by", int((kind & held).sum())),
        ):
            if number < _LEAST:
                problems.append(
                    f"{name} examples: {number} different ones are left to {part} of {int(kind.sum())}, at least "
                    f"{_LEAST} are needed: give more, or less alike, documents"
                )
    if problems:
        raise DefinitionError(*problems)


def _prepare_folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the model's folder cannot be made: {error.strerror or error}") from None
    return out


def _take(texts: TextBatch, chosen: NDArray[np.bool_]) -> TextBatch:
    import pyarrow as pa

    return TextBatch.from_arrow(texts.to_arrow().filter(pa.array(chosen)))


def _fit(
    examples: Examples, chosen: NDArray[np.bool_], settings: dict[str, int | float], model: Path
) -> None:
    """Trains on the chosen examples, in a seeded order, and puts the model into place in one step."""
    import fasttext

    from refinery.storage.commit import cannot_write

    order = np.random.default_rng(int(settings["seed"])).permutation(np.flatnonzero(chosen))
    lines = examples.texts.to_arrow()
    try:
        with tempfile.TemporaryDirectory(prefix=".training-", dir=model.parent) as folder:
            source, target = Path(folder) / "examples.txt", Path(folder) / MODEL
            with source.open("w", encoding="utf-8", newline="\n") as file:
                for number in order.tolist():
                    label = POSITIVE if examples.positive[number] else NEGATIVE
                    file.write(f"{label} {lines[number]}\n")
            trained = fasttext.train_supervised(
                input=str(source), loss="softmax", minn=0, maxn=0, thread=1, verbose=0, **settings
            )
            trained.save_model(str(target))
            (model.parent / CARD).unlink(missing_ok=True)  # no moment with a new model and an old card
            target.replace(model)
    except OSError as error:
        raise cannot_write(str(model), error, 0) from None


def _card(
    model: str,
    labels: tuple[str, ...],
    examples: Examples,
    groups: NDArray[np.int64],
    held: NDArray[np.bool_],
    scores: NDArray[np.float32],
    precision: float,
    settings: dict[str, int | float],
    sources: dict[str, tuple[str, ...]],
) -> Card:
    truth = examples.positive[held]
    suggested = metrics.suggest(scores, truth, precision)
    rate = None
    if suggested is not None and not truth.all():
        rate = float((scores[~truth] >= np.float32(suggested.threshold)).mean())
    counts = [
        Counts(read=read, used=int(kind.sum()), held_out=int((kind & held).sum()))
        for read, kind in zip(examples.read, (~examples.positive, examples.positive), strict=True)
    ]
    sizes = np.unique(groups, return_counts=True)[1]
    return Card(
        model=model,
        labels=labels,
        positive_label=POSITIVE,
        preparation=WORDS,
        training={"library": "fasttext-community", "loss": "softmax", **settings},
        sources=sources,
        positive=counts[1],
        negative=counts[0],
        near_duplicate_groups=int((sizes > 1).sum()),
        contradictory=examples.contradictory,
        wanted_precision=precision,
        suggested=suggested,
        at_half=metrics.point(scores, truth, 0.5),
        average_precision=metrics.average_precision(scores, truth),
        false_positive_rate=rate,
        curve=metrics.curve(scores, truth),
        calibration=metrics.calibration(scores, truth),
    )
