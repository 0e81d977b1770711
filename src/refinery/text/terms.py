"""Terms of a lexicon in key texts: how many stand in each document, and how much of it they are.

Terms and texts are compared as key texts (refinery.text.fold), cut into units: words, and characters of scripts that
are written without spaces. A term is a run of units, so "art" is not in "heart" while 医院 is in 北京医院. Of the
terms that begin at a unit the longest is taken, and the search goes on behind it: leftmost-longest, as Aho-Corasick
automata offer. The automaton is the trie of the terms over units, whose edges are a hash table: it is small, and a
pair of units with which no term begins, most of a text, costs two looks at a filter of bits. It has no failure links,
so a text is walked from each unit anew, at worst as far as the longest term (LONGEST) is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.borrow import borrow
from refinery.text.hashing import K1, eight, hash_bytes, hash_short, mix
from refinery.text.tables import decode, lookup

LONGEST = 64  # units of a term
_FEWEST_BITS, _MOST_BITS = 10, 21  # of the filter: 128 bytes to 256 KiB, which stay in a processor's cache


class Automaton(NamedTuple):
    """A trie over units, read-only; state 0 is its root.

    edges: uint64 (slots, 2), a hash table: a hash of a state and a unit, and the state that they lead to, 0 if the
    slot is free; ends: int32 (states,), the number of the term that ends there, or -1; first: uint8 (bits / 8,), bits
    of hashes of the first two units of terms, or of the only one.
    """

    edges: NDArray[np.uint64]
    ends: NDArray[np.int32]
    first: NDArray[np.uint8]


class Found(NamedTuple):
    """By document, int64: `terms` that stand in it, different ones, their characters, and characters of the key text.

    Characters are code points other than spaces.
    """

    terms: NDArray[np.int64]
    distinct: NDArray[np.int64]
    matched: NDArray[np.int64]
    characters: NDArray[np.int64]


def unit_counts(keys: TextBatch, folding: fold.Tables) -> NDArray[np.int64]:
    """How many units each key text has, int64 (texts,)."""
    counts = np.empty(len(keys), np.int64)
    _count_units(keys.data, keys.offsets, folding.stage1, folding.stage2, *_room(keys), counts)
    return counts


def build_automaton(terms: TextBatch, folding: fold.Tables) -> Automaton:
    """The automaton of terms that are key texts by these tables; of equal ones the first has its number."""
    states = int(unit_counts(terms, folding).sum()) + 1
    edges = np.zeros((1 << (2 * states).bit_length(), 2), np.uint64)
    ends = np.full(states, -1, np.int32)
    bits = min(max((16 * len(terms)).bit_length(), _FEWEST_BITS), _MOST_BITS)
    first = np.zeros(1 << bits - 3, np.uint8)
    used = _build(
        terms.data, terms.offsets, folding.stage1, folding.stage2, *_room(terms), edges, ends, first
    )
    found = Automaton(edges, ends[:used].copy(), first)
    for array in found:
        array.flags.writeable = False
    return found


def find_terms(keys: TextBatch, terms: int, automaton: Automaton, folding: fold.Tables) -> Found:
    """What stands in documents that are key texts by the tables of the automaton's terms, which are so many."""
    found = Found(*np.zeros((4, len(keys)), np.int64))
    last_seen = np.full(terms, -1, np.int64)
    _find(keys.data, keys.offsets, folding.stage1, folding.stage2, *_room(keys), automaton, last_seen, found)
    return found


