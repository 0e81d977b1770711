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


def shape(bucket: int, minn: int, maxn: int) -> np.ndarray:
    shift = 31 + bucket.bit_length() - 1
    return frozen([bucket, minn, maxn, 1, -1, (1 << shift) // bucket, shift], np.int64)


@pytest.mark.parametrize(("minn", "maxn"), [(1, 1), (1, 3), (2, 4), (3, 6), (0, 2), (5, 3), (32, 32)])
@pytest.mark.parametrize("bucket", [1, 7, 1000, 2_000_000, 2**31 - 1])
def test_n_grams_are_fasttexts(minn: int, maxn: int, bucket: int) -> None:
    """All of them and no other, for words of any length, one-byte to four-byte characters, cut in pieces."""
    words = ["a", "word", "é", "字字字", "a字é\U0001f600b", "x" * 300, "字" * 200, "ab\U0001f600" * 60]
    room = kernels.make_room()
    kept, ranks = frozen([], np.uint64), frozen([], np.int32)
    for word in words:
        data = frozen(np.frombuffer(word.encode(), np.uint8), np.uint8)
        found, low = [], -1
        while low < len(data):
            high = min(low + kernels.PIECE, len(data))
            n = kernels.subwords(data, 0, len(data), low, high, shape(bucket, minn, maxn), kept, ranks, *room)
            found += room.grams[:n].tolist()
            low = high
        assert sorted(found) == sorted(word_grams(word.encode(), minn, maxn, bucket))


@given(kept=st.sets(st.integers(0, 99), max_size=100), word=st.text("abcdé字", min_size=1, max_size=30))
def test_a_pruned_models_rows_are_found_by_rank(kept: set[int], word: str) -> None:
    """The row of a bucket is its place among those kept; others are no features."""
    bits = np.zeros(128, np.bool_)
    bits[list(kept)] = True
    words = np.packbits(bits, bitorder="little").view(np.uint64)
    below = frozen([0, bits[:64].sum()], np.int32)
    data, room = frozen(np.frombuffer(word.encode(), np.uint8), np.uint8), kernels.make_room()
    arguments = (shape(100, 2, 3), frozen(words, np.uint64), below)
    n = kernels.subwords(data, 0, len(data), -1, len(data), *arguments, *room)
    expected = [sorted(kept).index(b) for b in word_grams(word.encode(), 2, 3, 100) if b in kept]
    assert sorted(room.grams[:n].tolist()) == sorted(expected)
    grams = np.arange(100, dtype=np.int32)
    assert kernels.keep(*arguments[1:], grams, 100) == len(kept)
    assert grams[: len(kept)].tolist() == list(range(len(kept)))


@given(entries=st.sets(st.binary(max_size=12).filter(lambda entry: 0 not in entry), max_size=40))
def test_every_entry_is_found_and_no_other(entries: set[bytes]) -> None:
    """By fastText's hash and by its bytes."""
    listed = sorted(entries)
    offsets = frozen(np.cumsum([0, *map(len, listed)]), np.int64)
    data = frozen(np.frombuffer(b"".join(listed) + b"!", np.uint8), np.uint8)
    hashes = np.empty(len(listed), np.uint32)
    kernels.hash_entries(data, offsets, hashes)
    assert hashes.tolist() == [fnv(entry) for entry in listed]
    slots = np.zeros(256, np.uint64)
    kernels.fill_slots(slots, hashes, data, offsets)
    slots.flags.writeable = False
    for text in [*listed, *(entry + b"." for entry in listed)]:
        bytes_ = frozen(np.frombuffer(text + b"!", np.uint8), np.uint8)
        head = np.uint64(int.from_bytes(text[:8], "little"))
        found = kernels.find(bytes_, 0, len(text), np.uint32(fnv(text)), head, slots, data, offsets)
        assert found == (listed.index(text) if text in entries else -1)


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
