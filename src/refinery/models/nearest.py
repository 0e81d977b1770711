"""Seeds of a domain, and how near a document is to the nearest of them: the model of the measurer `nearest`.

Documents and seeds are TF-IDF rows of hashed words and pairs (refinery.text.features). A document's score is the
greatest cosine with any seed, not with their mean: a domain has many topics, and what is near one of them is of it
(BETR, arXiv 2507.12466, finds the maximum over examples better than their mean). Frequencies are those of ordinary
text; what more than a tenth of its documents have counts nothing (COMMON), as a stop word: for topics of a newswire
that makes no difference from a half, and takes less time.

The file is an .npz of `format`, int64 [version, seeds], `inverse`, float32 (2^bits,), and the seeds as an inverted
index by bucket: `starts`, int64 (2^bits + 1,), `seeds`, int32, and `weights`, float32. It is read without pickle.
Beside it `seeds.jsonl` has a line for each seed in the order of their numbers.
"""

from __future__ import annotations

import io
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from refinery.errors import DefinitionError
from refinery.models.bucket_counts import add_counts, write_counts
from refinery.models.model_file import read_once
from refinery.models.npz import Form
from refinery.shuffle.records import Records, Tables
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.text.batch import TextBatch
from refinery.text.features import BITS, MOST_BITS, Features, features, inverse_of_counts, weigh

if TYPE_CHECKING:
    from refinery.models.cross_validation import Scorer
    from refinery.models.draw import Drawn
    from refinery.models.examples import Examples

MODEL, SEEDS = "model.npz", "seeds.jsonl"
FORMAT = 1  # raised when words, hashes or weights change
COMMON = 0.1  # share of ordinary documents above which a feature counts nothing
READ_BYTES, FIT_BYTES = 192 << 20, 512 << 20  # of memory that units take
_SEED = pa.schema([("hash", pa.uint64()), ("source", pa.string()), ("text", pa.large_string())])
_MANY = 16  # share of the seeds, one of so many, from which on a bucket has an entry of every seed
_SHOWN = 200  # characters of a seed in SEEDS
_FORM = Form(
    kind="a model of seeds",
    version=FORMAT,
    numbers=2,
    arrays=("inverse", "starts", "seeds", "weights"),
    most_bytes=1 << 28,
    hint="make one by `nearest` of a definition's models",
)


@dataclass(frozen=True)
class NearestModel:
    """inverse: see text.features; starts, seeds, weights: seed and weight of the entries of each bucket."""

    inverse: NDArray[np.float32]
    starts: NDArray[np.int64]
    seeds: NDArray[np.int32]
    weights: NDArray[np.float32]
    count: int

    def nearest(self, prepared: TextBatch) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The greatest cosine with a seed and the number of that seed: 0 and -1 where nothing is shared."""
        found = features(prepared, (len(self.inverse) - 1).bit_length())
        cosines, numbers = np.empty(len(prepared), np.float32), np.empty(len(prepared), np.int32)
        sums = np.empty(self.count, np.float32)
        values = weigh(found, self.inverse)
        index = self.starts, self.seeds, self.weights
        _find_nearest(found.bounds, found.buckets, values, *index, sums, cosines, numbers)
        return cosines, numbers


@njit(cache=True, nogil=True)
def _find_nearest(bounds, buckets, values, starts, seeds, weights, sums, cosines, numbers):  # type: ignore[no-untyped-def]
    """Fills cosines and numbers; sums: float32 (seeds,), room."""
    for row in range(len(bounds) - 1):
        sums[:] = 0.0
        for i in range(bounds[row], bounds[row + 1]):
            value = values[i]
            start, end = starts[buckets[i]], starts[buckets[i] + 1]
            if end - start == len(sums):  # of every seed: a loop that processors do in strides
                _add(sums, value, weights[start:end])
            else:
                for j in range(start, end):
                    sums[seeds[j]] += value * weights[j]
        best, cosine = -1, np.float32(0.0)
        for seed in range(len(sums)):
            if sums[seed] > cosine:
                best, cosine = seed, sums[seed]
        cosines[row], numbers[row] = min(cosine, np.float32(1.0)), best


@njit(cache=True, nogil=True)
def _add(sums, value, row):  # type: ignore[no-untyped-def]
    for seed in range(len(sums)):
        sums[seed] += value * row[seed]


def seeds_in(folder: Place, writers: int) -> Tables:
    """Where so many units write seeds."""
    return Tables.create(folder, _SEED, writers=writers)


def read_drawn(seeds: Tables, counts: Records, drawn: Drawn) -> int:
    """Writes what is drawn of a shard: seeds as texts, of ordinary text the counts; gives documents of the latter."""
    having, documents = np.zeros(1 << BITS, np.int64), 0
    with seeds.writer(drawn.number) as writer:
        for hashes, words in drawn.words():
            if drawn.part == "positive":
                source = pa.repeat(pa.scalar(drawn.shard.source), len(words))
                writer.write(pa.table([pa.array(hashes), source, words.to_arrow()], _SEED))
            else:
                having += np.bincount(features(words).buckets, minlength=1 << BITS)
                documents += len(words)
    write_counts(counts, drawn.number, having)
    return documents


def write_nearest(seeds: Tables, counts: Records, documents: int, target: Place) -> tuple[str, ...]:
    """Writes the model of what units wrote; gives the names of its files.

    Raises DefinitionError for seeds without a word, and where there is no ordinary document.
    """
    table = pl.DataFrame(pl.from_arrow(seeds.read())).filter(pl.col("text") != "")
    table = table.sort("hash", maintain_order=True).unique("text", keep="first", maintain_order=True)
    if table.is_empty() or not documents:
        part = "raw" if len(table) else "positive"
        raise DefinitionError(f"{part} documents: none has a word; name a source or stage that has some")
    having = add_counts(counts, 1 << BITS)
    texts = TextBatch.from_arrow(table["text"].to_arrow().cast(pa.large_string()))
    commit_bytes(target / MODEL, content(texts, having, documents), scratch=True)
    lines = (
        orjson.dumps({"seed": number, "source": source, "text": text[:_SHOWN]}) + b"\n"
        for number, (_, source, text) in enumerate(table.iter_rows())
    )
    commit_bytes(target / SEEDS, b"".join(lines), scratch=True)
    return MODEL, SEEDS


def content(prepared: TextBatch, having: NDArray[np.int64], documents: int) -> bytes:
    """The model's file; prepared: of the seeds; having: by bucket, of so many ordinary documents those with it."""
    made = _fit(prepared, having, documents)
    file = io.BytesIO()
    head = np.array([FORMAT, made.count], np.int64)
    arrays = {name: getattr(made, name) for name in _FORM.arrays}
    np.savez_compressed(file, format=head, **arrays)
    return file.getvalue()


