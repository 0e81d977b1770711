"""Counts the different stop words of each language that a document has, all languages at once.

How a word of a list is found
- A list's word that is one token is found as that token, in the case of the list.
- A word of several tokens (in scripts without spaces each letter is a token) is found where its tokens follow each
  other: there a word counts wherever its letters stand.
- Korean: particles and endings are written onto the word before, so a word of Hangul has those stop words of up to
  two syllables that it ends with.
- A word like "l'" counts when a word begins with that letter and an apostrophe (' or ’).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import hash_bytes, mix, text_hashes
from refinery.text.segment import DIFFERENT, PHRASE, TOKENS, tokens

SUFFIXES = "ko"  # the language whose stop words are endings
_SUFFIX = np.uint64(0x5851F42D4C957F2D)
_ELISION = np.uint64(0x14057B7EF767814F)


class StopWords(NamedTuple):
    """The lists as arrays, read-only.

    slots: int32 hash table (a power of two long), entry number + 1 or 0; keys: uint64 by entry; masks: int64 by
    entry, bit l if language l has the word. An entry may also begin phrases first[e] to first[e + 1]; the tokens
    after the first of phrase f are rest[offsets[f]:offsets[f + 1]], its languages phrase_masks[f].
    """

    slots: NDArray[np.int32]
    keys: NDArray[np.uint64]
    masks: NDArray[np.int64]
    first: NDArray[np.int64]
    offsets: NDArray[np.int64]
    rest: NDArray[np.uint64]
    phrase_masks: NDArray[np.int64]


def _hash(words: Sequence[str]) -> NDArray[np.uint64]:
    return text_hashes(TextBatch.from_texts(words))


@njit(cache=True, nogil=True)
def _elision_key(letter):  # type: ignore[no-untyped-def]
    return mix(np.uint64(letter) ^ _ELISION)


@njit(cache=True, nogil=True)
def _fill(slots, keys):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(slots) - 1)
    for i in range(len(keys)):
        slot = keys[i] & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = i + 1


@njit(cache=True, nogil=True)
def _entry(key, slots, keys):  # type: ignore[no-untyped-def]
    """Entry of a key, or -1."""
    mask = np.uint64(len(slots) - 1)
    slot = key & mask
    while True:
        entry = np.int64(slots[slot]) - 1
        if entry < 0 or keys[entry] == key:
            return entry
        slot = (slot + np.uint64(1)) & mask


def compile_lists(lists: Mapping[str, Sequence[str]]) -> StopWords:
    """Stop words by language (its place in the mapping is its bit; at most 62) as arrays for `stop_words`."""
    masks: dict[int, int] = {}
    phrases: dict[int, dict[tuple[int, ...], int]] = {}
    for bit, (language, words) in enumerate(lists.items()):
        for word in words:
            parts = [int(h) for h in _hash(tokens(word))]
            if not parts:  # U+200B, which FineWeb-2 lists for Lao, is in no token
                continue
            if language == SUFFIXES:
                key = int(_hash([word])[0]) ^ int(_SUFFIX)
            elif len(word) == 2 and word[1] == "'":
                key = int(_elision_key(ord(word[0])))
            elif len(parts) > 1:
                found = phrases.setdefault(parts[0], {})
                found[tuple(parts[1:])] = found.get(tuple(parts[1:]), 0) | 1 << bit
                masks.setdefault(parts[0], 0)
                continue
            else:
                key = parts[0]
            masks[key] = masks.get(key, 0) | 1 << bit
    by_entry = [phrases.get(key, {}) for key in masks]
    rests = [rest for found in by_entry for rest in found]
    slots = np.zeros(1 << (4 * len(masks)).bit_length(), np.int32)
    _fill(slots, np.array(list(masks), np.uint64))
    made = StopWords(
        slots,
        np.array(list(masks), np.uint64),
        np.array(list(masks.values()), np.int64),
        np.cumsum([0, *map(len, by_entry)]).astype(np.int64),
        np.cumsum([0, *map(len, rests)]).astype(np.int64),
        np.array([part for rest in rests for part in rest], np.uint64),
        np.array([mask for found in by_entry for mask in found.values()], np.int64),
    )
    for array in made:
        array.flags.writeable = False
    return made


@njit(cache=True, nogil=True)
def _add(mask, counts):  # type: ignore[no-untyped-def]
    """Counts a word for each of its languages."""
    language = 0
    while mask:
        counts[language] += mask & 1
        mask >>= 1
        language += 1


@njit(cache=True, nogil=True)
def _meet(entry, masks, met, document, counts):  # type: ignore[no-untyped-def]
    """Counts an entry (none if it is -1) once a document."""
    if entry >= 0 and met[entry] != document:
        met[entry] = document
        _add(masks[entry], counts)


@njit(cache=True, nogil=True)
def _follow(ids, kinds, hashes, number, stop, document, met_phrases, counts):  # type: ignore[no-untyped-def]
    """Finds the words of several tokens."""
    first, offsets, rest = stop.first, stop.offsets, stop.rest
    for i in range(number):
        if not kinds[ids[i]] & PHRASE:
            continue
        entry = _entry(hashes[ids[i]], stop.slots, stop.keys)
        for f in range(first[entry], first[entry + 1]):
            length = offsets[f + 1] - offsets[f]
            if met_phrases[f] == document or i + length >= number:
                continue
            same = True
            for j in range(length):
                if hashes[ids[i + 1 + j]] != rest[offsets[f] + j]:
                    same = False
                    break
            if same:
                met_phrases[f] = document
                _add(stop.phrase_masks[f], counts)


@njit(cache=True, nogil=True)
def stop_words(data, different_tokens, facts, stop, document, met, met_phrases, counts):  # type: ignore[no-untyped-def]
    """Fills counts (int64, by language) with the different stop words of the document whose tokens are given.

    met and met_phrases: int64 by entry and phrase, not holding `document` yet.
    """
    counts[:] = 0
    slots, keys, masks, first = stop.slots, stop.keys, stop.masks, stop.first
    hashes, starts, sizes = different_tokens.hash, different_tokens.start, different_tokens.size
    kinds = different_tokens.kind
    phrase = False
    for i in range(facts[DIFFERENT]):
        entry = _entry(hashes[i], slots, keys)
        if entry >= 0:
            _meet(entry, masks, met, document, counts)
            if first[entry + 1] > first[entry]:
                kinds[i] |= PHRASE
                phrase = True
        size = np.int64(sizes[i])
        if size < 3:
            continue
        start = starts[i]
        end = start + size
        if (
            data[end - 3] >= 0xEA and data[end - 3] <= 0xED
        ):  # a Hangul syllable, or something that no list has
            key = hash_bytes(data, end - 3, end) ^ _SUFFIX
            _meet(_entry(key, slots, keys), masks, met, document, counts)
            if size >= 6:
                key = hash_bytes(data, end - 6, end) ^ _SUFFIX
                _meet(_entry(key, slots, keys), masks, met, document, counts)
        second = data[start + 1]
        curly = second == 0xE2 and size >= 5 and data[start + 2] == 0x80 and data[start + 3] == 0x99
        if second == 39 or curly:
            _meet(_entry(_elision_key(data[start]), slots, keys), masks, met, document, counts)
    if phrase:
        _follow(different_tokens.ids, kinds, hashes, facts[TOKENS], stop, document, met_phrases, counts)
