"""DSIR's model of a target text and of raw text: how often each hashed n-gram occurs in either.

A document's importance is the log-ratio of its likelihood under both bags of n-grams:
`sum_j count_j * (log(p_target_j + 1e-8) - log(p_raw_j + 1e-8))` (Xie et al. 2023, arXiv 2302.03169; 1e-8 as in
p-lambda/dsir). No training loop and no negatives, but it sees only words, and grows with a document's length.

The file is an .npz of three arrays: `target` and `raw`, float64, probabilities of each bucket, and `format`, int64
[version]. It is read without pickle.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DefinitionError
from refinery.models import bucket_counts
from refinery.models.model_file import read_once
from refinery.models.npz import Form
from refinery.shuffle.records import Records
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.models.cross_validation import Scorer
    from refinery.models.draw import Drawn
    from refinery.models.examples import Examples
    from refinery.text.batch import TextBatch

MODEL = "model.npz"
BUCKETS = 10_000
PARTS = ("positive", "raw")
READ_BYTES = 128 << 20  # of memory that `write_counts` takes
FORMAT = 1  # raised when words, hashes or buckets change
_FLOOR = 1e-8
_FORM = Form(
    kind="an importance model",
    version=FORMAT,
    numbers=1,
    arrays=("target", "raw"),
    most_bytes=1 << 27,
    hint="make one with `refinery train importance`",
)


class Importance(NamedTuple):
    """Of documents, float64, nats: in all, and a word."""

    total: NDArray[np.float64]
    per_token: NDArray[np.float64]


@dataclass(frozen=True)
class ImportanceModel:
    """Log-ratios by bucket: float64, read-only, finite."""

    weights: NDArray[np.float64]

    def importance(self, prepared: TextBatch) -> Importance:
        """Of prepared texts; 0 without a word."""
        from refinery.text.ngrams_hashed import weigh_ngrams

        totals, words = np.empty(len(prepared)), np.empty(len(prepared), np.int64)
        unused = np.zeros(len(self.weights), np.int64)
        weigh_ngrams(prepared.data, prepared.offsets, self.weights, totals, words, unused)
        return Importance(totals, totals / np.maximum(words, 1))


def train_importance(
    positive: Sequence[str | Path],
    raw: Sequence[str | Path],
    out: Path,
    *,
    text: str = "text",
    buckets: int = BUCKETS,
) -> Path:
    """Counts hashed n-grams of a target and of raw text (Parquet or JSON Lines) and writes `out` (.npz) atomically.

    Raises InputError for text that cannot be read, DefinitionError when a side has no word.
    """
    from refinery.models.examples import read_texts
    from refinery.text.prepare import prepare

    sides = ("positive", positive), ("raw", raw)
    counted = {name: count(map(prepare, read_texts(paths, text)), buckets) for name, paths in sides}
    content = distributions(counted)
    make_directory(out.parent)
    commit_bytes(out, content)
    return out


def count(words: Iterable[TextBatch], buckets: int) -> NDArray[np.int64]:
    """How many n-grams of prepared texts fall into each bucket, int64 (buckets,)."""
    from refinery.text.ngrams_hashed import weigh_ngrams

    counts, weights = np.zeros(buckets, np.int64), np.zeros(buckets)
    weights.flags.writeable = False
    for batch in words:
        totals, tokens = np.empty(len(batch)), np.empty(len(batch), np.int64)
        weigh_ngrams(batch.data, batch.offsets, weights, totals, tokens, counts)
    return counts


def learn(examples: Examples, buckets: int) -> Scorer:
    """What gives importance a word by the examples, see models.cross_validation."""
    counts = {part: count([examples.texts_of(part == PARTS[0])], buckets) for part in PARTS}
    model = _parse(distributions(counts), "examples")
    return lambda texts: model.importance(texts).per_token


def write_counts(counts: Records, buckets: int, drawn: Drawn) -> None:
    """Counts what is drawn of a shard."""
    found = count((words for _, words in drawn.words()), buckets)
    bucket_counts.write_counts(counts, drawn.number, found, PARTS.index(drawn.part))


def add_counts(counts: Records, buckets: int, target: Place) -> tuple[str, ...]:
    """Adds up what units wrote; gives the name of the file in `target`. Raises DefinitionError as above."""
    totals = {part: bucket_counts.add_counts(counts, buckets, number) for number, part in enumerate(PARTS)}
    commit_bytes(target / MODEL, distributions(totals), scratch=True)
    return (MODEL,)


def distributions(counts: Mapping[str, NDArray[np.int64]]) -> bytes:
    """The model's file of counts by bucket, of each of PARTS; raises DefinitionError for one without a word."""
    if empty := [f"{part} documents: none has a word" for part, found in counts.items() if not found.sum()]:
        raise DefinitionError(*empty)
    target, raw = (counts[part] / counts[part].sum() for part in PARTS)
    content = io.BytesIO()
    np.savez(content, format=np.array([FORMAT], np.int64), target=target, raw=raw)
    return content.getvalue()


def load_importance(path: Path, expected: str | None = None) -> ImportanceModel:
    """The model at `path`, read once a process; raises InputError, see model_file.read_once."""
    return read_once("importance", path, lambda content, _: _parse(content, str(path)), expected)


def _parse(content: bytes | mmap.mmap, place: str) -> ImportanceModel:
    from refinery.text.elementary import logs

    _, (target, raw) = _FORM.read(content, place)
    for name, array in (("target", target), ("raw", raw)):
        good = array.dtype == np.float64 and array.ndim == 1 and 0 < len(array) == len(target)
        if not good or not (np.isfinite(array).all() and (array >= 0).all() and abs(array.sum() - 1) < 1e-6):
            raise _FORM.broken(place, f"{name} are not probabilities of buckets")
    weights = logs(target + _FLOOR) - logs(raw + _FLOOR)
    weights.flags.writeable = False
    return ImportanceModel(weights)