def learn(examples: Examples) -> Scorer:
    """What tells the nearest of the positive examples, see models.cross_validation."""
    seeds, raw = examples.texts_of(True), examples.texts_of(False)
    made = _fit(seeds, np.bincount(features(raw).buckets, minlength=1 << BITS), len(raw))
    return lambda texts: made.nearest(texts)[0]


def _fit(prepared: TextBatch, having: NDArray[np.int64], documents: int) -> NearestModel:
    """See `content`."""
    inverse = inverse_of_counts(having, documents)
    inverse[having > COMMON * documents] = 0.0
    found = features(prepared, (len(having) - 1).bit_length())
    return NearestModel(inverse, *_index(found, weigh(found, inverse), len(having)), len(prepared))


def _index(
    found: Features, values: NDArray[np.float32], buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """The entries that count by bucket, in the order of the seeds; of a bucket that many have those of every seed."""
    seeds = np.repeat(np.arange(len(found), dtype=np.int32), np.diff(found.bounds))
    counting = np.flatnonzero(values)
    order = counting[np.argsort(found.buckets[counting], kind="stable")]
    having = np.bincount(found.buckets[order], minlength=buckets)
    whole = np.where(having * _MANY > len(found), len(found), having)
    starts = np.zeros(buckets + 1, np.int64)
    np.cumsum(whole, out=starts[1:])
    filled = np.arange(starts[-1]) - np.repeat(starts[:-1], whole)  # numbers of seeds where a bucket has all
    begun = np.cumsum(having) - having
    at = np.arange(len(order)) - begun[found.buckets[order]]
    all_there = (whole == len(found))[found.buckets[order]]
    place = starts[found.buckets[order]] + np.where(all_there, seeds[order], at)
    weights, numbers = np.zeros(starts[-1], np.float32), filled.astype(np.int32)
    weights[place], numbers[place] = values[order], seeds[order]
    return starts, numbers, weights


def load_nearest(path: Path, expected: str | None = None) -> NearestModel:
    """The model at `path`, read once a process; raises InputError, see model_file.read_once."""
    return read_once("nearest", path, lambda file, _: _parse(file, str(path)), expected)


def _parse(file: bytes | mmap.mmap, place: str) -> NearestModel:
    (count,), (inverse, starts, seeds, weights) = _FORM.read(file, place)
    if not _sound(count, inverse, starts, seeds, weights):
        raise _FORM.broken(place, "its index is broken")
    return NearestModel(inverse, starts, seeds, weights, count)


def _sound(
    count: int,
    inverse: NDArray[np.float32],
    starts: NDArray[np.int64],
    seeds: NDArray[np.int32],
    weights: NDArray[np.float32],
) -> bool:
    """Whether a kernel can walk the index without a check."""
    dtypes = [inverse.dtype, starts.dtype, seeds.dtype, weights.dtype]
    flat = inverse.ndim == starts.ndim == seeds.ndim == weights.ndim == 1
    if not flat or dtypes != [np.float32, np.int64, np.int32, np.float32]:
        return False
    bits = (len(inverse) - 1).bit_length()
    if not (
        0 < bits <= MOST_BITS and len(inverse) == 1 << bits and len(starts) == len(inverse) + 1 and count > 0
    ):
        return False
    walk = starts[0] == 0 and (np.diff(starts) >= 0).all() and starts[-1] == len(seeds) == len(weights)
    in_range = ((seeds >= 0) & (seeds < count)).all()
    return bool(walk and in_range and np.isfinite(weights).all() and np.isfinite(inverse).all())
