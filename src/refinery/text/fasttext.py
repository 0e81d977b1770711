"""fastText's text side as kernels: bytes to features, features to summed rows.

Features are fastText's own, from src/dictionary.cc of facebookresearch/fastText: tokens between its seven whitespace
bytes, FNV-1a over signed bytes, `</s>` at the end, character n-grams of `<word>`, word n-grams by a rolling hash. A
newline counts as a space, so a document scores as `fasttext.predict(text.replace("\\n", " "))`. A token `</s>` ends the
document and a token that starts with `__label__` is no feature, as in fastText.

What differs is only speed: a vocabulary word's n-gram rows are summed once (`word_rows`), a bitmap with running counts
replaces the pruned index, and a document is cut in windows whose sums add up to the document's, so that windows and
document come from one walk.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

FNV = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_EOS_HASH = np.uint32(3617362777)  # of "</s>"
_NGRAM_FACTOR = np.uint64(116049371)
_LABEL = np.frombuffer(b"__label__", np.uint8)
_TOKENS = 512  # tokens that are split, looked up and summed together
_PIECE = 64  # bytes of a word whose n-grams are made at once: bounds the buffers for any input


class Tables(NamedTuple):
    """A model as arrays; all read-only, so that each kernel is compiled once.

    slots: uint64 hash table, size a power of two, an entry is (hash << 32 | id + 1) and 0 is empty; ids at or above
    the number of words are labels. entries/entry_offsets: the bytes of all words, then labels.
    kept/ranks: bitmap over the buckets of a pruned model and the set bits before each word of it (else empty).
    word_rows, gram_rows: float32 (rows, width), width 1 or a multiple of 16; word_counts: int32, features that
    `word_rows` already sums up. shape: int64 [bucket, minn, maxn, word_ngrams, id of </s> or -1, reciprocal and shift to divide by bucket].
    """

    slots: NDArray[np.uint64]
    entries: NDArray[np.uint8]
    entry_offsets: NDArray[np.int64]
    kept: NDArray[np.uint64]
    ranks: NDArray[np.int32]
    word_rows: NDArray[np.float32]
    word_counts: NDArray[np.int32]
    gram_rows: NDArray[np.float32]
    shape: NDArray[np.int64]


@njit(cache=True, nogil=True, inline="always")
def _step(h, byte):  # type: ignore[no-untyped-def]
    """One FNV-1a step over a signed byte; numba would widen the product to 64 bits."""
    signed = np.uint32((np.uint32(byte) ^ np.uint32(0x80)) - np.uint32(0x80))
    return np.uint32(np.uint32(h ^ signed) * _PRIME)


@njit(cache=True, nogil=True)
def _find(data, start, end, h, slots, entries, entry_offsets):  # type: ignore[no-untyped-def]
    """Id of the entry with these bytes, or -1."""
    mask = np.uint64(len(slots) - 1)
    slot = np.uint64(h) & mask
    while True:
        entry = slots[slot]
        if entry == 0:
            return np.int64(-1)
        if np.uint32(entry >> np.uint64(32)) == h:
            found = np.int64(entry & np.uint64(0xFFFFFFFF)) - 1
            first = entry_offsets[found]
            size = entry_offsets[found + 1] - first
            if size == end - start:
                same = True
                for i in range(size):
                    if entries[first + i] != data[start + i]:
                        same = False
                        break
                if same:
                    return found
        slot = (slot + np.uint64(1)) & mask


@njit(cache=True, nogil=True)
def fill_slots(slots, hashes):  # type: ignore[no-untyped-def]
    """Fills an empty hash table (uint64, a power of two long) with ids 0, 1, ... by their hashes."""
    mask = np.uint64(len(slots) - 1)
    for i in range(len(hashes)):
        slot = np.uint64(hashes[i]) & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = (np.uint64(hashes[i]) << np.uint64(32)) | np.uint64(i + 1)


@njit(cache=True, nogil=True)
def hash_entries(entries, offsets, hashes):  # type: ignore[no-untyped-def]
    """fastText's hash of each entry."""
    for i in range(len(offsets) - 1):
        h = FNV
        for p in range(offsets[i], offsets[i + 1]):
            h = _step(h, entries[p])
        hashes[i] = h


