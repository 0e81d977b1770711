"""The segmenter: one walk over a document's bytes counts its characters and finds its tokens and lines.

Tokens
- A word is a run of letters, marks and digits of scripts that put spaces between words. Within it, as in UAX #29
  (WB6-7, WB11-13b), one character may join two letters (' ’ . : · ...), two digits (' ’ . , ; ...) or either (_):
  "don't", "e.g", "3.14", "snake_case".
- A letter of a script without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) is a token by itself.
- Any other visible character is a symbol; a run of the same one is one token ("...", "####").
- Marks and format characters (vowel signs, accents, U+200D, soft hyphens) belong to the token they follow. A mark
  that follows none begins a word; a format character that follows none is in no token.
- White space, control characters and U+200B stand between tokens.

Words as papers count them stand between white space, whatever is in them ("space words": "well-known," is one).

Characters are counted in the text as read: CRLF, CR, NEL, LS and PS are one newline each, and white space before a
newline, at the start or at the end (blank lines too) is not there. So documents that differ only in these measure the
same.

Sentence ends: a run of sentence terminals, closing quotes and brackets. It counts at once if one of its
terminals is beyond ASCII and no decimal point (。 ؟ ।); otherwise (. ! ?) when white space or the end follows.
Citations as C4 removes them ([12], [edit], [citation needed]) are skipped here.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.batch import TextBatch
from refinery.text.hashing import eight, hash_bytes, hash_short
from refinery.text.scratch import allocate
from refinery.text.tables import (
    BREAK,
    CLOSE,
    CONNECTOR,
    DIGIT,
    FORMAT,
    LETTER,
    MARK,
    MID_LETTER,
    MID_NUMBER,
    NEWLINE,
    SPACE,
    TERMINAL,
    UNSPACED,
    decode,
    decode_before,
    lookup,
    tables,
)

WORD, ALPHA, PHRASE = 1, 2, 4  # kinds of token: is a word; has a letter or mark; may begin a stop phrase
# Facts of a line: code points; first visible code point; words and longest word between white space; sentence ends,
# plus one if letters or digits follow the last; whether blank lines (or nothing) stand before it.
CHARS, FIRST, WORDS, LONGEST, SENTENCES, OPENS = range(6)
TOKENS, DIFFERENT, SEEN, LINES, LENGTH, NEWLINES, ENDS, DOTS, BRACKETED, ALPHA_WORDS, FACTS = range(11)

_EDIT = np.frombuffer(b"[edit]", np.uint8)
_NEEDED = np.frombuffer(b"[citation needed]", np.uint8)
_WORD_BYTES = np.zeros(256, np.uint8)  # LETTER or DIGIT of the ASCII characters that are either
for _byte in range(128):
    _WORD_BYTES[_byte] = LETTER if chr(_byte).isalpha() else DIGIT if chr(_byte).isdigit() else 0
_ATTACHED = MARK | FORMAT
_JOINS = MID_LETTER | MID_NUMBER | CONNECTOR


@njit(cache=True, nogil=True)
def _joins(joiner, last, following):  # type: ignore[no-untyped-def]
    """Whether a joiner stands between two characters of a word, all three given by their flags."""
    if following & UNSPACED:
        return False
    if joiner & MID_LETTER and last & LETTER and following & LETTER:
        return True
    if joiner & MID_NUMBER and last & DIGIT and following & DIGIT:
        return True
    return (joiner & CONNECTOR) != 0 and (following & (LETTER | DIGIT)) != 0


@njit(cache=True, nogil=True)
def _count(code, chars, seen, n):  # type: ignore[no-untyped-def]
    """Counts a code point; returns the new number of those in `seen`."""
    if code >= 128 and chars[code] == 0:
        seen[n] = code
        n += 1
    chars[code] += 1
    return n


@njit(cache=True, nogil=True)
def _count_space(data, p, end, chars, seen, n):  # type: ignore[no-untyped-def]
    """Counts the white space in data[p:end]; returns the new number in `seen` and the code points."""
    points = 0
    while p < end:
        code, width = decode(data, p)
        n = _count(code, chars, seen, n)
        p += width
        points += 1
    return n, points


@njit(cache=True, nogil=True)
def _rehash(slots, hashes, places, size, n):  # type: ignore[no-untyped-def]
    """Moves the n tokens of a hash table to one of `size` slots."""
    for i in range(n):
        slots[places[i]] = 0
    mask = np.uint64(size - 1)
    for i in range(n):
        h = hashes[i]
        slot = h & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = (h >> np.uint64(32)) << np.uint64(32) | np.uint64(i + 1)
        places[i] = np.int32(slot)


@njit(cache=True, nogil=True)
def release(characters, tokens, facts):  # type: ignore[no-untyped-def]
    """Zeroes what the document left in the tables; costs no more than the document did."""
    counts, alone, seen = characters
    slots, places = tokens.slots, tokens.place
    for i in range(facts[DIFFERENT]):
        slots[places[i]] = 0
    for code in range(128):
        counts[code] = 0
        alone[code] = 0
    for i in range(facts[SEEN]):
        counts[seen[i]] = 0
        alone[seen[i]] = 0


@njit(cache=True, nogil=True)
def citation(data, p, end):  # type: ignore[no-untyped-def]
    """End of the citation that starts with the "[" at p: [digits], [edit] or [citation needed]; else 0."""
    for word in (_EDIT, _NEEDED):
        if p + len(word) <= end:
            same = True
            for i in range(len(word)):
                if data[p + i] != word[i]:
                    same = False
                    break
            if same:
                return p + len(word)
    p += 1
    while p < end and data[p] >= 48 and data[p] <= 57:
        p += 1
    if p < end and data[p] == 93:
        return p + 1
    return np.int64(0)


@njit(cache=True, nogil=True)
def _strip(data, start, end, stage1, stage2):  # type: ignore[no-untyped-def]
    """Start and end of data[start:end] without the white space around it."""
    while start < end:
        code, width = decode(data, start)
        if not np.int64(lookup(code, stage1, stage2)) & SPACE:
            break
        start += width
    while end > start:
        code, last = decode_before(data, end)
        if not np.int64(lookup(code, stage1, stage2)) & SPACE:
            break
        end = last
    return start, end


@njit(cache=True, nogil=True)
def walk(data, start, end, stage1, stage2, characters, different_tokens, visible_lines, facts):  # type: ignore[no-untyped-def]
    """Fills the scratch and `facts` (int64, by the constants above) for the document data[start:end].

    Returns False, with the tables released, if the scratch has no room for another token or line.
    """
    chars, alone, seen = characters
    slots, hashes, token_count, token_chars, token_bytes, token_start, token_kind, places, ids = (
        different_tokens
    )
    starts, stops, line_facts = visible_lines.start, visible_lines.end, visible_lines.facts
    room = np.int64(len(ids))
    start, end = _strip(data, start, end, stage1, stage2)
    tokens = different = n_seen = lines = alpha_words = np.int64(0)
    alpha_word = False  # the word between white space has a letter or mark
    at = newlines = ends = dots = bracketed = np.int64(0)
    opened = np.int64(-1)
    size = 64
    while size * 8 < end - start and size * 2 <= len(slots):
        size *= 2
    state = 0  # of the sentence's end: 1 seen but not certain, 2 counted
    text_after = False  # letters or digits after the last sentence end of the line
    content = False  # the line has visible characters
    line_start, line_at, line_ends = start, np.int64(0), np.int64(0)
    first = line_words = longest = word_at = np.int64(0)
    breaks = np.int64(2)  # newlines since the last line that is not blank
    visible = start  # end of the last visible character of the line, or its start
    citation_end = late_citation = start
    full = fetched = False
    last_byte = np.uint8(0)
    p = start
    while p <= end:
        if fetched:
            fetched = False  # the token before ended at this character, which is decoded already
        elif p < end:
            code = np.int64(data[p])
            if code < 128:
                width = np.int64(1)
                flags = np.int64(stage2[code])
            else:
                code, width = decode(data, p)
                flags = np.int64(lookup(code, stage1, stage2))
        else:
            code, width, flags = np.int64(10), np.int64(1), np.int64(SPACE | BREAK | NEWLINE)

        if flags & BREAK and p >= citation_end:
            if state == 1:
                ends += 1
                line_ends += 1
                text_after = False
            state = 0
        if flags & SPACE:
            if not flags & NEWLINE:
                p += width
                continue
            if content:
                if lines >= len(starts):
                    full = True
                    break
                starts[lines] = line_start
                stops[lines] = visible
                line_facts[lines, CHARS] = at - line_at
                line_facts[lines, FIRST] = first
                line_facts[lines, WORDS] = line_words
                line_facts[lines, LONGEST] = max(longest, at - word_at)
                line_facts[lines, SENTENCES] = line_ends + text_after
                line_facts[lines, OPENS] = breaks > 1
                lines += 1
                breaks = np.int64(0)
            if p == end:
                break
            p += width
            if code == 13 and p < end and data[p] == 10:
                p += 1
            n_seen = _count(np.int64(10), chars, seen, n_seen)
            newlines += 1
            breaks += 1
            at += 1
            line_start, line_at, line_ends = p, at, np.int64(0)
            line_words = longest = np.int64(0)
            text_after = content = False
            visible = p
            continue

        if p > visible or not content:
            if content:
                longest = max(longest, at - word_at)
            if p == visible + 1 and data[visible] == 32:
                chars[32] += 1
                at += 1
            elif p > visible:
                n_seen, points = _count_space(data, visible, p, chars, seen, n_seen)
                at += points
            if not content:
                content = True
                first = code
            line_words += 1
            word_at = at
            alpha_word = False

        begin, from_at, first_code = p, at, code
        n_seen = _count(code, chars, seen, n_seen)
        p += width
        at += 1
        if flags & (BREAK | FORMAT):
            visible = p
            continue
        last = flags
        if flags & (LETTER | DIGIT | MARK):
            all_flags = flags
            spaced = not flags & UNSPACED
            while p < end:
                if spaced:
                    q, stop, kinds = np.uint64(p), np.uint64(end), np.uint8(0)
                    while q < stop:
                        byte = data[q]
                        if not _WORD_BYTES[byte]:
                            break
                        last_byte = _WORD_BYTES[byte]
                        kinds |= last_byte
                        chars[byte] += 1
                        q += np.uint64(1)
                    if kinds:
                        at += np.int64(q) - p
                        p = np.int64(q)
                        last = np.int64(last_byte)
                        all_flags |= np.int64(kinds)
                        if p == end:
                            break
                code = np.int64(data[p])
                if code < 128:
                    width = np.int64(1)
                    flags = np.int64(stage2[code])
                    if not flags & _JOINS:
                        fetched = True
                        break
                else:
                    code, width = decode(data, p)
                    flags = np.int64(lookup(code, stage1, stage2))
                if spaced and flags & (LETTER | DIGIT) and not flags & UNSPACED:
                    last = flags
                elif flags & _ATTACHED:
                    pass
                elif spaced and flags & _JOINS and p + width < end:
                    following, _ = decode(data, p + width)
                    if not _joins(flags, last, np.int64(lookup(following, stage1, stage2))):
                        fetched = True
                        break
                else:
                    fetched = True
                    break
                all_flags |= flags
                n_seen = _count(code, chars, seen, n_seen)
                p += width
                at += 1
            kind = WORD | (ALPHA if all_flags & (LETTER | MARK) else 0)
            if kind & ALPHA and not alpha_word:
                alpha_word = True
                alpha_words += 1
            if begin >= citation_end:
                state = 0
                text_after = True
        else:
            kind = 0
            while p + width <= end:
                same = True
                for i in range(width):
                    if data[p + i] != data[begin + i]:
                        same = False
                        break
                if not same:
                    break
                chars[code] += 1
                p += width
                at += 1
            if code == 46:
                dots += (at - from_at) // 3
            elif code == 91 and p - 1 >= citation_end:
                found = citation(data, p - 1, end)
                if found > 0 and p - 1 == begin:
                    citation_end = found
                elif found > 0:
                    late_citation = found
            elif code == 0x3010:
                if opened < 0:
                    opened = from_at + 1
            elif code == 0x3011 and opened >= 0:
                bracketed += from_at - opened
                opened = np.int64(-1)
            while p < end and data[p] >= 128:
                code, width = decode(data, p)
                flags = np.int64(lookup(code, stage1, stage2))
                if not flags & _ATTACHED:
                    fetched = True
                    break
                n_seen = _count(code, chars, seen, n_seen)
                p += width
                at += 1
            if begin < citation_end:
                pass
            elif last & TERMINAL:
                if data[begin] < 128 or last & _JOINS:
                    state = max(state, 1)
                elif state != 2:
                    state = 2
                    ends += 1
                    line_ends += 1
                    text_after = False
            elif not last & CLOSE:
                state = 0
            citation_end = max(citation_end, late_citation)
        visible = p
        if tokens >= room:
            full = True
            break
        if 2 * different >= size:
            if 2 * size > len(slots):
                full = True
                break
            size *= 2
            _rehash(slots, hashes, places, size, different)
        single = at == from_at + 1
        if single and alone[first_code] > 0:
            token = np.int64(alone[first_code]) - 1
            token_count[token] += 1
            ids[tokens] = token
            tokens += 1
            continue
        if p - begin <= 8 and begin + 8 <= len(data):
            h = hash_short(eight(data, begin), p - begin)
        else:
            h = hash_bytes(data, begin, p)
        tag = h >> np.uint64(32)
        mask = np.uint64(size - 1)
        slot = h & mask
        while True:
            entry = slots[slot]
            if entry == 0:
                token = different
                slots[slot] = tag << np.uint64(32) | np.uint64(token + 1)
                hashes[token] = h
                places[token] = np.int32(slot)
                token_count[token] = 1
                token_chars[token] = at - from_at
                token_bytes[token] = p - begin
                token_start[token] = begin
                token_kind[token] = kind
                different += 1
                break
            if entry >> np.uint64(32) == tag:
                token = np.int64(entry & np.uint64(0xFFFFFFFF)) - 1
                if hashes[token] == h:
                    token_count[token] += 1
                    break
            slot = (slot + np.uint64(1)) & mask
        if single:
            alone[first_code] = token + 1
        ids[tokens] = token
        tokens += 1

    facts[TOKENS], facts[DIFFERENT], facts[SEEN], facts[LINES] = tokens, different, n_seen, lines
    facts[LENGTH], facts[NEWLINES], facts[ENDS] = at, newlines, ends
    facts[DOTS], facts[BRACKETED], facts[ALPHA_WORDS] = dots, bracketed, alpha_words
    if full:
        release(characters, different_tokens, facts)
    return not full


def tokens(text: str) -> list[str]:
    """The tokens of one text, in order.

    >>> tokens("Don't stop... 3.14 漢字")
    ["Don't", 'stop', '...', '3.14', '漢', '字']
    """
    batch = TextBatch.from_texts([text])
    room = batch.nbytes + 1
    scratch, facts = allocate(room, room, room), np.zeros(FACTS, np.int64)
    stage1, stage2 = tables()
    walk(batch.data, 0, batch.nbytes, stage1, stage2, *scratch[:3], facts)
    data, ids = batch.data.tobytes(), scratch.tokens.ids[: facts[TOKENS]]
    starts = scratch.tokens.start[ids]
    stops = starts + scratch.tokens.size[ids]
    return [data[a:b].decode() for a, b in zip(starts, stops, strict=True)]
