"""Cards of models that are no classifiers, by cross-validation: an example is scored by what has not seen it.

Examples are a part of the documents that a model is made of. They are put into FOLDS: where a class has several
sources, all documents of a source into one (models.left_out), else whole groups of near copies by a hash. What scores
a fold is made of the others, in the way that the model itself is made of all documents. Of ordinary text some is of
the domain; what of it reaches the threshold counts as wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.definition.trainings import ScoringTraining
from refinery.models.card import CARD, CARD_TEXT, Card, Counts
from refinery.models.card_text import write_card
from refinery.models.draw import Draw, Drawn
from refinery.models.examples import Examples, choose_examples, near_groups
from refinery.models.judgement import judge
from refinery.models.left_out import FOLDS, IN_SIGHT, source_folds
from refinery.models.maker import in_one_unit
from refinery.models.model_file import file_hash
from refinery.models.style import main_language, style_auc
from refinery.models.train import READ_BYTES, Written, examples_in, write_examples
from refinery.shuffle.partition import hash_numbers
from refinery.shuffle.records import Tables
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place
from refinery.text.batch import TextBatch
from refinery.text.prepare import WORDS

MOST, MOST_BYTES = 5_000, 8 << 20  # examples of a class, and bytes of their texts
LEAST = 10  # examples of a class below which scores say nothing
_ROOM, _COPIES = 256 << 20, 40  # of memory, and of the examples in it

Scorer = Callable[[TextBatch], NDArray[np.float32] | NDArray[np.float64]]  # of prepared texts


class Learner(Protocol):
    """Makes what scores prepared texts of examples, as a maker makes a model of documents. Picklable."""

    def __call__(self, examples: Examples, /) -> Scorer:
        """Both classes have an example."""


def add_card(
    training: ScoringTraining,
    learn: Learner,
    model: str,
    found: Draw,
    map_units: MapUnits,
    folder: Path,
    work: Place,
) -> None:
    """Writes the card of a model that lies in `folder`, unless examples are too few or too alike to judge it.

    model: the name of its file; found: the documents that it is made of.
    """
    some = few_of(found)
    examples = examples_in(work / "judged", len(some))
    write = partial(write_examples, examples)
    written: Sequence[Written] = map_units("read examples", write, some, memory=READ_BYTES)
    size = sum(one.bytes for one in written)
    judging = partial(judge_model, examples, training, learn, file_hash(folder / model))
    in_one_unit("judge", judging, map_units, _ROOM + size + 2 * _COPIES * MOST_BYTES, folder, work)


def few_of(found: Draw) -> list[Drawn]:
    """About MOST of the documents of each part, those with the lowest hashes."""
    documents: dict[str, int] = {}
    for one in found.drawn:
        documents[one.part] = documents.get(one.part, 0) + len(one.documents())
    chosen: list[Drawn] = []
    for one in found.drawn:
        last = one.last * MOST // documents[one.part] if documents[one.part] > MOST else one.last
        chosen.append(replace(one, last=last, number=len(chosen)))
    return chosen


def judge_model(
    examples: Tables, training: ScoringTraining, learn: Learner, model: str, target: Place
) -> tuple[str, ...]:
    """Writes a card by what units wrote; gives the names of its files, none where nothing can be judged.

    model: fingerprint of its file.
    """
    card = card_of(read_chosen(examples), training, learn, model)
    if card is None:
        return ()
    write_card(card, target)
    return CARD, CARD_TEXT


def read_chosen(examples: Tables) -> Examples:
    """Each text once, of what both classes have the domain's, MOST_BYTES of a class."""
    table = pl.DataFrame(pl.from_arrow(examples.read()))
    table = table.sort("hash", maintain_order=True).sort("positive", descending=True, maintain_order=True)
    domain = table.filter("positive")["text"].implode()
    size = pl.col("text").str.len_bytes()
    before = (size.cum_sum() - size).over("positive")
    ours = pl.col("positive") | ~pl.col("text").is_in(domain)
    return choose_examples(table.filter(ours).filter(before < MOST_BYTES))


def card_of(examples: Examples, training: ScoringTraining, learn: Learner, model: str) -> Card | None:
    """The card; None where examples are too few or too alike."""
    positive = examples.positive
    if min(positive.sum(), (~positive).sum()) < LEAST:
        return None
    groups = near_groups(examples.texts)
    folds, left_out = folds_of(examples, groups, training.seed)
    scores = cross_validate(examples, groups, folds, learn)
    if scores is None:
        return None
    judgement = judge(
        scores, positive, training.precision, examples.sources, examples.source, left_out, chances=False
    )
    classes = {"negative": ~positive, "positive": positive}
    counts = {
        name: Counts(read=read, used=int(of.sum()), held_out=int(of.sum()))
        for read, (name, of) in zip(examples.read, classes.items(), strict=True)
    }
    half = hash_numbers(groups, training.seed + 1) % np.uint64(2) == 0
    both_sides = all((of & side).any() for of in classes.values() for side in (half, ~half))
    return Card(
        **dict(judgement),
        model=model,
        kind=training.word,
        column=training.columns[0],
        labels=(),
        positive_label="",
        preparation=WORDS,
        training=training.model_dump(mode="json", exclude=set(training.parts), exclude_none=True),
        sources=dict(
            zip(("positive", "negative"), (getattr(training, part) for part in training.parts), strict=True)
        ),
        **counts,
        near_duplicate_groups=int((np.unique(groups, return_counts=True)[1] > 1).sum()),
        contradictory=0,
        style_auc=round(style_auc(examples.style, positive, half), 4) if both_sides else None,
        languages={name: main_language(examples.texts, of) for name, of in classes.items()},
    )


def folds_of(
    examples: Examples, groups: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The fold of each example, int64 below FOLDS, and whether its whole source is in it; groups: of near copies."""
    by_source = source_folds(examples.source, examples.positive, np.zeros(len(groups), np.bool_))
    by_group = (hash_numbers(groups, seed) % np.uint64(FOLDS)).astype(np.int64)
    left_out = by_source != IN_SIGHT
    return np.where(left_out, by_source, by_group), left_out


def cross_validate(
    examples: Examples, groups: NDArray[np.int64], folds: NDArray[np.int64], learn: Learner
) -> NDArray[np.float32] | None:
    """The score of each example by what is made of others; None where too few others are left of a class."""
    scores = np.empty(len(folds), np.float32)
    for fold in np.unique(folds):
        judged = folds == fold
        others = examples.take(~judged & ~np.isin(groups, groups[judged]))
        if min(others.positive.sum(), (~others.positive).sum()) < LEAST:
            return None
        scores[judged] = learn(others)(examples.take(judged).texts)
    return scores
