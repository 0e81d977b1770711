"""Model cards: what a trained model is, what it was trained on, how good it is, how its texts are prepared.

`card.json` is read by refinery, `card.md` by people. A card names its model by fingerprint, so that a card and a
model that do not belong together are never used together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from refinery.errors import InputError
from refinery.models.model_file import file_hash
from refinery.watch.printable import markdown_code

CARD, CARD_TEXT = "card.json", "card.md"
MODEL = "model.bin"  # as training writes it
LINEAR = "model.npz"  # of a model that recall makes
MODEL_NAMES = (MODEL, "model.ftz", LINEAR)
POSITIVE, NEGATIVE = "__label__relevant", "__label__other"  # of a model that refinery trains
_LEAST_RECALL = 0.5  # of a suggested threshold, below which most of the domain would be lost


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_Frozen):
    """A threshold and what keeping scores at or above it gives on the held-out documents."""

    threshold: float
    precision: float
    recall: float
    f1: float
    kept: int


class Bin(_Frozen):
    """Held-out documents with scores in one tenth of the range: how many, their mean score, the positive share."""

    documents: int
    mean_score: float
    positive_share: float


class Counts(_Frozen):
    """Documents of one class: read, left after dropping empty and repeated ones, and held out."""

    read: int
    used: int
    held_out: int


class SourceCounts(_Frozen):
    """Documents of a source that came for a class, and how many of them were drawn."""

    part: str
    source: str
    documents: int
    drawn: int


class Card(_Frozen):
    """Everything about a trained classifier.

    precision_bound: what the suggested threshold reaches at least, with a confidence of 90 %. Where that is below
    `wanted_precision` no threshold reaches it, and the suggested one has the best F0.5.
    sources: by class, names of stages and sources, or paths; drawn: where the run drew documents, from what.
    """

    format: Literal[1] = 1
    model: str  # fingerprint, xxh3-128 of the file
    labels: tuple[str, ...]
    positive_label: str
    preparation: str
    training: dict[str, int | float | str]
    sources: dict[str, tuple[str, ...]]
    drawn: tuple[SourceCounts, ...] = ()
    positive: Counts
    negative: Counts
    near_duplicate_groups: int
    contradictory: int
    wanted_precision: float
    suggested: Point
    precision_bound: float
    at_half: Point
    average_precision: float
    false_positive_rate: float | None
    curve: tuple[Point, ...]
    calibration: tuple[Bin, ...]


def resolve(path: Path) -> tuple[Path, Card | None]:
    """The model file at `path` (a file, or a folder that holds one) and its card, if it has one.

    Raises InputError for a folder without a model, and for a card that is broken or belongs to another model.
    """
    file = path
    if path.is_dir():
        found = [path / name for name in MODEL_NAMES if (path / name).is_file()]
        if not found:
            names = " or ".join(MODEL_NAMES)
            raise InputError(str(path), f"the folder holds no {names}", "train one: refinery train relevance")
        file = found[0]
    card_file = file.with_name(CARD)
    if not card_file.is_file():
        return file, None
    try:
        card = Card.model_validate_json(card_file.read_bytes())
    except (OSError, ValidationError) as error:
        problem = f"not a usable model card: {str(error).splitlines()[0]}"
        raise InputError(str(card_file), problem, "train the model again") from None
    if card.model != file_hash(file):
        if file is path:
            return file, None
        hint = "train the model again, or remove the card to score with fastText's own rules"
        raise InputError(str(card_file), f"the card belongs to another model than {file.name}", hint)
    return file, card


def write_card(card: Card, folder: Path) -> None:
    """Writes card.json and card.md, each atomically."""
    from refinery.storage.commit import commit_bytes

    content = json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False)
    commit_bytes(folder / CARD_TEXT, render(card).encode())
    commit_bytes(folder / CARD, (content + "\n").encode())


def warnings(card: Card) -> tuple[str, ...]:
    """What to tell of a suggested threshold that loses most of the domain or misses the precision."""
    point, found = card.suggested, ""
    if point.recall < _LEAST_RECALL:
        found = f"keeps only {point.recall:.1%} of the domain, at precision {point.precision:.3f}"
    elif point.precision < card.wanted_precision:
        found = f"reaches precision {point.precision:.3f}, not {card.wanted_precision:g}, as no other does for sure"
    if not found:
        return ()
    half = next(one for one in card.curve if one.recall >= 0.5)
    above = half.kept - round(half.kept * half.precision)
    return (
        f"the suggested threshold {point.threshold:.4f} {found}, on documents held out: negatives seem to hold the "
        f"domain ({above:,} of {card.negative.held_out:,} score as half of the positives do): take as negatives what "
        "has few of its terms (a `pack` or `terms`), or lower the model's `precision`; see docs/models.md",
    )


def render(card: Card) -> str:
    """The card as Markdown."""
    lines = [
        "# Relevance model",
        "",
        f"A fastText classifier. Its score is the probability of `{card.positive_label}`. Texts are prepared as "
        f"`{card.preparation}` in training and in scoring.",
        "",
        "| documents | read | used | held out |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {c.read} | {c.used} | {c.held_out} |" for name, c in _classes(card)),
        "",
        *(
            f"{name.capitalize()}: {', '.join(map(markdown_code, paths))}."
            for name, paths in card.sources.items()
        ),
        *_drawn(card),
        f"Empty texts, repeats and {card.contradictory} texts found in both classes were dropped. Near-duplicates "
        f"({card.near_duplicate_groups} groups) were never split between training and held-out documents.",
        "",
        "## On the held-out documents",
        "",
        *_advice(card),
        "",
        "| threshold | precision | recall | F1 | kept |",
        "|---:|---:|---:|---:|---:|",
        *(_row(point) for point in sorted({card.at_half, *card.curve}, key=lambda p: p.threshold)),
        "",
        f"Average precision: {card.average_precision:.4f}.",
        "",
        "## Calibration",
        "",
        "| documents | mean score | of them positive |",
        "|---:|---:|---:|",
        *(f"| {b.documents} | {b.mean_score:.3f} | {b.positive_share:.3f} |" for b in card.calibration),
        "",
        "A score is a rank before it is a probability: it depends on the share of positives in training, and each "
        "epoch pushes scores to 0 and 1. Choose a threshold on documents of the corpus to be filtered.",
        "",
        "## Training",
        "",
        *(f"- {name}: {value}" for name, value in card.training.items()),
        f"- model (xxh3-128): {card.model}",
        "",
    ]
    return "\n".join(lines)


def _classes(card: Card) -> tuple[tuple[str, Counts], tuple[str, Counts]]:
    return ("positive", card.positive), ("negative", card.negative)


def _drawn(card: Card) -> list[str]:
    if not card.drawn:
        return []
    rows = (
        f"| {c.part} | {c.source} | {c.documents} | {c.drawn} | {c.drawn / max(c.documents, 1):.2%} |"
        for c in card.drawn
    )
    return ["", "| class | source | documents | drawn | share |", "|---|---|---:|---:|---:|", *rows, ""]


def _row(point: Point) -> str:
    numbers = f"{point.precision:.3f} | {point.recall:.3f} | {point.f1:.3f} | {point.kept}"
    return f"| {point.threshold:.4f} | {numbers} |"


def _advice(card: Card) -> list[str]:
    point = card.suggested
    found = f"precision {point.precision:.3f}, at least {card.precision_bound:.3f}, recall {point.recall:.3f}"
    lines = [
        f"Suggested: `relevance >= {point.threshold:.4f}` for a precision of {card.wanted_precision:g}: {found}."
    ]
    if card.precision_bound < card.wanted_precision:
        lines[0] += " No threshold reaches it with a confidence of 90 %; this one has the best F0.5."
    lines += [line for warning in warnings(card) for line in ("", f"**Warning**: {warning}.")]
    if card.false_positive_rate is not None:
        lines += ["", "Precision depends on how many documents are relevant. At this threshold expect:", ""]
        lines += ["| relevant documents | precision |", "|---:|---:|"]
        for share in (0.5, 0.1, 0.01):
            hits = share * point.recall
            kept = hits + (1 - share) * card.false_positive_rate
            lines.append(f"| {share:.0%} | {hits / kept if kept else 1.0:.3f} |")
    return lines
