"""A model card as files, card.json and card.md for people, and what a run warns of."""

from __future__ import annotations

import json
from collections.abc import Iterable

from refinery.definition.trainings import RelevanceTraining
from refinery.errors import some_of
from refinery.models.card import CARD, CARD_TEXT, LEAST_RECALL, Card, Counts, Point
from refinery.models.prevalence import CONFIDENCE
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.watch.printable import markdown_code

_TELLING_STYLE = 0.9  # AUC from which on style alone tells classes apart
_NAMED = 5  # sources
_MOSTLY = 0.7  # of a class, in its most frequent language; of prepared Chinese some count as another
_CLASSIFIER = """\
# Relevance model

A fastText classifier. Its score is the probability of `{card.positive_label}`. Texts are prepared as \
`{card.preparation}` in training and in scoring."""
_SCORER = """\
# Model of `{card.column}`

Made by `{card.kind}`; its score is the column `{card.column}`, which is no probability. Each document below was \
scored by a model of other ones, that had seen neither it nor a near copy. Negatives are ordinary text: what of them \
is of the domain counts as wrong where it reaches a threshold."""


def write_card(card: Card, folder: Place) -> None:
    """Writes card.json and card.md, each atomically."""
    content = json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False)
    commit_bytes(folder / CARD_TEXT, render(card).encode())
    commit_bytes(folder / CARD, (content + "\n").encode())


def warnings(card: Card) -> tuple[str, ...]:
    """What a person should know before using a model."""
    told = (_poor_threshold(card), _one_source(card), _style(card), _languages(card))
    return tuple(sentence for sentence in told if sentence)


def _poor_threshold(card: Card) -> str:
    """Of a suggested threshold that loses most of the domain or misses the precision."""
    point, found = card.suggested, ""
    if point.recall < LEAST_RECALL:
        found = f"keeps only {point.recall:.1%} of the domain, at precision {point.precision:.3f}"
    elif point.precision < card.wanted_precision:
        found = f"reaches precision {point.precision:.3f}, not {card.wanted_precision:g}, as no other does for sure"
    if not found:
        return ""
    half = next(one for one in card.curve if one.recall >= 0.5)
    above = half.kept - round(half.kept * half.precision)
    return (
        f"the suggested threshold {point.threshold:.4f} {found}, on documents held out: negatives seem to hold the "
        f"domain ({above:,} of {card.negative.held_out:,} score as half of the positives do): take as negatives what "
        "has few of its terms (a `pack` or `terms`), or lower the model's `precision`; see docs/models.md"
    )


def _one_source(card: Card) -> str:
    """Of classes that share no source, one of which is not judged by sources left out."""
    of = _sources(card)
    seen = [part for part in of if not any(one.left_out for one in card.judged if one.part == part)]
    if not all(of.values()) or of["positive"] & of["negative"] or not seen:
        return ""
    told = " and ".join(f"{part}s are of {_names(of[part])} alone" for part in of)
    style = f" ({_style_told(card.style_auc)})" if _tells_style(card) else ""
    return (
        f"topic and source cannot be told apart: {told}{style}, so what is told of held-out documents need not hold "
        f"of other sources; give {' and '.join(f'{part}s' for part in seen)} of two sources or more, and they are "
        "judged by a model that has not seen their source; see docs/models.md"
    )


def _style(card: Card) -> str:
    """Of classes that differ in style though they share a source."""
    of = _sources(card)
    if not _tells_style(card) or not of["positive"] & of["negative"]:
        return ""
    return (
        f"{_style_told(card.style_auc)}: the model may have learned style and not the topic; give negatives of the "
        "same form"
    )


def _sources(card: Card) -> dict[str, set[str]]:
    """By class."""
    parts = ("positive", "negative")
    return {part: {one.source for one in card.judged if one.part == part} for part in parts}


def _names(sources: set[str]) -> str:
    return some_of([repr(one) for one in sorted(sources)[:_NAMED]], len(sources))


def _tells_style(card: Card) -> bool:
    return card.style_auc is not None and card.style_auc >= _TELLING_STYLE


def _style_told(auc: float | None) -> str:
    return f"length, lines, punctuation, capitals and digits alone tell the classes apart with an AUC of {auc:.2f}"


def _languages(card: Card) -> str:
    """Of classes in different languages."""
    if len(card.languages) < 2:
        return ""
    (first, share), (second, other) = card.languages["positive"], card.languages["negative"]
    if first == second or min(share, other) < _MOSTLY:
        return ""
    return (
        f"{share:.0%} of the positives are in the language {first}, {other:.0%} of the negatives in {second}: the "
        f"model tells languages apart; give negatives in {first}, by `lang = '{first}'` in the stage that they are of"
    )


