"""Kernels that look up the n-grams of documents in those of short texts, `items`, and measure what they cover.

An n-gram is a shingle of refinery.text.shingles: `words` words or `chars` characters of a script without spaces,
from every token on. Hashes propose and bytes of key texts settle: an n-gram is only found where all its words are.

The n-grams of items (kernels read dedup.items.Items as `items`) lie sorted by hash, each with the byte of the
items' key texts at which it starts and its size; equal ones are one gram, which is named by the place of the first of
them. Look-up is one bit of a filter for most n-grams of a document (BITS_A_GRAM bits a gram: 1 in 16 passes), and for
the others a few hashes beside the place where that hash would lie if they were spread evenly, as they nearly are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text import fold
from refinery.text.tables import decode, lookup

BITS_A_GRAM = 16
COMMON = -1  # the gram of an n-gram that says nothing, since too many items have it


@njit(cache=True, nogil=True)
def write_tokens(data, offsets, stage1, stage2, starts, ends, are_chars, bounds):  # type: ignore[no-untyped-def]
    """Where the tokens of key texts are: those of text i are bounds[i]:bounds[i + 1].

    starts, ends: int64, of bytes; are_chars: bool, whether it is a character and no word; room for a token a byte.
    """
    count = 0
    for document in range(offsets.shape[0] - 1):
        position, end = offsets[document], offsets[document + 1]
        begun = is_char = False
        while position < end:
            if data[position] == 32:
                if begun:
                    ends[count - 1] = position
                begun = False
                position += 1
                continue
            kind, length = np.int64(fold.WORD), np.int64(1)
            if data[position] >= 128:
                code, length = decode(data, position)
                kind = np.int64(lookup(code, stage1, stage2) & fold.CLASS)
            opens = kind == fold.CHAR or (is_char and kind != fold.MARK)
            if opens or not begun:
                if begun:
                    ends[count - 1] = position
                begun, is_char = True, kind == fold.CHAR
                starts[count] = position
                are_chars[count] = is_char
                count += 1
            position += length
        if begun:
            ends[count - 1] = end
        bounds[document + 1] = count


@njit(cache=True, nogil=True)
def name_grams(hashes, starts, sizes, data, items, most, grams):  # type: ignore[no-untyped-def]
    """Names each n-gram of items: the place of the first that is equal, or COMMON if more than `most` items have it.

    hashes: uint64, ascending, and equal ones by start; starts: int64; sizes: int32; data: uint8, the items' key
    texts; items: int64, of which item each is; grams: int64, written.
    """
    counts = np.zeros(hashes.shape[0], np.int32)
    last = np.full(hashes.shape[0], -1, np.int32)
    for index in range(hashes.shape[0]):
        first, other = index, index - 1
        while other >= 0 and hashes[other] == hashes[index]:
            gram = grams[other]
            if sizes[gram] == sizes[index] and same(data, starts[gram], data, starts[index], sizes[gram]):
                first = gram
                break
            other -= 1
        grams[index] = first
        if last[first] != items[index]:
            counts[first] += 1
            last[first] = items[index]
    for index in range(hashes.shape[0]):
        if counts[grams[index]] > most:
            grams[index] = COMMON


@njit(cache=True, nogil=True)
def same(data, start, other, start_of_other, size):  # type: ignore[no-untyped-def]
    """Whether so many bytes are equal."""
    for offset in range(size):
        if data[start + offset] != other[start_of_other + offset]:
            return False
    return True


@njit(cache=True, nogil=True)
def write_filter(hashes, bits):  # type: ignore[no-untyped-def]
    """Sets the bit of each hash; bits: uint8, a power of two of bytes."""
    shift = filter_shift(bits)
    for index in range(hashes.shape[0]):
        place = hashes[index] >> shift
        bits[np.int64(place >> np.uint64(3))] |= np.uint8(1 << np.int64(place & np.uint64(7)))


@njit(cache=True, nogil=True)
def filter_shift(bits):  # type: ignore[no-untyped-def]
    """By which a hash becomes the number of its bit: the filter is read in the order of hashes."""
    shift, size = np.uint64(61), np.int64(1)
    while size < bits.shape[0]:
        size *= 2
        shift -= np.uint64(1)
    return shift


@njit(cache=True, nogil=True)
def look_up(wanted, hashes, bits, found, places):  # type: ignore[no-untyped-def]
    """Writes which of the wanted hashes are among `hashes`, ascending, and the place of the first equal one.

    found, places: int64, of the size of `wanted`. Gives their number.
    """
    count, size = 0, hashes.shape[0]
    shift = filter_shift(bits)
    for index in range(wanted.shape[0]):
        hash_ = wanted[index]
        place = hash_ >> shift
        if not (bits[np.int64(place >> np.uint64(3))] >> np.int64(place & np.uint64(7))) & 1:
            continue
        at = np.int64((hash_ >> np.uint64(32)) * np.uint64(size) >> np.uint64(32))
        while at > 0 and hashes[at - 1] >= hash_:
            at -= 1
        while at < size and hashes[at] < hash_:
            at += 1
        if at < size and hashes[at] == hash_:
            found[count] = index
            places[count] = at
            count += 1
    return count


@njit(cache=True, nogil=True)
def verify(keys, token_starts, token_ends, tokens, stops, places, items, matched):  # type: ignore[no-untyped-def]
    """Writes for each candidate the longest gram of which all bytes are those of the document, else COMMON.

    keys: uint8, the documents' key texts, with tokens at token_starts:token_ends, of bytes; tokens: int64, at which
    each candidate starts, stops: int64, at which its document ends; places: int64, of its hash among those of
    n-grams; matched: int64, written.
    """
    hashes = items.hashes
    for index in range(tokens.shape[0]):
        matched[index], longest = COMMON, np.int64(0)
        token, place = tokens[index], places[index]
        position, end = token_starts[token], token_ends[stops[index] - 1]
        while place < hashes.shape[0] and hashes[place] == hashes[places[index]]:
            size = np.int64(items.sizes[place])
            if (
                items.grams[place] == place
                and longest < size <= end - position
                and same(items.data, items.starts[place], keys, position, size)
            ):
                last = token + np.searchsorted(token_ends[token : stops[index]], position + size)
                if token_ends[last] == position + size:
                    matched[index], longest = place, size
            place += 1


@njit(cache=True, nogil=True)
def cover(bounds, grams, common, items, least):  # type: ignore[no-untyped-def]
    """The items of which documents have a share of `least` or more: document and item (int64), share (float64).

    A document has grams[bounds[i]:bounds[i + 1]], ascending. Of an item count the bytes of its key text that n-grams
    cover which are neither COMMON nor in `common` (ascending): those that the document has over all such.
    """
    documents, found = np.empty(64, np.int64), np.empty(64, np.int64)
    shares, count = np.empty(64, np.float64), 0
    for document in range(bounds.shape[0] - 1):
        begin = np.sort(starts_and_sizes(grams[bounds[document] : bounds[document + 1]], items))
        at = 0
        while at < begin.shape[0]:
            item = np.searchsorted(items.offsets, begin[at] >> SIZE_BITS, "right") - 1
            covered = end = np.int64(0)
            while at < begin.shape[0] and begin[at] >> SIZE_BITS < items.offsets[item + 1]:
                start, size = begin[at] >> SIZE_BITS, begin[at] & SIZE_MASK
                covered += max(start + size - max(start, end), 0)
                end = max(end, start + size)
                at += 1
            share = covered / uncommon_bytes(item, common, items)
            if share < least:
                continue
            if count == documents.shape[0]:
                documents, found = np.append(documents, documents), np.append(found, found)
                shares = np.append(shares, shares)
            documents[count], found[count], shares[count] = document, item, share
            count += 1
    return documents[:count], found[:count], shares[:count]


SIZE_BITS = 24  # of a number that has a start and a size, 16 MiB: a text of that size is no item
SIZE_MASK = (1 << SIZE_BITS) - 1


@njit(cache=True, nogil=True)
def starts_and_sizes(grams, items):  # type: ignore[no-untyped-def]
    """Of all n-grams of items that are one of the grams: where they start, and the size below."""
    count = 0
    for turn in range(2):
        found = np.empty(count, np.int64)
        count = 0
        for gram in grams:
            place = gram
            while place < items.hashes.shape[0] and items.hashes[place] == items.hashes[gram]:
                if items.grams[place] == gram:
                    if turn:
                        found[count] = items.starts[place] << SIZE_BITS | items.sizes[place]
                    count += 1
                place += 1
    return found


@njit(cache=True, nogil=True)
def uncommon_bytes(item, common, items):  # type: ignore[no-untyped-def]
    """The bytes of an item's key text that are covered by n-grams which are neither COMMON nor in `common`."""
    covered = end = np.int64(0)
    for index in range(items.firsts[item], items.firsts[item + 1]):
        place = items.places[index]
        gram = items.grams[place]
        if gram == COMMON or holds(common, gram):
            continue
        start, stop = items.starts[place], items.starts[place] + items.sizes[place]
        covered += max(stop - max(start, end), 0)
        end = max(end, stop)
    return covered


@njit(cache=True, nogil=True)
def holds(ascending, value):  # type: ignore[no-untyped-def]
    """Whether the value is there."""
    at = np.searchsorted(ascending, value)
    return at < ascending.shape[0] and ascending[at] == value


@njit(cache=True, nogil=True)
def write_uncommon_bytes(common, items, covered):  # type: ignore[no-untyped-def]
    """Writes `uncommon_bytes` of each item, int64."""
    for item in range(covered.shape[0]):
        covered[item] = uncommon_bytes(item, common, items)


@njit(cache=True, nogil=True)
def belong(grams, owners, items):  # type: ignore[no-untyped-def]
    """bool: which grams[i] are n-grams of the item owners[i]."""
    found = np.zeros(grams.shape[0], np.bool_)
    for index in range(grams.shape[0]):
        gram, first = grams[index], items.offsets[owners[index]]
        place = gram
        while place < items.hashes.shape[0] and items.hashes[place] == items.hashes[gram]:
            if items.grams[place] == gram and first <= items.starts[place] < items.offsets[owners[index] + 1]:
                found[index] = True
                break
            place += 1
    return found