@njit(cache=True, nogil=True)
def _rank(bits, below, bucket):  # type: ignore[no-untyped-def]
    """Row of a kept bucket: the kept buckets before it."""
    word = bits & ((np.uint64(1) << np.uint64(bucket & 63)) - np.uint64(1))
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64(below) + np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def _subwords(data, start, end, low, high, shape, kept, ranks, signed, marks, grams, n):  # type: ignore[no-untyped-def]
    """Appends the n-grams of `<word>` whose first byte lies in [low, high); `low` may be start - 1, the "<".

    high - low <= _PIECE + 1. `signed` and `marks` are room for the bytes and for where characters start. Returns the
    new number of features in `grams`.
    """
    bucket, minn, maxn = np.uint64(shape[0]), shape[1], shape[2]
    inverse, shift = np.uint64(shape[5]), np.uint64(shape[6])
    stop = min(end, high + 4 * maxn)
    size, chars, heads = 0, 0, 0
    if low < start:
        signed[0] = 60  # "<"
        marks[0] = 0
        size = chars = heads = 1
    for p in range(max(low, start), stop):
        byte = data[p]
        signed[size] = np.uint32((np.uint32(byte) ^ np.uint32(0x80)) - np.uint32(0x80))
        marks[chars] = size
        starts = (byte & 0xC0) != 0x80
        chars += starts
        heads += starts & (p < high)
        size += 1
    if stop == end:
        signed[size] = 62  # ">"
        marks[chars] = size
        chars += 1
        size += 1
    marks[chars] = size
    first = n
    for i in range(heads):
        h = FNV
        p = marks[i]
        for length in range(1, min(maxn, chars - i) + 1):
            q = marks[i + length]
            while p < q:
                h = np.uint32(np.uint32(h ^ signed[p]) * _PRIME)
                p += 1
            if length < minn:
                continue
            if length == 1 and ((i == 0 and low < start) or (stop == end and q == size)):
                continue
            # h % bucket without a division: the quotient from a 32-bit reciprocal is one too small at most.
            b = np.uint64(h) - ((np.uint64(h) * inverse) >> shift) * bucket
            grams[n] = min(b, b - bucket)
            n += 1
    if len(kept) > 0:
        n = _keep(kept, ranks, grams, first, n)
    return n


@njit(cache=True, nogil=True)
def _keep(kept, ranks, grams, first, n):  # type: ignore[no-untyped-def]
    """Turns buckets into rows of a pruned model and drops those without one; branches would be guesses here."""
    m = first
    for i in range(first, n):
        b = grams[i]
        grams[m] = b
        m += np.int64((kept[b >> 6] >> np.uint64(b & 63)) & np.uint64(1))
    for i in range(first, m):
        b = grams[i]
        grams[i] = _rank(kept[b >> 6], ranks[b >> 6], b)
    return m


@njit(cache=True, nogil=True)
def _add_rows(rows, ids, n, total):  # type: ignore[no-untyped-def]
    """Adds rows[ids[:n]] to `total`, four at a time so that their loads overlap."""
    width = len(total)
    i = 0
    if width == 1:
        a = b = c = d = 0.0
        while i + 4 <= n:
            a += rows[ids[i], 0]
            b += rows[ids[i + 1], 0]
            c += rows[ids[i + 2], 0]
            d += rows[ids[i + 3], 0]
            i += 4
        while i < n:
            a += rows[ids[i], 0]
            i += 1
        total[0] += np.float32((a + b) + (c + d))
        return
    while i + 4 <= n:
        r, s, u, v = ids[i], ids[i + 1], ids[i + 2], ids[i + 3]
        for block in range(0, width, 16):
            for k in range(block, block + 16):
                total[k] += (rows[r, k] + rows[s, k]) + (rows[u, k] + rows[v, k])
        i += 4
    while i < n:
        r = ids[i]
        for block in range(0, width, 16):
            for k in range(block, block + 16):
                total[k] += rows[r, k]
        i += 1


@njit(cache=True, nogil=True)
def sum_words(entries, offsets, t, own_rows, word_rows, word_counts):  # type: ignore[no-untyped-def]
    """Fills word_rows and word_counts: each word's own row plus its character n-grams' (not for `</s>`)."""
    grams = np.empty((_PIECE + 2) * 32, np.int32)
    signed, marks = np.empty(_PIECE + 160, np.uint32), np.empty(_PIECE + 160, np.int64)
    for word in range(len(word_rows)):
        start, end = offsets[word], offsets[word + 1]
        word_rows[word] = own_rows[word]
        count = 1
        if t.shape[2] > 0 and word != t.shape[4]:
            low = start - 1
            while low < end:
                high = min(low + _PIECE, end)
                n = _subwords(
                    entries, start, end, low, high, t.shape, t.kept, t.ranks, signed, marks, grams, 0
                )
                _add_rows(t.gram_rows, grams, n, word_rows[word])
                count += n
                low = high
        word_counts[word] = count


