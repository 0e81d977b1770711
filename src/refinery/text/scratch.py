"""Working memory of the signals kernels: allocated once a batch, grown when a document needs more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CODE_POINTS = 0x110000


class Characters(NamedTuple):
    """By code point: how often it occurs; the number plus one of the token that is this character alone.

    `seen` lists the code points beyond ASCII by first appearance. `counts` and `alone` are zero between documents.
    """

    counts: NDArray[np.int32]
    alone: NDArray[np.int32]
    seen: NDArray[np.int32]


class Tokens(NamedTuple):
    """Different tokens by first appearance, and in `ids` the number of each token in order.

    points, size: length in code points and bytes; start: first byte of the first one; place: slot in `slots`, the
    hash table (upper half of the hash, number plus one), which is zero between documents.
    """

    slots: NDArray[np.uint64]
    hash: NDArray[np.uint64]
    counts: NDArray[np.int32]
    points: NDArray[np.int32]
    size: NDArray[np.int32]
    start: NDArray[np.int64]
    kind: NDArray[np.uint8]
    place: NDArray[np.int32]
    ids: NDArray[np.int32]


class Lines(NamedTuple):
    """Lines that are not blank: first byte, end, facts (see refinery.text.segment); hash, set of hashes, a copy."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    facts: NDArray[np.int32]
    hash: NDArray[np.uint64]
    slots: NDArray[np.uint64]
    low: NDArray[np.uint8]


class Grams(NamedTuple):
    """N-grams of one level: see refinery.text.ngrams. `sums` are the code points before each token."""

    at: NDArray[np.int32]
    number: NDArray[np.int32]
    candidate: NDArray[np.int32]
    counts: NDArray[np.int32]
    first: NDArray[np.int32]
    key: NDArray[np.uint64]
    slots: NDArray[np.int32]
    sums: NDArray[np.int64]


class Scratch(NamedTuple):
    """Room for one document at a time."""

    characters: Characters
    tokens: Tokens
    lines: Lines
    grams: Grams


def allocate(tokens: int, lines: int, text: int) -> Scratch:
    """Scratch for documents of up to `tokens` tokens, `lines` lines and `text` bytes; pages are touched when used."""
    slots = max(64, 1 << (2 * tokens - 1).bit_length())  # the walk starts with 64
    return Scratch(
        Characters(
            np.zeros(CODE_POINTS, np.int32), np.zeros(CODE_POINTS, np.int32), np.empty(CODE_POINTS, np.int32)
        ),
        Tokens(
            slots=np.zeros(slots, np.uint64),
            hash=np.empty(tokens, np.uint64),
            counts=np.empty(tokens, np.int32),
            points=np.empty(tokens, np.int32),
            size=np.empty(tokens, np.int32),
            start=np.empty(tokens, np.int64),
            kind=np.empty(tokens, np.uint8),
            place=np.empty(tokens, np.int32),
            ids=np.empty(tokens, np.int32),
        ),
        Lines(
            start=np.empty(lines, np.int64),
            end=np.empty(lines, np.int64),
            facts=np.empty((lines, 6), np.int32),
            hash=np.empty(lines, np.uint64),
            slots=np.empty(1 << (2 * lines - 1).bit_length(), np.uint64),
            low=np.empty(text, np.uint8),
        ),
        Grams(
            at=np.empty(tokens, np.int32),
            number=np.empty(tokens, np.int32),
            candidate=np.empty(tokens, np.int32),
            counts=np.empty(tokens, np.int32),
            first=np.empty(tokens, np.int32),
            key=np.empty(tokens, np.uint64),
            slots=np.empty(slots, np.int32),
            sums=np.empty(tokens + 1, np.int64),
        ),
    )
