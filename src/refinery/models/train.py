"""Trains a relevance model: a fastText classifier that tells a domain's documents from others, with its card.

The recipe is DCLM's (Li et al. 2024, arXiv 2406.11794: fastText, word bigrams, positives against ordinary text) on
texts prepared by refinery.text.prepare. One thread and a seed, so that the same examples give the same model.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.definition.trainings import RelevanceTraining
from refinery.definition.validate import validate
from refinery.errors import DefinitionError, OutputError
from refinery.models.card import (
    CARD,
    CARD_TEXT,
    MODEL,
    NEGATIVE,
    POSITIVE,
    Card,
    Counts,
    SourceCounts,
)
from refinery.models.card_text import write_card
from refinery.models.draw import Draw, Drawn
from refinery.models.examples import (
    EXAMPLE,
    Examples,
    choose_examples,
    example_columns,
    hold_out,
    near_groups,
    read_examples,
)
from refinery.models.fasttext_file import parse_model
from refinery.models.judgement import judge
from refinery.models.left_out import IN_SIGHT, score_left_out, source_folds
from refinery.models.model_file import file_hash
from refinery.models.scorer import Scorer, load_scorer, prepare
from refinery.models.style import main_language, style_auc
from refinery.shuffle.records import Tables
from refinery.storage.commit import cannot_write, commit_bytes
from refinery.storage.place import Place
from refinery.text.batch import TextBatch
from refinery.text.prepare import WORDS

NAMES = (MODEL, CARD, CARD_TEXT)
_LEAST = 10  # examples of a class below which a held-out score says nothing
_EXAMPLE = pa.schema([("hash", pa.uint64()), *EXAMPLE])
_BLOCK_BYTES = 32 << 20  # of examples that a unit collects
READ_BYTES = 4 * _BLOCK_BYTES  # of memory that `write_examples` takes
_COPIES = 8  # of all examples, in the memory of the unit that fits
_ROOM = 256 << 20
_LINES = 10_000  # examples that are written at once


def train_relevance(
    positive: Sequence[str | Path],
    negative: Sequence[str | Path],
    out: Path,
    *,
    text: str = "text",
    **settings: Any,
) -> Card:
    """Trains on Parquet or JSON Lines and writes model.bin, card.json and card.md into `out`; returns the card.

    positive, negative: files, folders, globs or URLs, of which all documents are examples; text: their text column;
    settings: those of RelevanceTraining. Raises InputError for examples that cannot be read, DefinitionError for too
    few of them or a wrong setting, OutputError when `out` cannot be written.
    """
    training = validate(RelevanceTraining, {"positive": "positive", "negative": "negative", **settings})
    examples = read_examples(positive, negative, text)
    sources = {"positive": tuple(map(str, positive)), "negative": tuple(map(str, negative))}
    return fit(examples, training, out, sources)


def examples_in(folder: Place, writers: int) -> Tables:
    """Where so many units write examples."""
    return Tables.create(folder, _EXAMPLE, writers=writers, block_bytes=_BLOCK_BYTES)


class Written(NamedTuple):
    """Documents, and bytes: of examples those of their prepared texts, of other rows all."""

    documents: int
    bytes: int


def write_examples(examples: Tables, drawn: Drawn) -> Written:
    """Writes what is drawn of a shard, prepared."""
    documents = size = 0
    with examples.writer(drawn.number) as writer:
        for hashes, texts in drawn.texts():
            columns = example_columns(texts, drawn.part == "positive", drawn.shard.source)
            writer.write(pa.Table.from_arrays([pa.array(hashes), *columns], schema=_EXAMPLE))
            documents, size = documents + len(texts), size + columns[0].nbytes
    return Written(documents, size)


def count_sources(found: Draw, written: Sequence[Written]) -> tuple[SourceCounts, ...]:
    """By class and source, what arrived and what was drawn of it."""
    chosen = Counter[tuple[str, str]]()
    for one, counts in zip(found.drawn, written, strict=True):
        chosen[one.part, one.shard.source] += counts.documents
    return tuple(
        SourceCounts(part=part, source=source, documents=documents, drawn=chosen[part, source])
        for (part, source), documents in found.arrived.items()
    )


def fit_bytes(training: RelevanceTraining, examples: int) -> int:
    """Of memory that `fit_examples` takes, about; examples: bytes of text."""
    return _ROOM + _COPIES * examples + 8 * training.dim * training.buckets


def fit_examples(
    examples: Tables, training: RelevanceTraining, drawn: tuple[SourceCounts, ...], target: Place
) -> tuple[str, ...]:
    """Trains on what units wrote, in the order of the hashes; gives the names of the files in `target`."""
    table = pl.DataFrame(pl.from_arrow(examples.read()))
    table = table.sort("hash", maintain_order=True).sort("positive", descending=True, maintain_order=True)
    sources = {"positive": training.positive, "negative": training.negative}
    with tempfile.TemporaryDirectory(dir=target if isinstance(target, Path) else None) as folder:
        fit(choose_examples(table), training, Path(folder), sources, drawn)
        for name in NAMES:
            commit_bytes(target / name, (Path(folder) / name).read_bytes(), scratch=True)
    return NAMES


def fit(
    examples: Examples,
    training: RelevanceTraining,
    out: Path,
    sources: Mapping[str, tuple[str, ...]],
    drawn: tuple[SourceCounts, ...] = (),
) -> Card:
    """Writes model.bin, card.json and card.md into `out`; sources, drawn: for the card.

    Raises DefinitionError for too few examples, OutputError when `out` cannot be written.
    """
    groups = near_groups(examples.texts)
    held = hold_out(groups, examples.positive, training.held_out, training.seed)
    _enough(examples, held)
    model = _prepare_folder(out) / MODEL
    settings: dict[str, int | float] = {
        "lr": training.learning_rate, "dim": training.dim, "epoch": training.epochs,
        "wordNgrams": training.word_ngrams, "minCount": training.min_count, "bucket": training.buckets,
        "seed": training.seed,
    }  # fmt: skip
    _fit(examples, ~held, settings, model)
    scorer = load_scorer(model)
    folds = source_folds(examples.source, examples.positive, held)
    learn = partial(_learn, examples, settings, out)
    scores = score_left_out(folds, held, _score(scorer, examples, held), learn)
    left_out = (folds != IN_SIGHT)[held]
    judgement = judge(
        scores, examples.positive[held], training.precision, examples.sources, examples.source[held], left_out
    )
    card = Card(
        **dict(judgement),
        model=file_hash(model),
        labels=scorer.labels,
        positive_label=POSITIVE,
        preparation=WORDS,
        training={"library": "fasttext-community", "loss": "softmax", **settings},
        sources=dict(sources),
        drawn=drawn,
        **_counts(examples, held),
        near_duplicate_groups=int((np.unique(groups, return_counts=True)[1] > 1).sum()),
        contradictory=examples.contradictory,
        style_auc=round(style_auc(examples.style, examples.positive, held), 4),
        languages={name: main_language(examples.texts, kind) for name, kind in _classes(examples)},
    )
    write_card(card, out)
    return card


def _classes(examples: Examples) -> tuple[tuple[str, NDArray[np.bool_]], ...]:
    return ("negative", ~examples.positive), ("positive", examples.positive)


def _counts(examples: Examples, held: NDArray[np.bool_]) -> dict[str, Counts]:
    """Of each class."""
    return {
        name: Counts(read=read, used=int(kind.sum()), held_out=int((kind & held).sum()))
        for read, (name, kind) in zip(examples.read, _classes(examples), strict=True)
    }


def _score(scorer: Scorer, examples: Examples, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    return scorer.probability(_take(examples.texts, chosen), scorer.labels.index(POSITIVE))


def _learn(
    examples: Examples, settings: dict[str, int | float], out: Path, chosen: NDArray[np.bool_]
) -> Callable[[NDArray[np.bool_]], NDArray[np.float32]]:
    """Trains on some examples, for no file that stays; gives what scores others, which no cache keeps."""
    with tempfile.TemporaryDirectory(prefix=".left-out-", dir=out) as folder:
        model = Path(folder) / MODEL
        _fit(examples, chosen, settings, model)
        scorer = prepare(parse_model(model.read_bytes(), str(model)), file_hash(model))
    return partial(_score, scorer, examples)


def _enough(examples: Examples, held: NDArray[np.bool_]) -> None:
    """Raises DefinitionError for classes that are too small, or the same."""
    both = f"; {examples.contradictory} texts that both classes have count for neither" * bool(
        examples.contradictory
    )
    classes = [*reversed(_classes(examples))]
    if examples.contradictory and not all(kind.any() for _, kind in classes):
        left = " and ".join(f"{int(kind.sum())} {name} ones" for name, kind in classes)
        raise DefinitionError(
            f"positive and negative documents are the same: {examples.contradictory} texts stand in both, {left} are "
            "left: take as negatives documents that are not of the domain"
        )
    problems = []
    for name, kind in classes:
        judging, used = int((kind & held).sum()), int(kind.sum())
        if min(judging, used - judging) < _LEAST:
            problems.append(
                f"{name} examples: {used} different ones, of which {used - judging} are to train on and {judging} to "
                f"judge the model by; at least {_LEAST} of each are needed: give more, or less alike, documents, or "
                f"another share `held_out`{both}"
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
    return TextBatch.from_arrow(texts.to_arrow().filter(pa.array(chosen)))


def _lines(examples: Examples, chosen: NDArray[np.int64]) -> bytes:
    """Examples in this order, one a line, as fastText reads them."""
    positive, negative, end, none = (
        pa.scalar(word, pa.large_string()) for word in (f"{POSITIVE} ", f"{NEGATIVE} ", "\n", "")
    )
    labels = pc.if_else(pa.array(examples.positive[chosen]), positive, negative)
    texts = examples.texts.to_arrow().take(pa.array(chosen))
    lines = TextBatch.from_arrow(pc.binary_join_element_wise(labels, texts, end, none))
    return lines.data[lines.offsets[0] : lines.offsets[-1]].tobytes()


def _fit(
    examples: Examples, chosen: NDArray[np.bool_], settings: dict[str, int | float], model: Path
) -> None:
    """Trains on the chosen examples, in a seeded order, and puts the model into place in one step."""
    import fasttext

    order = np.random.default_rng(int(settings["seed"])).permutation(np.flatnonzero(chosen))
    try:
        with tempfile.TemporaryDirectory(prefix=".training-", dir=model.parent) as folder:
            source, target = Path(folder) / "examples.txt", Path(folder) / MODEL
            with source.open("wb") as file:
                for start in range(0, len(order), _LINES):
                    file.write(_lines(examples, order[start : start + _LINES]))
            trained = fasttext.train_supervised(
                input=str(source), loss="softmax", minn=0, maxn=0, thread=1, verbose=0, **settings
            )
            trained.save_model(str(target))
            (model.parent / CARD).unlink(missing_ok=True)  # no moment with a new model and an old card
            target.replace(model)
    except OSError as error:
        raise cannot_write(str(model), error, 0) from None
