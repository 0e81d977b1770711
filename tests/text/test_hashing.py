"""The 64-bit hash of tokens and lines."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from refinery.text.batch import TextBatch
from refinery.text.hashing import eight, hash_bytes, hash_short, text_hashes


@njit
def _hash_short(data, start, size):  # type: ignore[no-untyped-def]
    return hash_short(eight(data, start), size)


def _bytes(data: bytes) -> np.ndarray:
    array = np.frombuffer(data, np.uint8)
    array.flags.writeable = False
    return array


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=12), st.binary(max_size=12))
def test_depends_on_the_bytes_alone(word: bytes, before: bytes, after: bytes) -> None:
    """The same bytes hash the same wherever they stand, by either way of hashing short ones."""
    alone = hash_bytes(_bytes(word), 0, len(word))
    data, start = _bytes(before + word + after), len(before)
    assert hash_bytes(data, start, start + len(word)) == alone
    if len(word) <= 8 <= len(word) + len(after):
        assert _hash_short(data, start, len(word)) == alone


def test_no_collision_among_many_short_and_long_strings() -> None:
    """Numbers in several spellings all differ, and none hashes to 0."""
    words = [f"{prefix}{i}".encode() for prefix in ("", "0", "a long prefix ") for i in range(20_000)]
    words = list({*words, *(b"\0" * n for n in range(1, 40))})
    hashes = {int(hash_bytes(_bytes(word), 0, len(word))) for word in words}
    assert len(hashes) == len(words)
    assert 0 not in hashes


@given(st.lists(st.text(max_size=40), max_size=5))
def test_texts_have_the_hashes_of_their_bytes(texts: list[str]) -> None:
    """All 64 bits of them, and 0 for an empty one."""
    found = text_hashes(TextBatch.from_texts(texts))
    encoded = [text.encode() for text in texts]
    assert found.tolist() == [int(hash_bytes(_bytes(one), 0, len(one))) if one else 0 for one in encoded]
