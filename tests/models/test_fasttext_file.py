"""A model file is believed in nothing: every size and index is checked before it is used."""

import random
import struct
import time
from itertools import pairwise

import fasttext
import numpy as np
import pytest

from refinery.errors import InputError
from refinery.models import model_file, scorer
from refinery.models.fasttext_file import parse_labels, parse_model
from refinery.models.model_file import BUILT_IN
from refinery.text.batch import TextBatch
from tests.fasttext_models import SHAPES, model, oracle
from tests.udhr import SENTENCES

TEXTS = TextBatch.from_texts([*SENTENCES.values(), "", "字" * 300, "a " * 900])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_arrays_are_those_of_fasttext(shape: str) -> None:
    """Labels, words, the output matrix, and the input matrix where fastText gives it out."""
    path = model(shape)
    parsed, official = parse_model(path.read_bytes(), "model"), oracle(path)
    assert list(parsed.labels) == official.get_labels()
    bounds = parsed.word_offsets.tolist()
    words = [parsed.words[a:b].tobytes().decode() for a, b in pairwise(bounds)]
    assert words == official.get_words()
    assert parsed.label_counts.tolist() == official.get_labels(include_freq=True)[1].tolist()
    if not official.is_quantized():
        table = official.get_input_matrix()
        assert np.array_equal(parsed.word_rows, table[: len(words)])
        assert np.array_equal(parsed.gram_rows, table[len(words) :])
        assert np.array_equal(parsed.output, official.get_output_matrix())


def test_quantised_output_is_decoded() -> None:
    """A model with more than 256 labels whose output matrix is quantised too scores as fastText."""
    path = model("softmax").with_name("many.txt")
    lines = [f"__label__{n % 300} number {n % 300} and {n % 300 * 7}" for n in range(3000)]
    path.write_text("\n".join(lines) + "\n")
    trained = fasttext.train_supervised(
        str(path), dim=8, epoch=5, thread=1, verbose=0, minn=2, maxn=3, bucket=500
    )
    trained.quantize(qout=True, qnorm=True)
    file = path.with_suffix(".ftz")
    trained.save_model(str(file))
    found = scorer.load_scorer(file)
    texts = [line.split(" ", 1)[1] for line in lines[:50]]
    groups = np.arange(300)
    groups.flags.writeable = False
    labels, scores, *_ = found.top(TextBatch.from_texts(texts), groups, groups, 400)
    expected_labels, expected = oracle(file).predict(texts)
    assert [found.labels[n] for n in labels] == [names[0] for names in expected_labels]
    assert np.allclose(scores, np.array(expected)[:, 0], atol=1e-4)


@pytest.mark.parametrize("shape", ["softmax", "pruned", "hs", "quantised"])
def test_a_truncated_model_is_refused(shape: str) -> None:
    """Cut at 200 places, each says where it broke; one byte too many is refused as well."""
    content = model(shape).read_bytes()
    rng = random.Random(1)
    for size in {0, 1, 4, 8, len(content) - 1} | {rng.randrange(len(content)) for _ in range(200)}:
        with pytest.raises(InputError, match=r"here\.bin: not a usable fastText model"):
            parse_model(content[:size], "here.bin")
    with pytest.raises(InputError, match="1 bytes follow"):
        parse_model(content + b"\0", "here.bin")


@pytest.mark.parametrize("shape", ["softmax", "pruned", "pruned hs", "ova", "two labels, no words"])
def test_flipped_bits_never_crash(shape: str) -> None:
    """Either refused, or it scores: some label, a probability between 0 and 1, no NaN."""
    content = model(shape).read_bytes()
    rng = random.Random(2)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 4])):
            place = (
                rng.randrange(len(damaged)) if rng.random() < 0.3 else rng.randrange(min(900, len(damaged)))
            )
            damaged[place] ^= 1 << rng.randrange(8)
        try:
            found = scorer.prepare(parse_model(bytes(damaged), "damaged"), "key")
        except InputError:
            refused += 1
            continue
        groups = np.zeros(len(found.labels), np.int64)
        groups.flags.writeable = False
        labels, *columns = found.top(TEXTS, groups, groups, 400)
        assert labels.min() >= -1 and labels.max() < len(found.labels)
        for values in (*columns, found.probability(TEXTS, len(found.labels) - 1)):
            assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1
    assert 0 < refused < 150