@njit(cache=True, nogil=True)
def project(rows, directions, out):  # type: ignore[no-untyped-def]
    """out = rows @ directions in double precision; a BLAS would round differently from machine to machine."""
    width = directions.shape[1]
    if width == 1:
        for i in range(len(rows)):
            x = 0.0
            for d in range(rows.shape[1]):
                x += np.float64(rows[i, d]) * directions[d, 0]
            out[i, 0] = np.float32(x)
        return
    total = np.empty(width, np.float64)
    for i in range(len(rows)):
        total[:] = 0.0
        for d in range(rows.shape[1]):
            x = np.float64(rows[i, d])
            for k in range(width):
                total[k] += x * directions[d, k]
        for k in range(width):
            out[i, k] = np.float32(total[k])


@njit(cache=True, nogil=True)
def _split(data, position, end, starts, ends, hashes):  # type: ignore[no-untyped-def]
    """Finds the next tokens, at most _TOKENS of them; returns their number and where to go on."""
    n = 0
    while n < _TOKENS:
        while position < end and data[position] <= 32:
            c = data[position]
            if c == 32 or c == 0 or (c >= 9 and c <= 13):
                position += 1
            else:
                break
        if position >= end:
            break
        starts[n] = position
        h = FNV
        while position < end:
            c = data[position]
            if c <= 32 and (c == 32 or c == 0 or (c >= 9 and c <= 13)):
                break
            h = _step(h, c)
            position += 1
        ends[n] = position
        hashes[n] = h
        n += 1
    return n, position


