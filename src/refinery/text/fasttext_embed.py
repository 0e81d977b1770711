"""fastText's features of whole documents, summed window by window, in one walk over the bytes.

Tokens are handled some hundreds at a time, one simple loop after another: split and hash, look up, sum up unknown
words (or remember their sums), add to the window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.fasttext import (
    FNV,
    PIECE,
    add_rows,
    clear,
    find,
    gather,
    hash_strip,
    keep,
    spread,
    step,
    sum_grams,
)

_EOS_HASH = np.uint32(3617362777)  # of "</s>"
_NGRAM_FACTOR = np.uint64(116049371)
_LABEL = np.frombuffer(b"__label__", np.uint8)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_SPACES_ABOVE = np.uint64(0x2121212121212121)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
TOKENS = 512  # tokens that are handled together
MEMO_BYTES = 64  # longer unbroken runs are met once
_UNKNOWN, _NONE = -1, -2  # below them: -3 - row of the memo


class Memo(NamedTuple):
    """Unknown words of one batch with their summed rows, writable; one for each batch.

    slots: int32 hash table (row + 1, 0 is empty), zeroed by the caller; keys: int64 (words, 3), hash, start and size
    in the batch; rows: float32 (words, width); counts: int32 (words), more than TOKENS; used: int64 [rows in use].
    """

    slots: NDArray[np.int32]
    keys: NDArray[np.int64]
    rows: NDArray[np.float32]
    counts: NDArray[np.int32]
    used: NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _is_space(c):  # type: ignore[no-untyped-def]
    return c <= 32 and (c == 32 or (c >= 9 and c <= 13) or c == 0)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _eight(data, position):  # type: ignore[no-untyped-def]
    """data[position:position + 8] as a little-endian uint64; LLVM makes one load of it, the index being unsigned."""
    p = np.uint64(position)
    x = np.uint64(data[p]) | np.uint64(data[p + np.uint64(1)]) << np.uint64(8)
    x |= np.uint64(data[p + np.uint64(2)]) << np.uint64(16) | np.uint64(data[p + np.uint64(3)]) << np.uint64(
        24
    )
    x |= np.uint64(data[p + np.uint64(4)]) << np.uint64(32) | np.uint64(data[p + np.uint64(5)]) << np.uint64(
        40
    )
    return (
        x
        | np.uint64(data[p + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data[p + np.uint64(7)]) << np.uint64(56)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _split(data, position, end, starts, ends, hashes, heads):  # type: ignore[no-untyped-def]
    """Finds the next tokens, at most TOKENS; returns their number and where to go on. heads: first eight bytes.

    Eight bytes at a time, and the hash of a short word in a fixed number of steps: a branch on the length of a word
    is guessed wrong about every second time, which costs more than the steps.
    """
    n, last = 0, len(data) - 8
    while n < TOKENS:
        while position < end and _is_space(data[position]):
            position += 1
        if position >= end:
            break
        start, p = position, position
        while p < end:
            if p > last:
                if _is_space(data[p]):
                    break
                p += 1
                continue
            x = _eight(data, p)
            low = (x - _SPACES_ABOVE) & ~x & _HIGHS  # the lowest bit set is the first byte below 33
            if low == 0:
                p += 8
                continue
            p += (
                np.int64(((((low & (~low + np.uint64(1))) - np.uint64(1)) & _ONES) * _ONES) >> np.uint64(56))
                - 1
            )
            if p >= end or _is_space(data[p]):
                break
            p += 1
        p = min(p, end)
        size = p - start
        head = np.uint64(0)
        if start <= last:
            head = _eight(data, start) & (_ALL >> np.uint64(64 - 8 * min(size, 8)))
        else:
            for i in range(min(size, 8)):
                head |= np.uint64(data[start + i]) << np.uint64(8 * i)
        h = FNV
        for i in range(8):
            following = step(h, (head >> np.uint64(8 * i)) & np.uint64(255))
            h = following if i < size else h
        for q in range(start + 8, p):
            h = step(h, data[q])
        starts[n], ends[n], hashes[n], heads[n] = start, p, h, head
        position = p
        n += 1
    return n, position


@njit(cache=True, nogil=True, error_model="numpy")
def _is_label(data, start, size):  # type: ignore[no-untyped-def]
    i = 0
    while i < len(_LABEL) and i < size and data[start + i] == _LABEL[i]:
        i += 1
    return i == len(_LABEL)


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(data, starts, ends, hashes, heads, tokens, slots, vocabulary, offsets, words, ids):  # type: ignore[no-untyped-def]
    """Fills ids: a word's id, _UNKNOWN, or _NONE for labels. Returns the tokens before a `</s>`, if there is one."""
    mask, touched = np.int64(len(slots) // 2 - 1), np.uint64(0)
    for i in range(
        tokens
    ):  # fetches all slots at once: one by one, each miss of the cache would be waited for
        touched ^= slots[2 * (np.int64(hashes[i]) & mask)]
    ids[TOKENS] = np.int32(touched & np.uint64(1))  # so that the loop above is not left out
    kept = tokens
    for i in range(tokens):
        start, size = starts[i], ends[i] - starts[i]
        found = find(data, start, size, hashes[i], heads[i], slots, vocabulary, offsets)
        if found >= words or (found < 0 and data[start] == 95 and _is_label(data, start, size)):
            found = np.int64(_NONE)
        ids[i] = found
        if hashes[i] == _EOS_HASH and size == 4 and data[start] == 60 and data[start + 1] == 47:
            kept = min(kept, i)
    return kept


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _recall(data, start, size, h, slots, keys):  # type: ignore[no-untyped-def]
    """Memo row of an unknown word, or -1 - (the slot where it belongs)."""
    mask = np.int64(len(slots) - 1)
    slot = np.int64(h ^ (h >> np.uint32(15))) & mask
    row = np.int64(slots[slot]) - 1
    found = np.int64(-1)
    while row >= 0 and found < 0:
        if keys[row, 0] == h and keys[row, 2] == size:
            first = keys[row, 1]
            i = 0
            while i < size and data[first + i] == data[start + i]:
                i += 1
            if i == size:
                found = row
        if found < 0:
            slot = (slot + 1) & mask
            row = np.int64(slots[slot]) - 1
    return found if found >= 0 else -1 - slot


@njit(cache=True, nogil=True, error_model="numpy")
def _remember(data, starts, ends, hashes, tokens, ids, keys, used):  # type: ignore[no-untyped-def]
    """Replaces _UNKNOWN by -3 - (memo row) for words of at most MEMO_BYTES; keys of new rows are filled in."""
    slots, table = keys
    for i in range(tokens):
        size = ends[i] - starts[i]
        if ids[i] == _UNKNOWN and size <= MEMO_BYTES:
            row = _recall(data, starts[i], size, hashes[i], slots, table)
            if row < 0:
                slots[-1 - row] = used + 1
                row = used
                table[row, 0], table[row, 1], table[row, 2] = hashes[i], starts[i], size
                used += 1
            ids[i] = -3 - row
    return used


@njit(cache=True, nogil=True, error_model="numpy")
def _letter_bytes(data, start, end):  # type: ignore[no-untyped-def]
    """Bytes that are ASCII letters or not ASCII: what a window weighs, so that tables of numbers weigh little."""
    count = 0
    for p in range(start, end):
        c = data[p]
        folded = c | 32
        count += (c >= 128) | ((folded >= 97) & (folded <= 122))
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _flush(kept, ranks, word_rows, word_counts, gram_rows, words, m, grams, n, sums, w):  # type: ignore[no-untyped-def]
    """Adds the buffered words and word n-grams (as buckets) to sums[w]; returns how many features that is."""
    features = keep(kept, ranks, grams, n)
    add_rows(word_rows, words, m, sums, w)
    add_rows(gram_rows, grams, features, sums, w)
    for i in range(m):
        features += word_counts[words[i]]
    return features


@njit(cache=True, nogil=True, error_model="numpy")
def embed(data, offsets, first, last, t, memo, room, window, firsts, sums, counts, weights):  # type: ignore[no-untyped-def]
    """Sums the feature rows of documents first to last - 1, window by window; returns the number of windows.

    window: bytes after which the next one starts, at a token's or (inside a long unbroken run) a character's start;
    a rest shorter than half of it stays with the last. Windows of document i are firsts[i - first] up to
    firsts[i - first + 1]; the last one holds `</s>`. sums: float32 (windows, width), zeroed by the caller; counts:
    int64 features; weights: int64 letter bytes. A document without a token has one window with count 0.
    memo: of this very `data`; what it already holds changes no sum, not even in the last bit.
    """
    slots, vocabulary, vocabulary_offsets, kept, ranks, word_rows, word_counts, gram_rows, shape = t
    starts, ends = np.empty(TOKENS, np.int64), np.empty(TOKENS, np.int64)
    hashes, heads = np.empty(TOKENS, np.uint32), np.empty(TOKENS, np.uint64)
    ids, words = np.empty(TOKENS + 1, np.int32), np.empty(TOKENS + 1, np.int32)
    grams, rolling = np.empty((TOKENS + 1) * 32, np.int32), np.empty(32, np.uint64)
    strip, left, gram_hashes, buckets, piece, _ = room
    bucket, order, end_mark = np.uint64(shape[0]), shape[3] - 1, shape[4]
    memo_rows, memo_counts, width = memo.rows, memo.counts, sums.shape[1]
    w = zero = np.int64(0)
    for document in range(first, last):
        firsts[document - first] = w
        position, end = offsets[document], offsets[document + 1]
        opened, seen = position, zero
        any_token, more = False, True
        while more:
            found, position = _split(data, position, end, starts, ends, hashes, heads)
            tokens = _look_up(
                data,
                starts,
                ends,
                hashes,
                heads,
                found,
                slots,
                vocabulary,
                vocabulary_offsets,
                len(word_rows),
                ids,
            )
            any_token = any_token or found > 0
            more = tokens == TOKENS
            if shape[2] > 0:
                if memo.used[0] + tokens > len(memo_rows):
                    memo.slots[:] = 0
                    memo.used[0] = 0
                old = memo.used[0]
                memo.used[0] = _remember(
                    data, starts, ends, hashes, tokens, ids, (memo.slots, memo.keys), old
                )
                new = memo.used[0]
                sum_grams(
                    data, memo.keys, old, new, shape, kept, ranks, gram_rows, room, memo_rows, memo_counts
                )
            m = n = zero
            for i in range(tokens + (any_token and not more)):
                word, h = (
                    np.int64(end_mark if i == tokens else ids[i]),
                    _EOS_HASH if i == tokens else hashes[i],
                )
                if i < tokens and starts[i] - opened >= window and 2 * (end - starts[i]) >= window:
                    counts[w] += _flush(
                        kept, ranks, word_rows, word_counts, gram_rows, words, m, grams, n, sums, w
                    )
                    weights[w] = _letter_bytes(data, opened, starts[i])
                    opened = starts[i]
                    m = n = zero
                    w += 1
                if word == _NONE:
                    continue
                signed = np.uint64(np.int64(np.int32(h)))
                for j in range(max(zero, seen - order), seen):
                    rolling[j % order] = rolling[j % order] * _NGRAM_FACTOR + signed
                    grams[n] = np.int64(rolling[j % order] % bucket)
                    n += 1
                if order > 0:
                    rolling[seen % order] = signed
                seen += 1
                if word >= 0:
                    words[m] = word
                    m += 1
                elif word < _NONE:
                    for d in range(width):
                        sums[w, d] += memo_rows[-3 - word, d]
                    counts[w] += memo_counts[-3 - word]
                elif shape[2] > 0 and i < tokens:
                    start, stop = starts[i], ends[i]
                    low = start - 1
                    while low < stop:
                        high = min(low + PIECE, stop)
                        chars = spread(data, start, stop, low, high, shape[2], strip, left, zero)
                        hash_strip(strip, chars, shape, gram_hashes, buckets)
                        clear(strip, chars)
                        k = gather(
                            left, zero, chars, np.int64(low < start), shape, buckets, kept, ranks, piece
                        )
                        add_rows(gram_rows, piece, k, sums, w)
                        counts[w] += k
                        low = high
                        if low - opened >= window and 2 * (end - low) >= window:
                            while low < stop and data[low] & 0xC0 == 0x80:  # belongs to the last piece
                                low += 1
                            counts[w] += _flush(
                                kept, ranks, word_rows, word_counts, gram_rows, words, m, grams, n, sums, w
                            )
                            weights[w] = _letter_bytes(data, opened, low)
                            opened = low
                            m = n = zero
                            w += 1
            counts[w] += _flush(kept, ranks, word_rows, word_counts, gram_rows, words, m, grams, n, sums, w)
        weights[w] = _letter_bytes(data, opened, end)
        w += 1
    firsts[last - first] = w
    return w
