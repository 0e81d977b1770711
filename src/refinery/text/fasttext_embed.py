"""fastText's features of whole documents, summed window by window, in one walk over the bytes.

Tokens are handled some hundreds at a time, one simple loop after another: split and hash, look up, sum up unknown
words (or remember their sums), add to the window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.borrow import borrow
from refinery.text.fasttext import (
    PIECE,
    add_rows,
    both_ends,
    clear,
    find,
    fnv,
    gather,
    hash_strip,
    keep,
    spread,
    sum_grams,
)
from refinery.text.fasttext_machine import high_product, lowest_bit, prefetch, space_bits

_EOS_HASH = np.uint32(3617362777)  # of "</s>"
_EOS_HEAD = np.uint64(int.from_bytes(b"</s>", "little"))
_NGRAM_FACTOR = np.uint64(116049371)
_LABEL = np.frombuffer(b"__label__", np.uint8)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
TOKENS = 512  # tokens that are handled together, at most
MEMO_BYTES = 64  # longer unbroken runs are met once
_UNKNOWN, _NONE = -1, -2  # below them: -3 - row of the memo


class Memo(NamedTuple):
    """Unknown words of one batch with their summed rows, writable; one for each batch.

    slots: uint64 hash table as that of a model's words, with rows for ids, zeroed by the caller; keys: int64
    (words, 3), of which the second is a word's start in the batch, the third its size; starts: int64 (words); rows:
    float32 (words, width); counts: int32 (words), more than TOKENS; used: int64 [rows in use].
    """

    slots: NDArray[np.uint64]
    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    rows: NDArray[np.float32]
    counts: NDArray[np.int32]
    used: NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _is_space(c):  # type: ignore[no-untyped-def]
    return c <= 32 and (c == 32 or (c >= 9 and c <= 13) or c == 0)


@njit(cache=True, nogil=True, error_model="numpy")
def _edges(data, position, end, edges, n):  # type: ignore[no-untyped-def]
    """Appends where tokens start and end, in turn, to edges[:n]; an odd n has one open. Returns n and where to go on.

    64 bytes at a time, as bits: a branch on the length of a word is guessed wrong about every second time.
    """
    inside = np.uint64(n & 1)
    while position < end and n <= 2 * TOKENS - 64:
        if position + 64 <= len(data):
            spaces = space_bits(data, position)
        else:
            spaces = np.uint64(0)
            for p in range(position, end):
                spaces |= np.uint64(_is_space(data[p])) << np.uint64(p - position)
        if end - position < 64:
            spaces |= _ALL << np.uint64(end - position)
        changes = ~spaces ^ ((~spaces << np.uint64(1)) | inside)
        inside = ~spaces >> np.uint64(63)
        while changes != 0:
            edges[n] = position + lowest_bit(changes)
            changes &= changes - np.uint64(1)
            n += 1
        position += 64
    if position >= end and inside != 0:
        edges[n] = end
        n += 1
    return n, min(position, end)


@njit(cache=True, nogil=True, error_model="numpy")
def _is_label(data, start, size):  # type: ignore[no-untyped-def]
    i = 0
    while i < len(_LABEL) and i < size and data[start + i] == _LABEL[i]:
        i += 1
    return i == len(_LABEL)


@njit(cache=True, nogil=True, error_model="numpy")
def _meet(data, edges, tokens, slots, memo_slots, heads, tails, mixes):  # type: ignore[no-untyped-def]
    """Reads both ends of each token and asks for the places where it should be found."""
    data, edges, slots, memo_slots = borrow((data, edges, slots, memo_slots))
    heads, tails, mixes = borrow((heads, tails, mixes))
    mask, memo_mask = np.int64(len(slots) // 4 - 1), np.int64(len(memo_slots) // 4 - 1)
    for i in range(tokens):
        start = edges[2 * i]
        head, tail, mixed = both_ends(data, start, edges[2 * i + 1] - start)
        heads[i], tails[i], mixes[i] = head, tail, mixed
        prefetch(slots, 4 * (np.int64(mixed) & mask))
        prefetch(memo_slots, 4 * (np.int64(mixed) & memo_mask))


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(data, edges, tokens, keys, vocabulary, words, memo_table, ids, hashes, subwords, used):  # type: ignore[no-untyped-def]
    """Fills ids (a word's id, _UNKNOWN, _NONE for labels, -3 - memo row) and fastText's hashes.

    Unknown words of at most MEMO_BYTES are remembered; keys of new rows are filled in. subwords: whether the model
    has character n-grams, else a row says nothing and such words are _UNKNOWN.
    Returns the tokens before a `</s>`, if there is one, and the rows in use.
    """
    heads, tails, mixes = borrow(keys)
    slots, entries, offsets = borrow(vocabulary)
    memo_slots, memo_keys, memo_starts = borrow(memo_table)
    data, edges, ids, hashes = borrow((data, edges, ids, hashes))
    mask, memo_mask = np.int64(len(slots) // 4 - 1), np.int64(len(memo_slots) // 4 - 1)
    kept = tokens
    for i in range(tokens):
        start, size = edges[2 * i], edges[2 * i + 1] - edges[2 * i]
        head, tail, mixed = heads[i], tails[i], mixes[i]
        at, memo_at = 4 * (np.int64(mixed) & mask), 4 * (np.int64(mixed) & memo_mask)
        tag, memo_tag = slots[at + 2], memo_slots[memo_at + 2]
        # Both tables at once and without a branch on which of them knows the word.
        short = np.int64(size <= 16)
        known = (
            short
            & np.int64(slots[at] == head)
            & np.int64(slots[at + 1] == tail)
            & np.int64(np.int64(tag >> np.uint64(32)) == size)
        )
        met = (
            short
            & np.int64(memo_slots[memo_at] == head)
            & np.int64(memo_slots[memo_at + 1] == tail)
            & np.int64(np.int64(memo_tag >> np.uint64(32)) == size)
        )
        found = np.int64(tag & np.uint64(0xFFFFFFFF)) - 1
        row = -2 - np.int64(memo_tag & np.uint64(0xFFFFFFFF)) if subwords else np.int64(_UNKNOWN)
        h, memo_h = slots[at + 3], memo_slots[memo_at + 3]
        ids[i], hashes[i] = found if known else row, np.uint32(h if known else memo_h)
        if known | met == 0:
            place = find(data, start, size, head, tail, mixed, slots, entries, offsets)
            if place >= 0:
                ids[i] = np.int64(slots[place + 2] & np.uint64(0xFFFFFFFF)) - 1
                hashes[i] = slots[place + 3]
            elif data[start] == 95 and _is_label(data, start, size):
                ids[i] = _NONE
            elif size <= MEMO_BYTES:
                place = find(data, start, size, head, tail, mixed, memo_slots, data, memo_starts)
                if place < 0:
                    slot = np.int64(mixed) & memo_mask
                    while memo_slots[4 * slot + 2] != 0:
                        slot = (slot + 1) & memo_mask
                    place = 4 * slot
                    used += 1
                    memo_slots[place], memo_slots[place + 1] = head, tail
                    memo_slots[place + 2] = (np.uint64(size) << np.uint64(32)) | np.uint64(used)
                    memo_slots[place + 3] = np.uint64(fnv(data, start, size))
                    memo_starts[used - 1] = start
                    memo_keys[used - 1, 1], memo_keys[used - 1, 2] = start, size
                row = -2 - np.int64(memo_slots[place + 2] & np.uint64(0xFFFFFFFF))
                ids[i] = row if subwords else np.int64(_UNKNOWN)
                hashes[i] = memo_slots[place + 3]
            else:
                ids[i], hashes[i] = _UNKNOWN, fnv(data, start, size)
        if ids[i] >= words:
            ids[i] = _NONE
        if head == _EOS_HEAD and size == 4:
            kept = min(kept, i)
    return kept, used


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
def _phrases(hashes, running, m, seen, carried, bucket, inverse, grams):  # type: ignore[no-untyped-def]
    """Buckets of the word n-grams that end at the m words whose hashes are given; returns their number.

    hashes: uint64, sign-extended; running: uint64, for working; seen: words of the document before these; carried:
    uint64, by length less one the hash of the n-gram that ended last, brought up to date. The remainder is by
    a reciprocal, whose quotient is one too small at most.
    """
    n = np.int64(0)
    for i in range(m):
        running[i] = hashes[i]
    for shorter in range(len(carried) if m > 0 else 0):
        before = carried[shorter]
        carried[shorter] = running[m - 1]
        for i in range(m):
            h = before * _NGRAM_FACTOR + hashes[i]
            before = running[i]
            running[i] = h
        for i in range(max(np.int64(0), shorter + 1 - seen), m):
            h = running[i]
            b = h - high_product(h, inverse) * bucket
            grams[n] = np.int64(min(b, b - bucket))
            n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _add_tokens(ids, hashes, first, last, t, memo_rows, memo_counts, lists, signed, seen, carried, sums, w):  # type: ignore[no-untyped-def]
    """Adds tokens first to last - 1 to sums[w]; returns the number of features and of words."""
    kept, ranks, word_rows, word_counts, gram_rows, bucket, inverse = t
    words, met, grams = lists
    m = n = k = features = np.int64(0)
    for i in range(first, last):  # no branches: they would be guessed wrong
        word = ids[i]
        words[m], met[n], signed[0, k] = word, -3 - word, np.uint64(np.int64(np.int32(hashes[i])))
        m += word >= 0
        n += word < _NONE
        k += word != _NONE
    for i in range(m):
        features += word_counts[np.uint32(words[i])]
    for i in range(n):
        features += memo_counts[np.uint32(met[i])]
    add_rows(word_rows, words, m, sums, w)
    add_rows(memo_rows, met, n, sums, w)
    n = _phrases(signed[0], signed[1], k, seen, carried, bucket, inverse, grams)
    n = keep(kept, ranks, grams, n)
    add_rows(gram_rows, grams, n, sums, w)
    return features + n, k


@njit(cache=True, nogil=True, error_model="numpy")
def embed(data, offsets, first, last, t, memo, room, window, firsts, sums, counts, weights):  # type: ignore[no-untyped-def]
    """Sums the feature rows of documents first to last - 1, window by window; returns the number of windows.

    window: bytes after which the next one starts, at a token's or (inside a long unbroken run) a character's start;
    a rest shorter than half of it stays with the last. Windows of document i are firsts[i - first] up to
    firsts[i - first + 1]; the last one holds `</s>`. sums: float32 (windows, width), zeroed by the caller; counts:
    int64 features; weights: letter bytes or empty. A document without a token has one window with count 0.
    memo: of this very `data`; what it already holds changes no sum, not even in the last bit.
    """
    slots, vocabulary, vocabulary_offsets, kept, ranks, word_rows, word_counts, gram_rows, shape = t
    edges, ids, hashes = (
        np.empty(2 * TOKENS + 66, np.int64),
        np.empty(TOKENS + 34, np.int32),
        np.empty(TOKENS + 34, np.uint32),
    )
    keys = (
        np.empty(TOKENS + 34, np.uint64),
        np.empty(TOKENS + 34, np.uint64),
        np.empty(TOKENS + 34, np.uint32),
    )
    lists = (
        np.empty(TOKENS + 34, np.int32),
        np.empty(TOKENS + 34, np.int32),
        np.empty((TOKENS + 34) * 32, np.int32),
    )
    signed, carried = np.empty((2, TOKENS + 34), np.uint64), np.zeros(max(shape[3] - 1, 0), np.uint64)
    strip, left, gram_hashes, buckets, piece, _ = room
    memo_rows, memo_counts, memo_table = memo.rows, memo.counts, (memo.slots, memo.keys, memo.starts)
    subwords, end_mark, bucket = shape[2] > 0, shape[4], np.uint64(max(shape[0], 1))
    model = (kept, ranks, word_rows, word_counts, gram_rows, bucket, _ALL // bucket)
    known = (slots, vocabulary, vocabulary_offsets)
    w = zero = np.int64(0)
    for document in range(first, last):
        firsts[document - first] = w
        position, end = offsets[document], offsets[document + 1]
        opened, seen, n = position, zero, zero
        last_cut = end - (window + 1) // 2
        any_token, more = False, True
        while more:
            n, position = _edges(data, position, end, edges, n)
            found = n >> 1
            if memo.used[0] + found > len(memo_rows):
                memo.slots[:] = 0
                memo.used[0] = 0
            old = memo.used[0]
            _meet(data, edges, found, slots, memo.slots, *keys)
            tokens, new = _look_up(
                data, edges, found, keys, known, len(word_rows), memo_table, ids, hashes, subwords, old
            )
            memo.used[0] = new
            if subwords:
                sum_grams(
                    data, memo.keys, old, new, shape, kept, ranks, gram_rows, room, memo_rows, memo_counts
                )
            any_token = any_token or found > 0
            more = tokens == found and position < end
            total = tokens
            if any_token and not more:
                ids[total], hashes[total], edges[2 * total] = end_mark, _EOS_HASH, end
                total += 1
            i = zero
            while i < total:
                cut, j = opened + window, i
                while (
                    j < total
                    and (edges[2 * j] < cut or edges[2 * j] > last_cut)
                    and not (subwords and ids[j] == _UNKNOWN and j < tokens)
                ):
                    j += 1
                features, words = _add_tokens(
                    ids, hashes, i, j, model, memo_rows, memo_counts, lists, signed, seen, carried, sums, w
                )
                counts[w] += features
                seen += words
                i = j
                if j == total:
                    continue
                if edges[2 * j] >= cut and edges[2 * j] <= last_cut:
                    if len(weights) > 0:
                        weights[w] = _letter_bytes(data, opened, edges[2 * j])
                    opened = edges[2 * j]
                    w += 1
                    continue
                # An unknown word too long to be met again: piece by piece, and windows open inside.
                start, stop = edges[2 * j], edges[2 * j + 1]
                low = start - 1
                while low < stop:
                    high = min(low + PIECE, stop)
                    chars = spread(data, start, stop, low, high, shape[2], strip, left, zero)
                    hash_strip(strip, chars, shape, gram_hashes, buckets)
                    clear(strip, chars)
                    k = gather(left, zero, chars, np.int64(low < start), shape, buckets, kept, ranks, piece)
                    add_rows(gram_rows, piece, k, sums, w)
                    counts[w] += k
                    low = high
                    if low - opened >= window and low <= last_cut:
                        while low < stop and data[low] & 0xC0 == 0x80:  # belongs to the last piece
                            low += 1
                        if len(weights) > 0:
                            weights[w] = _letter_bytes(data, opened, low)
                        opened = low
                        w += 1
                signed[0, 0] = np.uint64(np.int64(np.int32(hashes[j])))
                k = _phrases(signed[0], signed[1], np.int64(1), seen, carried, bucket, model[6], lists[2])
                k = keep(kept, ranks, lists[2], k)
                add_rows(gram_rows, lists[2], k, sums, w)
                counts[w] += k
                seen += 1
                i = j + 1
            edges[0] = edges[2 * found]
            n = n & 1
        if len(weights) > 0:
            weights[w] = _letter_bytes(data, opened, end)
        w += 1
    firsts[last - first] = w
    return w
