import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text import fasttext as kernels
from tests.text.fasttext_reference import fnv, word_grams


def frozen(values, kind) -> np.ndarray:
    array = np.array(values, kind)
    array.flags.writeable = False
    return array


def shape(modulus: int, minn: int, maxn: int) -> np.ndarray:
    shift = 31 + modulus.bit_length() - 1
    return frozen([modulus, minn, maxn, 1, -1, (1 << shift) // modulus, shift], np.int64)


def summed(
    words: list[bytes], numbers: np.ndarray, kept: np.ndarray, ranks: np.ndarray, rows: np.ndarray
) -> tuple:
    """Sums and numbers of the n-grams of words, by the kernel."""
    keys = np.zeros((len(words), 3), np.int64)
    keys[:, 2] = [len(word) for word in words]
    keys[:, 1] = np.cumsum(keys[:, 2]) - keys[:, 2]
    sums, counts = np.full((len(words), rows.shape[1]), 7, np.float32), np.full(len(words), 7, np.int32)
    data = frozen(np.frombuffer(b"".join(words), np.uint8), np.uint8)
    kernels.sum_grams(
        data, keys, 0, len(words), numbers, kept, ranks, rows, kernels.make_room(), sums, counts
    )
    return sums, counts


@pytest.mark.parametrize(("minn", "maxn"), [(1, 1), (1, 3), (2, 4), (3, 6), (0, 2), (5, 3), (32, 32)])
@pytest.mark.parametrize("modulus", [1, 7, 1000, 2_000_000])
def test_n_grams_are_fasttexts(minn: int, maxn: int, modulus: int) -> None:
    """All of them and no other, for words of any length, one-byte to four-byte characters, many at once."""
    words = [
        "a",
        "word",
        "é",
        "字字字",
        "a字é\U0001f600b",
        "x" * 300,
        "字" * 200,
        "ab\U0001f600" * 60,
        "and",
    ] * 9
    rows = frozen(np.random.default_rng(1).integers(0, 99, (modulus, 1)), np.float32)
    encoded = [word.encode() for word in words]
    sums, counts = summed(
        encoded, shape(modulus, minn, maxn), frozen([], np.uint64), frozen([], np.int32), rows
    )
    expected = [word_grams(word, minn, maxn, modulus) for word in encoded]
    assert counts.tolist() == [len(found) for found in expected]
    assert sums[:, 0].tolist() == [rows[found, 0].sum() for found in expected]


@given(
    kept=st.sets(st.integers(0, 99), max_size=100),
    words=st.lists(st.text("abcdé字", min_size=1, max_size=30), min_size=1, max_size=5),
)
def test_a_pruned_models_rows_are_found_by_rank(kept: set[int], words: list[str]) -> None:
    """The row of a bucket is its place among those kept; others are no features."""
    bits = np.zeros(128, np.bool_)
    bits[list(kept)] = True
    bitmap = frozen(np.packbits(bits, bitorder="little").view(np.uint64), np.uint64)
    below = frozen([0, bits[:64].sum()], np.int32)
    rows = frozen(np.random.default_rng(1).integers(0, 99, (100, 16)), np.float32)
    encoded = [word.encode() for word in words]
    sums, counts = summed(encoded, shape(100, 2, 3), bitmap, below, rows)
    for word, total, count in zip(encoded, sums, counts, strict=True):
        expected = [sorted(kept).index(b) for b in word_grams(word, 2, 3, 100) if b in kept]
        assert count == len(expected)
        assert np.array_equal(total, rows[expected].sum(0))
    grams = np.arange(100, dtype=np.int32)
    assert kernels.keep(bitmap, below, grams, 100) == len(kept)
    assert grams[: len(kept)].tolist() == list(range(len(kept)))


@pytest.mark.parametrize("modulus", [1, 2, 3, 1000, 2_000_000, 2**31 - 1])
def test_division_by_the_number_of_buckets_is_exact(modulus: int) -> None:
    """By a reciprocal, for any hash."""
    words = [f"w{n}".encode() for n in range(300)]
    room, numbers = kernels.make_room(), shape(modulus, 2, 2)
    for word in words:
        data = frozen(np.frombuffer(word, np.uint8), np.uint8)
        chars = kernels.spread(data, 0, len(data), -1, len(data), 2, room.strip, room.left, 0)
        kernels.hash_strip(room.strip, chars, numbers, room.hashes, room.buckets)
        kernels.clear(room.strip, chars)
        found = room.buckets[2 * kernels.STRIP : 2 * kernels.STRIP + chars - 1].tolist()
        assert found == word_grams(word, 2, 2, modulus)


@given(entries=st.sets(st.binary(min_size=1, max_size=24).filter(lambda entry: 0 not in entry), max_size=40))
def test_every_entry_is_found_and_no_other(entries: set[bytes]) -> None:
    """By fastText's hash and by its bytes."""
    listed = sorted(entries)
    offsets = frozen(np.cumsum([0, *map(len, listed)]), np.int64)
    data = frozen(np.frombuffer(b"".join(listed) + b"!", np.uint8), np.uint8)
    hashes = np.empty(len(listed), np.uint32)
    kernels.hash_entries(data, offsets, hashes)
    assert hashes.tolist() == [fnv(entry) for entry in listed]
    slots = np.zeros(512, np.uint64)
    kernels.fill_slots(slots, hashes, data, offsets)
    slots.flags.writeable = False
    for text in [*listed, *(entry + b"." for entry in listed)]:
        bytes_ = frozen(np.frombuffer(text + b"!", np.uint8), np.uint8)
        head, tail, mixed = kernels.both_ends(bytes_, 0, len(text))
        ends = np.uint64(head), np.uint64(tail), np.uint32(mixed)
        found = kernels.find(bytes_, 0, len(text), *ends, slots, data, offsets)
        assert (found >= 0) == (text in entries)
        if found >= 0:
            assert slots[found + 2] == (len(text) << 32) + listed.index(text) + 1
            assert slots[found + 3] == fnv(text)


@pytest.mark.parametrize("width", [1, 16, 48])
@pytest.mark.parametrize("number", [0, 1, 3, 4, 9])
def test_rows_are_added_up(width: int, number: int) -> None:
    """One number or many a row, any number of rows."""
    rng = np.random.default_rng(number)
    rows, ids = frozen(rng.integers(-9, 9, (20, width)), np.float32), rng.integers(0, 20, 16).astype(np.int32)
    sums = np.ones((2, width), np.float32)
    kernels.add_rows(rows, ids, number, sums, 1)
    assert np.array_equal(sums[1], 1 + rows[ids[:number]].sum(0))
    assert np.array_equal(sums[0], np.ones(width))


@pytest.mark.parametrize("outputs", [1, 5])
def test_rows_are_projected_in_double_precision(outputs: int) -> None:
    """As a matrix product."""
    rng = np.random.default_rng(0)
    rows, directions = (
        frozen(rng.normal(size=(30, 7)), np.float32),
        frozen(rng.normal(size=(7, outputs)), np.float64),
    )
    out = np.zeros((30, outputs), np.float32)
    kernels.project(rows, directions, out)
    assert np.allclose(out, rows.astype(np.float64) @ directions, atol=1e-6)
