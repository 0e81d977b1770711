"""The linear model's file and its scores."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refinery.errors import InputError
from refinery.models.linear import LinearModel, load_linear, parse_linear
from refinery.models.space import space_of
from refinery.text.batch import TextBatch
from refinery.text.features import features, weigh
from refinery.text.hashing import text_hashes
from refinery.text.prepare import prepare


def model(bits: int = 10) -> LinearModel:
    """Random weights."""
    random = np.random.default_rng(1)
    weights, inverse = random.normal(size=(2, 1 << bits, 2)).astype(np.float32)
    buckets = np.arange(0, 1 << bits, 3, dtype=np.uint32)
    space = space_of(buckets, random.normal(size=(len(buckets), 4)).astype(np.float16), bits)
    latent = random.normal(size=4).astype(np.float32)
    return LinearModel(weights, np.abs(inverse), -0.5, space, latent, 2.0, 0.25, 50)


def test_a_probability_is_of_the_calibrated_logit() -> None:
    """1 / (1 + e^-(scale (x w + y u + p v + bias) + shift)), x and y rows of the text's first words, p its place."""
    one, texts = model(), prepare(TextBatch.from_texts(["Some words, some more.", "", "词 and " * 100]))
    found = features(texts, 10, 50, pieces=True)
    places = one.space.places(found)
    rows, cuts = [weigh(found, one.inverse[:, view].copy()) for view in (0, 1)], found.bounds
    expected = []
    for i in range(3):
        entries = slice(cuts[i], cuts[i + 1])
        weights = one.weights[found.buckets[entries]].astype(float)
        logit = sum(float(rows[view][entries] @ weights[:, view]) for view in (0, 1))
        logit += float(places[i].astype(float) @ one.latent) - 0.5
        expected.append(1 / (1 + np.exp(-(2 * logit + 0.25))))
    assert one.probability(found) == pytest.approx(expected, abs=1e-6)


def test_seeds_are_certain_and_no_word_is_no_relevance() -> None:
    """Whatever the weights say; others have their probability."""
    texts = prepare(TextBatch.from_texts(["A seed.", "a SEED", "", "no seed", "Another seed"]))
    known = np.sort(text_hashes(prepare(TextBatch.from_texts(["a seed", "another seed"]))))
    one = replace(model(), seeds=known)
    scores, plain = (
        parse_linear(one.content(), "").score(texts),
        one.probability(features(texts, 10, 50, pieces=True)),
    )
    assert scores.tolist() == [1.0, 1.0, 0.0, plain[3], 1.0] and plain[3] < 1


def test_a_file_is_the_model_again(tmp_path: Path) -> None:
    """The same bytes, and the same scores."""
    one, path = model(), tmp_path / "model.npz"
    path.write_bytes(one.content())
    again, texts = load_linear(path), TextBatch.from_texts(["a b c"])
    assert again.content() == one.content()
    assert again.score(texts).tobytes() == one.score(texts).tobytes()


def _changed(**arrays: object) -> bytes:
    """The model's file with other arrays."""
    with np.load(io.BytesIO(model().content())) as stored:
        parts = dict(stored)
    file = io.BytesIO()
    np.savez(file, **(parts | arrays))  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "not a recall model"),
        (_changed(format=np.array([1, 10, 50])), "another version"),
        (_changed(format=np.array([3, 11, 50])), "not finite numbers"),
        (_changed(line=np.array([0.0, np.nan, 0.0])), "not finite numbers"),
        (_changed(seeds=np.array([2, 1], np.uint64)), "not sorted hashes"),
        (_changed(weights=np.zeros((1 << 10, 2))), "not finite numbers"),
        (_changed(vectors=np.full((342, 4), np.inf, np.float16)), "not finite numbers"),
        (_changed(vectors=np.zeros((341, 4), np.float16)), "not of buckets and directions"),
        (_changed(buckets=np.arange(900, 900 + 342, dtype=np.uint32)), "not ascending"),
    ],
)
def test_what_is_no_model_is_refused(content: bytes, word: str) -> None:
    """With the file named."""
    with pytest.raises(InputError, match=word) as told:
        parse_linear(content, "here.npz")
    assert "here.npz" in str(told.value)
