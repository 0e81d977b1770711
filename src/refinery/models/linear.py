"""A linear model over views of a document: the file that recall makes and the measurer `relevance` scores with.

A document's logit is the sum of a TF-IDF row (refinery.text.features, with pieces of words) times weights, of the
row that other inverse frequencies make times others, of its place in a latent space (refinery.models.space) times
others, and of the bias; its probability is 1 / (1 + e^-(scale logit + shift)), where scale and shift hold the
prevalence of the pool that it was calibrated for.

The file is an .npz of `format`, int64 [version, bits, most words of a document], `weights` and `inverse`, float32
(2^bits, 2), a column for each row of features, `line`, float64 [bias, scale, shift], of the space `buckets`, uint32
(rows,), `vectors`, float16 (rows, directions), and `latent`, float32 (directions,), the weights of places, and
`seeds`, uint64, hashes of texts that are of the domain for certain (refinery.text.hashing, of prepared texts). It is
read without pickle.
"""

from __future__ import annotations

import io
import mmap
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.models.card import LINEAR
from refinery.models.model_file import read_once
from refinery.models.npz import Form
from refinery.models.space import Space, space_of
from refinery.text.batch import TextBatch
from refinery.text.elementary import exp
from refinery.text.features import MOST_BITS, MOST_WORDS, Features, dampings, features
from refinery.text.hashing import text_hashes

MODEL = LINEAR
FORMAT = 3  # raised when words, hashes or weighting change
_FORM = Form(
    kind="a recall model",
    version=FORMAT,
    numbers=3,
    arrays=("weights", "inverse", "line", "buckets", "vectors", "latent", "seeds"),
    most_bytes=1 << 27,
    hint="make one with `refinery recall`",
)


@dataclass(frozen=True)
class LinearModel:
    """weights, inverse: float32 (2^bits, 2); latent: float32 (directions,); seeds: sorted; else see above."""

    weights: NDArray[np.float32]
    inverse: NDArray[np.float32]
    bias: float
    space: Space
    latent: NDArray[np.float32]
    scale: float = 1.0
    shift: float = 0.0
    most_words: int = MOST_WORDS
    seeds: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    @property
    def bits(self) -> int:
        """Two to their power are the buckets."""
        return len(self.weights).bit_length() - 1

    def logits(self, found: Features) -> NDArray[np.float64]:
        """float64 (documents,), before calibration; raises nothing for a document without a word: the bias."""
        made = row_sums(self.space.places(found), self.latent) + self.bias
        _add_rows(found.bounds, found.buckets, found.counts, dampings(), self._terms, made)
        return made

    @cached_property
    def _terms(self) -> NDArray[np.float32]:
        """float32 (2^bits, 4): of each row inverse times weight and inverse squared, which lie together in memory."""
        weighted, squares = self.inverse * self.weights, self.inverse**2
        return np.stack([weighted[:, 0], squares[:, 0], weighted[:, 1], squares[:, 1]], axis=1)

    def probability(self, found: Features) -> NDArray[np.float32]:
        """float32 (documents,): calibrated, that a document of the pool is of the topic."""
        return probabilities(self.scale * self.logits(found) + self.shift)

    def score(self, prepared: TextBatch) -> NDArray[np.float32]:
        """`probability` of texts that `refinery.text.prepare.prepare` has made: 1 of seeds, 0 without a word."""
        found = features(prepared, self.bits, self.most_words, pieces=True)
        scores = self.probability(found)
        scores[np.diff(found.bounds) == 0] = 0.0
        if len(self.seeds):
            hashes = text_hashes(prepared)
            at = np.minimum(np.searchsorted(self.seeds, hashes), len(self.seeds) - 1)
            scores[self.seeds[at] == hashes] = 1.0
        return scores

    def content(self) -> bytes:
        """The model's file."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            format=np.array([FORMAT, self.bits, self.most_words], np.int64),
            weights=self.weights,
            inverse=self.inverse,
            line=np.array([self.bias, self.scale, self.shift]),
            buckets=self.space.buckets,
            vectors=self.space.vectors.astype(np.float16),
            latent=self.latent,
            seeds=self.seeds,
        )
        return file.getvalue()


def load_linear(path: Path, expected: str | None = None) -> LinearModel:
    """The model at `path`, read once a process; raises InputError, see model_file.read_once."""
    return read_once("linear", path, lambda content, _: parse_linear(content, str(path)), expected)


def parse_linear(content: bytes | mmap.mmap, place: str) -> LinearModel:
    """The model of a file's content; raises InputError for what is none."""
    (bits, most_words), (weights, inverse, line, buckets, vectors, latent, seeds) = _FORM.read(content, place)
    good = 0 < bits <= MOST_BITS and 0 < most_words <= MOST_WORDS * 8 and line.shape == (3,)
    kinds = ((weights, np.float32), (inverse, np.float32), (line, np.float64), (vectors, np.float16))
    for array, kind in (*kinds, (latent, np.float32)):
        good = good and array.dtype == kind and bool(np.isfinite(array).all())
    if not good or not weights.shape == inverse.shape == (1 << bits, 2):
        raise _FORM.broken(place, "weights are not finite numbers of buckets")
    if seeds.dtype != np.uint64 or seeds.ndim != 1 or (seeds[1:] < seeds[:-1]).any():
        raise _FORM.broken(place, "seeds are not sorted hashes")
    if buckets.dtype != np.uint32 or vectors.shape != (*buckets.shape, *latent.shape) or vectors.ndim != 2:
        raise _FORM.broken(place, "vectors are not of buckets and directions")
    if (buckets[1:] <= buckets[:-1]).any() or (buckets >= 1 << bits).any():
        raise _FORM.broken(place, "buckets are not ascending")
    bias, scale, shift = map(float, line)
    space = space_of(buckets, vectors, bits)
    return LinearModel(weights, inverse, bias, space, latent, scale, shift, most_words, seeds)