def patched(content: bytes, place: int, layout: str, *values: int) -> bytes:
    data = bytearray(content)
    struct.pack_into(layout, data, place, *values)
    return bytes(data)


@pytest.mark.parametrize(
    ("place", "layout", "value", "problem"),
    [
        (0, "<i", 1, "signature"), (4, "<i", 13, "version 13"), (8, "<i", 2**31 - 1, "dim"), (8, "<i", -1, "dim"),
        (28, "<i", 10**6, "wordNgrams"), (32, "<i", 9, "loss 9"), (36, "<i", 1, "cbow"), (36, "<i", 2, "skip-gram"),
        (40, "<i", -5, "bucket"), (40, "<i", 2**31 - 1, "expected"), (40, "<i", 0, "no buckets"),
        (48, "<i", 10**9, "maxn"), (64, "<i", 2**31 - 1, "entries are not"), (68, "<i", -1, "entries are not"),
        (72, "<i", 10**6, "entries are not"), (84, "<q", -2, "pruned index"), (84, "<q", 2**62, "pruned index"),
    ],
)  # fmt: skip
def test_absurd_header_values_are_named(place: int, layout: str, value: int, problem: str) -> None:
    """At once and without a large allocation."""
    begun = time.process_time()
    with pytest.raises(InputError, match=problem):
        parse_model(patched(model("softmax").read_bytes(), place, layout, value), "model")
    assert time.process_time() - begun < 5


def test_absurd_matrix_sizes_are_refused() -> None:
    """A matrix that would need more than the file has, or another shape than the dictionary says."""
    content = model("softmax").read_bytes()
    parsed = parse_model(content, "model")
    rows = len(parsed.word_rows) + len(parsed.gram_rows)
    place = content.index(struct.pack("<qq", rows, parsed.dim))
    for size in (2**62, -1, rows + 1):
        with pytest.raises(InputError, match="input matrix"):
            parse_model(patched(content, place, "<q", size), "model")


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><html>", b'{"error": 404}', b"version https://git-lfs", b"\x80\x04"]
)
def test_other_files_are_named(content: bytes, tmp_path) -> None:
    """An empty file, a web page, JSON, a Git LFS pointer, a pickle: one sentence with the path and what to do."""
    path = tmp_path / "lid.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"lid\.bin: not a usable fastText model: .*download"):
        model_file.labels(path)


def test_word_vectors_are_not_a_classifier(tmp_path) -> None:
    """An unsupervised model is refused by name."""
    source, path = tmp_path / "text.txt", tmp_path / "vectors.bin"
    source.write_text("one two three four\n" * 50)
    vectors = fasttext.train_unsupervised(
        str(source), minCount=1, dim=4, bucket=100, epoch=1, thread=1, verbose=0
    )
    vectors.save_model(str(path))
    with pytest.raises(InputError, match="skip-gram word vectors, not a supervised classifier"):
        model_file.labels(path)


def test_values_that_are_no_numbers_are_refused() -> None:
    """NaN and infinity in a matrix would end up in the measurements."""
    content = model("words only").read_bytes()
    for value in (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f"):
        with pytest.raises(InputError, match="not finite"):
            parse_model(content[:-4] + value, "model")


def test_labels_are_read_from_the_beginning_alone():
    """The same as of the whole model, however much of the file is there behind them."""
    content = BUILT_IN.read_bytes()
    assert parse_labels(content[: len(content) // 2], "model") == parse_model(content, "model").labels
    with pytest.raises(InputError, match="model"):
        parse_labels(content[:100], "model")
