"""Training a classifier of a domain's documents on tables, texts or files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from refinery.api.frames import ArrowStream, Texts, as_frame, texts_of

if TYPE_CHECKING:
    from refinery.models.card import Card
    from refinery.text.batch import TextBatch

Examples = ArrowStream | Texts | str | Path | Sequence[Path]


class Settings(TypedDict, total=False):
    """What `train` of a definition takes, see docs/models.md."""

    precision: float
    held_out: str
    dim: int
    word_ngrams: int
    epochs: int
    learning_rate: float
    min_count: int
    buckets: int
    seed: int


def train(
    positive: Examples,
    negative: Examples,
    out: str | Path,
    *,
    text: str = "text",
    **settings: Unpack[Settings],
) -> Card:
    """Trains a classifier that tells positive documents from negative ones, and gives its card.

    positive, negative: a pyarrow, Polars or pandas table, texts, or Parquet or JSON Lines: a path, glob or URL, or a
    list of `Path`s; out: the folder for model.bin, card.json and card.md, with which `relevance` measures; text: the
    text column; settings: as of `train` in a definition. Raises InputError for what cannot be read, DefinitionError
    for too few documents or a wrong setting, OutputError when `out` cannot be written.

    >>> import random, tempfile, refinery
    >>> def documents(words, seed):
    ...     chosen = random.Random(seed)
    ...     return [" ".join(chosen.choices(words.split(), k=12)) for _ in range(60)]
    >>> medical = documents("patient doctor dose blood fever heart nurse trial", seed=1)
    >>> other = documents("market price profit trade bank money tax wheat", seed=2)
    >>> card = refinery.train(medical, other, tempfile.mkdtemp(), buckets=1000)
    >>> card.positive.read, card.at_half.precision
    (60, 1.0)
    """
    from refinery.definition.trainings import RelevanceTraining
    from refinery.definition.validate import validate
    from refinery.models.examples import prepare_examples
    from refinery.models.train import fit

    training = validate(RelevanceTraining, {"positive": "positive", "negative": "negative", **settings})
    relevant, named = _documents(positive, text, "positive")
    others, also = _documents(negative, text, "negative")
    examples = prepare_examples(relevant, others)
    return fit(examples, training, Path(out), {"positive": named, "negative": also})


def _documents(given: Any, text: str, part: str) -> tuple[Iterable[tuple[str, TextBatch]], tuple[str, ...]]:
    """The documents of a class, batch by batch, each with its source, and where they are from, for the card.

    part: the source of documents in memory.
    """
    from refinery.api.documents import text_batches
    from refinery.models.examples import read_sourced
    from refinery.text.batch import TextBatch

    files = [given] if isinstance(given, str | Path) else given
    if isinstance(files, list | tuple) and files and (files[0] is given or isinstance(files[0], Path)):
        return read_sourced(files, text), tuple(map(str, files))
    column = texts_of(as_frame(given, text), text)
    batches = ((part, TextBatch.from_arrow(batch)) for batch in text_batches(column))
    return batches, (f"{len(column):,} documents in memory",)