def _room(keys: TextBatch) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Room for the hashes of units of the longest text and for their characters."""
    most = int(np.diff(keys.offsets).max(initial=0)) // 2 + 1
    return np.empty(most, np.uint64), np.empty(most, np.int32)


@njit(cache=True, nogil=True)
def _cut(data, start, end, stage1, stage2, hashes, sizes):  # type: ignore[no-untyped-def]
    """Fills in hashes and characters of the units of data[start:end], behind which there is fold.PADDING.

    Returns how many there are.
    """
    count, position = np.int64(0), start
    while position < end:
        if data[position] == 32:
            position += 1
            continue
        begin, size = position, np.int32(0)
        alone = False
        while position < end:
            byte = data[position]
            if byte < 128:
                if byte == 32 or alone:
                    break
                position += 1
            elif alone and 0xE4 <= byte <= 0xE9:  # no marks: the common case, cut short
                break
            else:
                code, width = decode(data, position)
                kind = lookup(code, stage1, stage2) & fold.CLASS
                if size and (kind == fold.CHAR or (alone and kind != fold.MARK)):
                    break
                alone = alone or kind == fold.CHAR
                position += width
            size += np.int32(1)
        length = position - begin
        hashes[count] = (
            hash_short(eight(data, begin), length) if length <= 8 else hash_bytes(data, begin, position)
        )
        sizes[count] = size
        count += 1
    return count


@njit(cache=True, nogil=True)
def _count_units(data, offsets, stage1, stage2, hashes, sizes, counts):  # type: ignore[no-untyped-def]
    for text in range(len(counts)):
        counts[text] = _cut(data, offsets[text], offsets[text + 1], stage1, stage2, hashes, sizes)


@njit(cache=True, nogil=True)
def _key(state, unit):  # type: ignore[no-untyped-def]
    return unit if state == 0 else mix(unit ^ np.uint64(state) * K1)


@njit(cache=True, nogil=True)
def _slot(edges, key):  # type: ignore[no-untyped-def]
    """Where a key is in the table, or would be."""
    last = np.uint64(len(edges) - 1)
    slot = key & last
    while edges[slot, 1] != 0 and edges[slot, 0] != key:
        slot = (slot + np.uint64(1)) & last
    return slot


@njit(cache=True, nogil=True)
def _pair(one, next_):  # type: ignore[no-untyped-def]
    return one * K1 + next_


@njit(cache=True, nogil=True)
def _bit(unit, first):  # type: ignore[no-untyped-def]
    """The bit of the filter for a hash."""
    return unit >> np.uint64(32) & np.uint64(8 * len(first) - 1)


@njit(cache=True, nogil=True)
def _has(first, unit):  # type: ignore[no-untyped-def]
    bit = _bit(unit, first)
    return first[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7)) & 1


@njit(cache=True, nogil=True)
def _build(data, offsets, stage1, stage2, hashes, sizes, edges, ends, first):  # type: ignore[no-untyped-def]
    """Returns the number of states."""
    states = np.int64(1)
    for term in range(len(offsets) - 1):
        count = _cut(data, offsets[term], offsets[term + 1], stage1, stage2, hashes, sizes)
        if count == 0:
            continue
        bit = _bit(hashes[0] if count == 1 else _pair(hashes[0], hashes[1]), first)
        first[bit >> np.uint64(3)] |= np.uint8(1) << np.uint8(bit & np.uint64(7))
        state = np.int64(0)
        for i in range(count):
            key = _key(state, hashes[i])
            slot = _slot(edges, key)
            if edges[slot, 1] == 0:
                edges[slot, 0], edges[slot, 1] = key, states
                states += 1
            state = np.int64(edges[slot, 1])
        if ends[state] < 0:
            ends[state] = term
    return states


@njit(cache=True, nogil=True)
def _find(data, offsets, stage1, stage2, hashes, sizes, automaton, last_seen, found):  # type: ignore[no-untyped-def]
    """last_seen: by term the document that had it last, int64."""
    data, stage1, stage2, hashes, sizes = (
        borrow(data), borrow(stage1), borrow(stage2), borrow(hashes), borrow(sizes),
    )  # fmt: skip
    edges, ends, first = borrow(automaton.edges), borrow(automaton.ends), borrow(automaton.first)
    for document in range(len(offsets) - 1):
        units = _cut(data, offsets[document], offsets[document + 1], stage1, stage2, hashes, sizes)
        characters = matched = count = distinct = np.int64(0)
        for i in range(units):
            characters += sizes[i]
        unit = np.int64(0)
        while unit < units:
            if not _has(first, hashes[unit]) and (
                unit + 1 == units or not _has(first, _pair(hashes[unit], hashes[unit + 1]))
            ):
                unit += 1
                continue
            state, term, behind, at = np.int64(0), np.int64(-1), unit + 1, unit
            while at < units:
                state = np.int64(edges[_slot(edges, _key(state, hashes[at])), 1])
                if state == 0:
                    break
                at += 1
                if ends[state] >= 0:
                    term, behind = np.int64(ends[state]), at
            if term >= 0:
                count += 1
                distinct += last_seen[term] != document
                last_seen[term] = document
                for i in range(unit, behind):
                    matched += sizes[i]
            unit = behind
        found.terms[document], found.distinct[document] = count, distinct
        found.matched[document], found.characters[document] = matched, characters