def products(
    bounds: NDArray[np.int64],
    columns: NDArray[np.uint32],
    values: NDArray[np.float32],
    weights: NDArray[np.float32] | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sparse rows (bounds, columns, values) times weights by column: float64 (rows,)."""
    made = np.empty(len(bounds) - 1)
    _multiply(bounds, columns, values, weights, made)
    return made


def row_sums(places: NDArray[np.float32], latent: NDArray[np.float32]) -> NDArray[np.float64]:
    """float64 (documents,): of each place the sum of its numbers times weights, in order."""
    made = np.zeros(len(places))
    for direction, weight in enumerate(latent.astype(np.float64)):
        made += places[:, direction] * weight
    return made


def probabilities(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 / (1 + e^-logit) as float32, on every processor the same."""
    made = np.empty(len(logits), np.float32)
    squash(logits, made)
    return made


@njit(cache=True, nogil=True)
def _multiply(bounds, columns, values, weights, made):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        total = 0.0
        for i in range(bounds[row], bounds[row + 1]):
            total += np.float64(values[i]) * np.float64(weights[columns[i]])
        made[row] = total


@njit(cache=True, nogil=True)
def _add_rows(bounds, buckets, counts, dampings, terms, made):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        one, one_squares, two, two_squares = 0.0, 0.0, 0.0, 0.0
        for i in range(bounds[row], bounds[row + 1]):
            bucket, factor = buckets[i], np.float64(dampings[counts[i]])
            one += factor * terms[bucket, 0]
            one_squares += factor * factor * terms[bucket, 1]
            two += factor * terms[bucket, 2]
            two_squares += factor * factor * terms[bucket, 3]
        if one_squares > 0:
            made[row] += one / np.sqrt(one_squares)
        if two_squares > 0:
            made[row] += two / np.sqrt(two_squares)


@njit(cache=True, nogil=True)
def squash(logits, made):  # type: ignore[no-untyped-def]
    """Fills in 1 / (1 + e^-logit); both float64, or made float32 (documents,)."""
    for i in range(len(logits)):
        made[i] = 1.0 / (1.0 + exp(-logits[i]))