def render(card: Card) -> str:
    """The card as Markdown."""
    is_classifier = card.kind == RelevanceTraining.word
    lines = [
        *(_CLASSIFIER if is_classifier else _SCORER).format(card=card).splitlines(),
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
        f"({card.near_duplicate_groups} groups) were never split between training and held-out documents."
        if is_classifier
        else "Empty texts and repeats were dropped, of ordinary text also what the domain has.",
        "",
        "## On the held-out documents",
        "",
        *_advice(card),
        "",
        *threshold_table({card.at_half, *card.curve}, "kept"),
        "",
        f"Average precision: {card.average_precision:.4f}."
        + (f" AUC: {card.auc:.4f}." if card.auc is not None else ""),
        *_by_source(card),
        *_calibration(card),
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


def _calibration(card: Card) -> list[str]:
    """Of a classifier."""
    if not card.calibration:
        return []
    return [
        "",
        "## Calibration",
        "",
        "| documents | mean score | of them positive |",
        "|---:|---:|---:|",
        *(f"| {b.documents} | {b.mean_score:.3f} | {b.positive_share:.3f} |" for b in card.calibration),
        "",
        "A score is a rank before it is a probability: it depends on the share of positives in training, and each "
        "epoch pushes scores to 0 and 1. Choose a threshold on documents of the corpus to be filtered.",
    ]


def _drawn(card: Card) -> list[str]:
    if not card.drawn:
        return []
    rows = (
        f"| {c.part} | {c.source} | {c.documents} | {c.drawn} | {c.drawn / max(c.documents, 1):.2%} |"
        for c in card.drawn
    )
    return ["", "| class | source | documents | drawn | share |", "|---|---|---:|---:|---:|", *rows, ""]


def threshold_table(points: Iterable[Point], kept: str, precision: str = "precision") -> list[str]:
    """What thresholds give as a table in Markdown, the lowest first.

    kept: the head of how many documents stay; precision: that of their precision, or of what stands for it.
    """
    rows = (
        f"| {one.threshold:.4f} | {one.precision:.3f} | {one.recall:.3f} | {one.f1:.3f} | {one.kept} |"
        for one in sorted(points, key=lambda one: one.threshold)
    )
    return [f"| threshold | {precision} | recall | F1 | {kept} |", "|---:|---:|---:|---:|---:|", *rows]


def _advice(card: Card) -> list[str]:
    point = card.suggested
    found = f"precision {point.precision:.3f}, at least {card.precision_bound:.3f}, recall {point.recall:.3f}"
    lines = [
        f"Suggested: `{card.column} >= {point.threshold:.4f}` for a precision of {card.wanted_precision:g}: {found}."
    ]
    if card.precision_bound < card.wanted_precision:
        likely = point.precision >= card.wanted_precision and point.recall >= LEAST_RECALL
        lines[0] += (
            " None that keeps half of the domain reaches it with a confidence of 90 %: give more documents."
            if likely
            else " No threshold reaches it with a confidence of 90 %; this one has the best F0.5."
        )
    lines += [line for warning in warnings(card) for line in ("", f"**Warning**: {warning}.")]
    if card.expected:
        lines += ["", "Precision depends on how many documents are relevant. At this threshold expect:", ""]
        lines += ["| relevant documents | precision | at least | at most |", "|---:|---:|---:|---:|"]
        lines += [
            f"| {one.share * 100:g}% | {one.precision:.3f} | {one.low:.3f} | {one.high:.3f} |"
            for one in card.expected
        ]
        lines += ["", _interval_note(card)]
    return lines


def _interval_note(card: Card) -> str:
    cut = card.at_suggested
    wrong = f" ({cut.wrong} of {cut.negatives} negatives)" if cut else ""
    return (
        f"At least and at most are those at the ends of the intervals, {CONFIDENCE:.0%} each, of recall and of false "
        f"positives{wrong}."
    )


def _by_source(card: Card) -> list[str]:
    if not card.judged:
        return []
    rows = (
        f"| {one.part} | {markdown_code(one.source)} | {one.held_out} | {'yes' if one.left_out else 'no'} | "
        f"{one.reached:.3f} | {one.average_precision:.3f} |"
        for one in card.judged
    )
    style = (
        ""
        if card.style_auc is None
        else (
            f" Style alone (length, lines, punctuation, capitals, digits) tells the classes apart with an AUC of "
            f"{card.style_auc:.3f}; .5 is chance."
        )
    )
    return [
        "",
        "## By source",
        "",
        "Documents of a source that is left out are scored by a model that has seen nothing of it, here and in all "
        f"that stands above.{style}",
        "",
        "| class | source | held out | left out | reach the threshold | average precision |",
        "|---|---|---:|---|---:|---:|",
        *rows,
    ]
