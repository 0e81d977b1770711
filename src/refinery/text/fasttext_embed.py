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
    STRIP,
    STRIP_FULL,
    add_rows,
    clear,
    find,
    gather,
    hash_strip,
    keep,
    spread,
    step,
)

_EOS_HASH = np.uint32(3617362777)  # of "</s>"
_NGRAM_FACTOR = np.uint64(116049371)
_LABEL = np.frombuffer(b"__label__", np.uint8)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _split(data, position, end, starts, ends, hashes, heads):  # type: ignore[no-untyped-def]
    """Finds the next tokens, at most TOKENS; returns their number and where to go on. heads: first eight bytes."""
    n = 0
    while n < TOKENS:
        while position < end and data[position] <= 32:
            c = data[position]
            if c in (0, 32) or (c >= 9 and c <= 13):
                position += 1
            else:
                break
        if position >= end:
            break
        starts[n] = position
        h, head, shift = FNV, np.uint64(0), np.uint64(0)
        while position < end:
            c = data[position]
            if c <= 32 and (c in (0, 32) or (c >= 9 and c <= 13)):
                break
            h = step(h, c)
            head |= np.uint64(c) << shift if shift < 64 else np.uint64(0)
            shift += np.uint64(8)
            position += 1
        ends[n] = position
        hashes[n], heads[n] = h, head
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


@njit(cache=True, nogil=True, error_model="numpy")
def _recall(data, start, size, h, slots, keys):  # type: ignore[no-untyped-def]
    """Memo row of an unknown word, or -1 - (the slot where it belongs)."""
    mask = np.int64(len(slots) - 1)
    slot = np.int64(h ^ (h >> np.uint32(15))) & mask
    while True:
        row = np.int64(slots[slot]) - 1
        if row < 0:
            return -1 - slot
        if keys[row, 0] == h and keys[row, 2] == size:
            first = keys[row, 1]
            i = 0
            while i < size and data[first + i] == data[start + i]:
                i += 1
            if i == size:
                return row
        slot = (slot + 1) & mask


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
def _sum_new(data, keys, first, last, shape, kept, ranks, gram_rows, room, bounds, rows, counts):  # type: ignore[no-untyped-def]
    """Sums up the n-grams of memo rows first to last - 1, as many words at once as a strip holds."""
    strip, left, hashes, buckets, grams = room
    whole = np.bool_(True)
    row = first
    while row < last:
        chars, words = np.int64(0), 0
        while row + words < last and chars < STRIP_FULL:
            start = keys[row + words, 1]
            stop = start + keys[row + words, 2]
            bounds[words] = chars
            chars = spread(data, start, stop, start - 1, stop, shape[2], strip, left, chars)
            words += 1
        bounds[words] = chars
        hash_strip(strip, chars, shape, hashes, buckets)
        clear(strip, chars)
        for word in range(words):
            n = gather(left, bounds[word], bounds[word + 1], whole, shape, buckets, kept, ranks, grams)
            for d in range(rows.shape[1]):
                rows[row + word, d] = 0.0
            add_rows(gram_rows, grams, n, rows, row + word)
            counts[row + word] = n
        row += words


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
    strip, left, gram_hashes, buckets, piece = room
    bounds = np.empty(STRIP, np.int64)
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
                _sum_new(
                    data,
                    memo.keys,
                    old,
                    new,
                    shape,
                    kept,
                    ranks,
                    gram_rows,
                    room,
                    bounds,
                    memo_rows,
                    memo_counts,
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
                        k = gather(left, zero, chars, low < start, shape, buckets, kept, ranks, piece)
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