@njit(cache=True, nogil=True)
def _is_label(data, start, end):  # type: ignore[no-untyped-def]
    if end - start < len(_LABEL) or data[start] != _LABEL[0]:
        return False
    for i in range(len(_LABEL)):
        if data[start + i] != _LABEL[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _word_grams(h, shape, kept, ranks, rolling, words, grams, n):  # type: ignore[no-untyped-def]
    """Appends the word n-grams that end in the word with hash `h`; `rolling` holds the open ones."""
    order = shape[3] - 1
    if order < 1:
        return n
    signed = np.uint64(np.int64(np.int32(h)))
    bucket, first = np.uint64(shape[0]), n
    for k in range(max(0, words - order), words):
        slot = k % order
        rolling[slot] = rolling[slot] * _NGRAM_FACTOR + signed
        grams[n] = np.int64(rolling[slot] % bucket)
        n += 1
    rolling[words % order] = signed
    if len(kept) > 0:
        n = _keep(kept, ranks, grams, first, n)
    return n


@njit(cache=True, nogil=True)
def _letter_bytes(data, start, end):  # type: ignore[no-untyped-def]
    """Bytes that are ASCII letters or not ASCII: what a window weighs, so that tables of numbers weigh little."""
    count = 0
    for p in range(start, end):
        c = data[p]
        folded = c | 32
        count += (c >= 128) | ((folded >= 97) & (folded <= 122))
    return count


class Memo(NamedTuple):
    """Unknown words of one batch with their summed rows, writable; made by `scorer`, one for each batch.

    slots: int32 hash table (row + 1, 0 is empty), zeroed by the caller; keys: int64 (words, 3), hash, start and size
    in the batch; rows: float32 (words + 1, width), the last one for a word that found no room; counts: int32
    (words + 1); used: int64 [rows in use].
    """

    slots: NDArray[np.int32]
    keys: NDArray[np.int64]
    rows: NDArray[np.float32]
    counts: NDArray[np.int32]
    used: NDArray[np.int64]


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _flush(word_rows, word_counts, words, m, gram_rows, grams, n, total):  # type: ignore[no-untyped-def]
    """Adds the buffered words and word n-grams to a window's sum; returns how many features that was."""
    _add_rows(word_rows, words, m, total)
    _add_rows(gram_rows, grams, n, total)
    for i in range(m):
        n += word_counts[words[i]]
    return n


@njit(cache=True, nogil=True)
def embed(data, offsets, first, last, t, memo, window, firsts, sums, counts, weights):  # type: ignore[no-untyped-def]
    """Sums the feature rows of documents first to last - 1, window by window; returns the number of windows.

    window: bytes after which the next one starts, at a token's or (inside a long unbroken run) a character's start;
    a rest shorter than half of it stays with the last. Windows of document i are firsts[i - first] up to
    firsts[i - first + 1]; the last one holds `</s>`. sums: float32 (windows, width), zeroed by the caller; counts:
    int64 features; weights: int64 letter bytes. A document without a token has one window with count 0.
    memo: of this very `data`; what it already holds changes no sum, not even in the last bit.
    """
    slots, vocabulary, vocabulary_offsets, kept, ranks, word_rows, word_counts, gram_rows, shape = t
    memo_slots, memo_keys, memo_rows, memo_counts, used = memo
    starts, ends = np.empty(_TOKENS, np.int64), np.empty(_TOKENS, np.int64)
    hashes, words = np.empty(_TOKENS, np.uint32), np.empty(_TOKENS + 1, np.int32)
    grams, fresh = np.empty((_TOKENS + 1) * 32, np.int32), np.empty((_PIECE + 2) * 32, np.int32)
    signed, marks = np.empty(_PIECE + 160, np.uint32), np.empty(_PIECE + 160, np.int64)
    rolling = np.empty(32, np.uint64)
    labels_from, subwords = len(word_rows), shape[2] > 0
    spare, width = len(memo_rows) - 1, sums.shape[1]
    w = 0
    for document in range(first, last):
        firsts[document - first] = w
        position, end = offsets[document], offsets[document + 1]
        opened, seen = position, 0
        any_token, more = False, True
        while more:
            tokens, position = _split(data, position, end, starts, ends, hashes)
            any_token = any_token or tokens > 0
            more = tokens == _TOKENS
            m = n = 0
            for token in range(tokens):
                start, stop, h = starts[token], ends[token], hashes[token]
                if h == _EOS_HASH and stop - start == 4 and data[start] == 60 and data[start + 1] == 47:
                    more = False
                    break
                if start - opened >= window and 2 * (end - start) >= window:
                    counts[w] += _flush(word_rows, word_counts, words, m, gram_rows, grams, n, sums[w])
                    weights[w] = _letter_bytes(data, opened, start)
                    opened = start
                    m = n = 0
                    w += 1
                found = _find(data, start, stop, h, slots, vocabulary, vocabulary_offsets)
                if found >= labels_from or (found < 0 and _is_label(data, start, stop)):
                    continue
                n = _word_grams(h, shape, kept, ranks, rolling, seen, grams, n)
                seen += 1
                if found >= 0:
                    words[m] = found
                    m += 1
                elif subwords and stop - start <= _PIECE:
                    row = _recall(data, start, stop - start, h, memo_slots, memo_keys)
                    if row < 0:
                        slot, row = -1 - row, used[0]
                        if row < spare:
                            memo_slots[slot] = row + 1
                            memo_keys[row, 0], memo_keys[row, 1], memo_keys[row, 2] = h, start, stop - start
                            used[0] += 1
                        k = _subwords(
                            data, start, stop, start - 1, stop, shape, kept, ranks, signed, marks, fresh, 0
                        )
                        memo_rows[row] = 0.0
                        _add_rows(gram_rows, fresh, k, memo_rows[row])
                        memo_counts[row] = k
                    for d in range(width):
                        sums[w, d] += memo_rows[row, d]
                    counts[w] += memo_counts[row]
                elif subwords:
                    low = start - 1
                    while low < stop:
                        high = min(low + _PIECE, stop)
                        k = _subwords(
                            data, start, stop, low, high, shape, kept, ranks, signed, marks, fresh, 0
                        )
                        _add_rows(gram_rows, fresh, k, sums[w])
                        counts[w] += k
                        low = high
                        if low - opened >= window and 2 * (end - low) >= window:
                            while low < stop and data[low] & 0xC0 == 0x80:  # its n-grams are in already
                                low += 1
                            counts[w] += _flush(
                                word_rows, word_counts, words, m, gram_rows, grams, n, sums[w]
                            )
                            weights[w] = _letter_bytes(data, opened, low)
                            opened = low
                            m = n = 0
                            w += 1
            if any_token and not more:
                if shape[4] >= 0:
                    words[m] = shape[4]
                    m += 1
                n = _word_grams(_EOS_HASH, shape, kept, ranks, rolling, seen, grams, n)
            counts[w] += _flush(word_rows, word_counts, words, m, gram_rows, grams, n, sums[w])
            if used[0] == spare:
                memo_slots[:] = 0
                used[0] = 0
        weights[w] = _letter_bytes(data, opened, end)
        w += 1
    firsts[last - first] = w
    return w
