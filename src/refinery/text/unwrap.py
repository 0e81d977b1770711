"""Kernels: lines that were broken at a margin are joined again.

A line was broken at the margin if the first word of the next one would not have fitted. The margin of a document is
the width that a tenth of its lines within paragraphs exceed, in cells (Han, kana and full-width forms take two), 40
to 160; of two lines of which one is longer by more than SLACK none was broken there. Nothing is joined unless most
breaks of the document (MOST) and of the paragraph (PARAGRAPH) are of that kind, so that verse, addresses, lists and
lines that are sentences stay; nor a line that begins an entry of a list, is indented deeper than the one before, or
looks like a row of a table, a heading, a quotation or code (CODE, or between ```); nor paragraphs of four lines and
more that all begin with a capital.

Between lines comes a space, or nothing where one of the two is of a script without spaces. A hyphen at the end goes
with the break if a small letter follows, unless the document has the word with its hyphen and not without; before
"and" and "or" of some languages, capitals and digits it stays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.batch import TextBatch
from refinery.text.cut import copy_bytes
from refinery.text.line_shapes import begins_entry
from refinery.text.tables import (
    BREAK,
    DIGIT,
    FULLWIDTH,
    LETTER,
    UNSPACED,
    UPPER,
    decode,
    decode_before,
    lookup,
    tables,
)
from refinery.text.visible_lines import LF, find_lines

NARROWEST, WIDEST = 40, 160  # cells
FEWEST = 3  # breaks within paragraphs that tell a margin
SLACK = 10  # cells
CODE = 4  # cells of indent from which on a line is code, as in Markdown
MOST, PARAGRAPH = 0.6, 0.75  # of the breaks that could be joined
WINDOW = 1 << 16  # bytes before and after a hyphen in which its word is looked for
_INDENT, _WIDTH, _WORD, _PLAIN, _ENTRY, _CAPITAL, _FACTS = range(7)
_BREAK, _SPACE, _NOTHING, _NO_HYPHEN = range(4)  # what comes after a line: as it is, or what is put in place
_AND = "and or nor to und oder bzw sowie et ou y o e ed en of och eller og i oraz lub"
# headings, quotations, tags, code and rows of tables begin with one of these
_NOT_TEXT = np.frombuffer(b"#><`|~", np.uint8)
_ANDS = np.frombuffer(f" {_AND} ".encode(), np.uint8)
_HYPHEN, _U2010, _SOFT, _BAR, _TAB, _BLANK, _TICK = 45, 0x2010, 0xAD, 124, 9, 32, 96


def unwrap(batch: TextBatch) -> TextBatch:
    """The documents with joined lines; the very same batch if there are none to join.

    >>> text = "Lines that were broken at the margin of a page,\\nas those of old mail and of books were, are\\n"
    >>> text += "joined by a space again, and a hyphen that di-\\nvides a word goes."
    >>> unwrap(TextBatch.from_texts([text])).to_arrow()[0].as_py().count("\\n")
    0
    """
    lines = find_lines(batch)
    if len(lines) == 0:
        return batch
    facts = np.zeros((len(lines), _FACTS), np.int32)
    after = np.zeros(len(lines), np.uint8)
    where = (lines.document, lines.start, lines.end)
    _describe(batch.data, batch.offsets, *where, *tables(), facts)
    _decide(batch.data, batch.offsets, *where, lines.first, *tables(), facts, after)
    if not after.any():
        return batch
    out, bounds = np.empty(batch.nbytes, np.uint8), np.zeros(len(batch) + 1, np.int64)
    _write(batch.data, batch.offsets, *where, after, out, bounds)
    return TextBatch(out[: bounds[-1]], bounds)


@njit(cache=True, nogil=True)
def _cells(entry):  # type: ignore[no-untyped-def]
    return 2 if entry & FULLWIDTH or entry & UNSPACED else 1


@njit(cache=True, nogil=True)
def _describe(data, offsets, documents, starts, ends, stage1, stage2, facts):  # type: ignore[no-untyped-def]
    """Indent and width in cells, width of the first word, whether it is plain text, an entry, has a capital first."""
    fenced = False
    for line in range(len(starts)):
        start, end, fact = starts[line], ends[line], facts[line]
        fenced &= line > 0 and documents[line] == documents[line - 1]
        fenced ^= end - start >= 3 and data[start] == data[start + 1] == data[start + 2] == _TICK
        place = start
        while place > offsets[documents[line]] and data[place - 1] != LF:
            place -= 1
        fact[_INDENT] = start - place
        bars = blanks = 0
        in_word = True
        first = data[start]
        plain = not fenced and fact[_INDENT] < CODE
        for mark in _NOT_TEXT:
            plain &= first != mark
        place = start
        while place < end:
            code, width = decode(data, place)
            entry = np.int64(lookup(code, stage1, stage2))
            if place == start:
                fact[_CAPITAL] = (entry & UPPER) != 0
            blanks = blanks + 1 if entry & BREAK else 0
            bars += code == _BAR
            plain &= code != _TAB and blanks < 3 and bars < 2
            if entry & BREAK or (entry & UNSPACED and place > start):
                in_word = False
            fact[_WIDTH] += _cells(entry)
            if in_word:
                fact[_WORD] += _cells(entry)
            place += width
        fact[_PLAIN] = plain
        fact[_ENTRY] = begins_entry(data, start, end, stage1, stage2)


@njit(cache=True, nogil=True)
def _could_join(facts, first, line):  # type: ignore[no-untyped-def]
    """Whether a line and the next one are text of one paragraph."""
    a, b = facts[line], facts[line + 1]
    if first[line + 1] or not a[_PLAIN] or not b[_PLAIN] or b[_ENTRY]:
        return False
    return b[_INDENT] <= a[_INDENT] or a[_ENTRY] == 1


@njit(cache=True, nogil=True)
def _at_margin(facts, line, margin):  # type: ignore[no-untyped-def]
    a, b = facts[line], facts[line + 1]
    width, following = a[_INDENT] + a[_WIDTH], b[_INDENT] + b[_WIDTH]
    return max(width, following) <= margin + SLACK and width + 1 + b[_WORD] > margin


@njit(cache=True, nogil=True)
def _margin(facts, first, begin, stop, widths):  # type: ignore[no-untyped-def]
    """The margin of lines of a document, 0 if they have none."""
    n = 0
    for line in range(begin, stop - 1):
        if _could_join(facts, first, line):
            widths[n] = facts[line, _INDENT] + facts[line, _WIDTH]
            n += 1
    if n < FEWEST:
        return 0
    ordered = np.sort(widths[:n])
    margin = ordered[(9 * n) // 10]
    if margin < NARROWEST or margin > WIDEST:
        return 0
    fits = 0
    for line in range(begin, stop - 1):
        fits += _could_join(facts, first, line) and _at_margin(facts, line, margin)
    return margin if fits >= MOST * n else 0


@njit(cache=True, nogil=True)
def _decide(data, offsets, documents, starts, ends, firsts, stage1, stage2, facts, after):  # type: ignore[no-untyped-def]
    widths = np.empty(len(starts), np.int32)
    begin = 0
    while begin < len(starts):
        stop = begin
        while stop < len(starts) and documents[stop] == documents[begin]:
            stop += 1
        margin = _margin(facts, firsts, begin, stop, widths)
        low, high = offsets[documents[begin]], offsets[documents[begin] + 1]
        opens = begin
        while margin and opens < stop:
            closes = opens + 1
            while closes < stop and not firsts[closes]:
                closes += 1
            if _is_wrapped(facts, firsts, opens, closes, margin):
                for line in range(opens, closes - 1):
                    if _could_join(facts, firsts, line) and _at_margin(facts, line, margin):
                        after[line] = _between(data, low, high, ends[line], starts[line + 1], stage1, stage2)
            opens = closes
        begin = stop


@njit(cache=True, nogil=True)
def _is_wrapped(facts, firsts, opens, closes, margin):  # type: ignore[no-untyped-def]
    """Whether most breaks of a paragraph are at the margin, and it is no verse."""
    breaks = fits = capitals = 0
    for line in range(opens, closes):
        capitals += facts[line, _CAPITAL]
        if line < closes - 1 and _could_join(facts, firsts, line):
            breaks += 1
            fits += _at_margin(facts, line, margin)
    verse = closes - opens >= 4 and capitals == closes - opens
    return fits > 0 and fits >= PARAGRAPH * breaks and not verse


@njit(cache=True, nogil=True)
def _between(data, low, high, end, start, stage1, stage2):  # type: ignore[no-untyped-def]
    """What joins a line that ends at `end` and one that begins at `start`, of the document data[low:high]."""
    code, last = decode_before(data, end)
    following = np.int64(lookup(decode(data, start)[0], stage1, stage2))
    if code == _SOFT:
        return _NO_HYPHEN
    hyphen = code in (_HYPHEN, _U2010)
    before = np.int64(lookup(decode_before(data, last)[0], stage1, stage2)) if last > low else np.int64(0)
    if hyphen and before & (LETTER | DIGIT):
        if following & (UPPER | DIGIT):
            return _NOTHING
        if following & LETTER:
            return _hyphenated(data, low, high, last, end, start, stage1, stage2)
    entry = np.int64(lookup(code, stage1, stage2))
    return _NOTHING if (entry | following) & (UNSPACED | FULLWIDTH) else _SPACE


@njit(cache=True, nogil=True)
def _hyphenated(data, low, high, last, end, start, stage1, stage2):  # type: ignore[no-untyped-def]
    """Of a hyphen at data[last:end] before a small letter at `start`."""
    head, tail = last, start
    while head > low:
        code, place = decode_before(data, head)
        if not np.int64(lookup(code, stage1, stage2)) & LETTER:
            break
        head = place
    while tail < high:
        code, width = decode(data, tail)
        if not np.int64(lookup(code, stage1, stage2)) & LETTER:
            break
        tail += width
    if _is_and(data, start, tail):
        return _SPACE
    low, high = max(low, end - WINDOW), min(high, start + WINDOW)
    whole = _is_there(data, low, high, head, last, start, tail)
    parted = _is_there(data, low, high, head, end, start, tail)
    return _NOTHING if parted and not whole else _NO_HYPHEN


@njit(cache=True, nogil=True)
def _is_and(data, start, stop):  # type: ignore[no-untyped-def]
    """Whether data[start:stop] is a word of _AND."""
    for place in range(len(_ANDS) - (stop - start) - 1):
        if _ANDS[place] == _BLANK and _ANDS[place + 1 + stop - start] == _BLANK:
            same = True
            for i in range(stop - start):
                same &= _ANDS[place + 1 + i] == data[start + i]
            if same:
                return True
    return False


@njit(cache=True, nogil=True)
def _is_there(data, low, high, head, head_end, tail, tail_end):  # type: ignore[no-untyped-def]
    """Whether data[head:head_end] with data[tail:tail_end] right after it stands in data[low:high]."""
    size = head_end - head
    whole = size + tail_end - tail
    for place in range(low, high - whole + 1):
        if data[place] != data[head]:
            continue
        i = 1
        while i < whole and data[place + i] == (data[head + i] if i < size else data[tail + i - size]):
            i += 1
        if i == whole:
            return True
    return False


@njit(cache=True, nogil=True)
def _write(data, offsets, documents, starts, ends, after, out, bounds):  # type: ignore[no-untyped-def]
    """Writes document i's new text to `out[bounds[i]:bounds[i + 1]]`."""
    size = line = 0
    for document in range(len(offsets) - 1):
        place = offsets[document]
        while line < len(starts) and documents[line] == document:
            if after[line]:
                stop = decode_before(data, ends[line])[1] if after[line] == _NO_HYPHEN else ends[line]
                size = copy_bytes(data, place, stop, out, size)
                if after[line] == _SPACE:
                    out[size] = _BLANK
                    size += 1
                place = starts[line + 1]
            line += 1
        size = copy_bytes(data, place, offsets[document + 1], out, size)
        bounds[document + 1] = size
