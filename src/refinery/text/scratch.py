"""Working memory of the signals kernels: allocated once a batch, grown when a document needs more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CODE_POINTS = 0x110000


class Scratch(NamedTuple):
    """Arrays that hold one document at a time; a kernel leaves `chars`, `alone` and `slots` zeroed.

    Characters: `chars` counts each code point, `seen` lists those beyond ASCII by first appearance, `alone` has the
    number plus one of the token that is this character alone.
    Different tokens, by first appearance: hash, count, length in code points and bytes, first byte, kind, slot.
    Tokens in order: `ids` (number of the different token), `sums` (code points before each token).
    Lines that are not blank: see refinery.text.segment.walk.
    N-grams: see refinery.text.ngrams. `low` holds the document with ASCII in lower case.
    """

    chars: NDArray[np.int32]
    seen: NDArray[np.int32]
    alone: NDArray[np.int32]
    slots: NDArray[np.uint64]
    token_hash: NDArray[np.uint64]
    token_count: NDArray[np.int32]
    token_chars: NDArray[np.int32]
    token_bytes: NDArray[np.int32]
    token_start: NDArray[np.int64]
    token_kind: NDArray[np.uint8]
    token_slot: NDArray[np.int32]
    ids: NDArray[np.int32]
    sums: NDArray[np.int64]
    line_start: NDArray[np.int64]
    line_end: NDArray[np.int64]
    line_hash: NDArray[np.uint64]
    line_facts: NDArray[np.int32]
    line_slots: NDArray[np.uint64]
    gram_at: NDArray[np.int32]
    gram_id: NDArray[np.int32]
    gram_next: NDArray[np.int32]
    gram_count: NDArray[np.int32]
    gram_first: NDArray[np.int32]
    gram_key: NDArray[np.uint64]
    gram_slots: NDArray[np.int32]
    low: NDArray[np.uint8]


def allocate(tokens: int, lines: int, text: int) -> Scratch:
    """Scratch for documents of up to `tokens` tokens, `lines` lines and `text` bytes; pages are touched when used."""
    slots = max(64, 1 << (2 * tokens - 1).bit_length())  # the walk starts with 64
    return Scratch(
        chars=np.zeros(CODE_POINTS, np.int32),
        seen=np.empty(CODE_POINTS, np.int32),
        alone=np.zeros(CODE_POINTS, np.int32),
        slots=np.zeros(slots, np.uint64),
        token_hash=np.empty(tokens, np.uint64),
        token_count=np.empty(tokens, np.int32),
        token_chars=np.empty(tokens, np.int32),
        token_bytes=np.empty(tokens, np.int32),
        token_start=np.empty(tokens, np.int64),
        token_kind=np.empty(tokens, np.uint8),
        token_slot=np.empty(tokens, np.int32),
        ids=np.empty(tokens, np.int32),
        sums=np.empty(tokens + 1, np.int64),
        line_start=np.empty(lines, np.int64),
        line_end=np.empty(lines, np.int64),
        line_hash=np.empty(lines, np.uint64),
        line_facts=np.empty((lines, 6), np.int32),
        line_slots=np.empty(1 << (2 * lines - 1).bit_length(), np.uint64),
        gram_at=np.empty(tokens, np.int32),
        gram_id=np.empty(tokens, np.int32),
        gram_next=np.empty(tokens, np.int32),
        gram_count=np.empty(tokens, np.int32),
        gram_first=np.empty(tokens, np.int32),
        gram_key=np.empty(tokens, np.uint64),
        gram_slots=np.empty(slots, np.int32),
        low=np.empty(text, np.uint8),
    )
