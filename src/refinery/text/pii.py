"""Personal data and secrets in texts: what they are and where, and texts without them.

One walk over each document in the form of refinery.text.pii_form. It stops only at "@", at the first digit of a
number, at "KIA" and at five hyphens; what stands there is compared with the kinds, the most certain first. Finds do
not overlap: an address takes what was found inside it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text import pii_context as words
from refinery.text import pii_numbers as numbers
from refinery.text import pii_phones as phones
from refinery.text import pii_tokens as tokens
from refinery.text.batch import TextBatch
from refinery.text.pii_form import CLASS, IS_ALNUM, IS_DIGIT, IS_WORD, MARGIN, end_of, write_form
from refinery.text.tables import tables

KINDS = ("email", "phone", "ip", "card", "cn_id", "iban", "secret", "ssn", "record")
EMAIL, PHONE, IP, CARD, CN_ID, IBAN, SECRET, SSN, RECORD = range(len(KINDS))
_SHORTEST = 6  # bytes of the shortest find, a@b.co
_STOPS = np.zeros(256, np.bool_)
_STOPS[[ord(char) for char in "0123456789@K-"]] = True
_NOT_BEFORE = np.zeros(256, np.bool_)  # what makes the digits after it a part of something else
_NOT_BEFORE[[ord(char) for char in "_/#%$\\*^~&<"]] = True


class Finds(NamedTuple):
    """What was found, in the order of the texts.

    document: int64, number in the batch; start, end: int64, bytes of the batch's data; kind: int8, of KINDS.
    """

    document: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    kind: NDArray[np.int8]


def find(batch: TextBatch, kinds: tuple[str, ...] = KINDS) -> Finds:
    """Every find of these kinds in every document; finds do not overlap.

    >>> found = find(TextBatch.from_texts(["邮箱zhang@example.cn，电话13812345678。"]))
    >>> [KINDS[kind] for kind in found.kind], (found.end - found.start).tolist()
    (['email', 'phone'], [16, 11])
    """
    enabled = sum(1 << KINDS.index(kind) for kind in kinds)
    longest = int(np.diff(batch.offsets).max(initial=0)) + 1 + MARGIN
    room = batch.nbytes // _SHORTEST + 1
    places = np.empty((3, room), np.int64)
    found = Finds(places[0], places[1], places[2], np.empty(room, np.int8))
    scratch = np.empty(longest, np.uint8), np.empty(longest, np.int64)
    count = _find(batch.data, batch.offsets, tuple(tables()), scratch, np.int64(enabled), found)
    return Finds(places[0, :count], places[1, :count], places[2, :count], found.kind[:count])


def replace(batch: TextBatch, found: Finds, marks: tuple[str, ...]) -> TextBatch:
    """The documents with marks[kind] in place of each find; an empty mark removes it."""
    texts = [mark.encode() for mark in marks]
    bounds = np.cumsum([0] + [len(text) for text in texts]).astype(np.int64)
    sizes = np.diff(bounds)[found.kind]
    out = np.empty(batch.nbytes + int((sizes - (found.end - found.start)).sum()), np.uint8)
    offsets = np.zeros(len(batch) + 1, np.int64)
    marked = np.frombuffer(b"".join(texts), np.uint8)
    _replace(batch.data, batch.offsets, found, marked, bounds, out, offsets)
    return TextBatch(out, offsets)


@njit(cache=True, nogil=True)
def _find(data, offsets, table, scratch, enabled, found):  # type: ignore[no-untyped-def]
    """Fills the columns of found; returns how many finds there are."""
    form, at = scratch
    groups = np.zeros((numbers.MOST_GROUPS + 1, 4), np.int64)
    digits = np.zeros(numbers.MOST_DIGITS, np.uint8)
    count = np.int64(0)
    for document in range(len(offsets) - 1):
        first = count
        size = write_form(data, offsets[document], offsets[document + 1], table, form, at)
        p, low, seen = (
            np.int64(1),
            np.int64(1),
            np.int64(1),
        )  # low: the end of the last find; seen: of the last token
        while p < size:
            byte = form[p]
            if not _STOPS[byte]:
                p += 1
                continue
            kind, start, end = -1, p, p
            if byte == 64:
                start, end = _email(form, p, at, found, first, count, enabled)
                kind = EMAIL if end else kind
            elif CLASS[byte] == IS_DIGIT:
                kind, start, end, seen = _at_digit(data, form, at, p, low, seen, enabled, groups, digits)
            elif byte == 75:
                if form[p - 1] == 65 and form[p + 1] == 73 and form[p + 2] == 65 and enabled >> SECRET & 1:
                    start, end = tokens.token(form, p, low)
                    end = tokens.secret(form, start, end, 0)
                    kind = SECRET if end else kind
            elif form[p + 1] == 45 and form[p + 2] == 45 and enabled >> SECRET & 1:
                end = tokens.private_key(form, p, size)
                kind = SECRET if end else kind
            if kind < 0:
                p = end if CLASS[byte] == IS_DIGIT else p + 1
                continue
            while count > first and found.end[count - 1] > at[start]:
                count -= 1  # an address takes what was found inside it
            found.document[count], found.kind[count] = document, kind
            found.start[count], found.end[count] = at[start], end_of(data, at[end - 1])
            count += 1
            p = low = end
    return count


@njit(cache=True, nogil=True)
def _email(form, p, at, found, first, count, enabled):  # type: ignore[no-untyped-def]
    """The address around form[p]; it begins after the last address."""
    if not enabled >> EMAIL & 1:
        return p, np.int64(0)
    low = p
    barrier = at[0]
    for i in range(count - 1, first - 1, -1):
        if found.kind[i] == EMAIL:
            barrier = found.end[i]
            break
    while low > 1 and p - low < tokens.MOST_LOCAL and at[low - 1] >= barrier:
        low -= 1
    return tokens.email(form, p, low)


@njit(cache=True, nogil=True)
def _at_digit(data, form, at, p, low, seen, enabled, groups, digits):  # type: ignore[no-untyped-def]
    """What stands at the first digit of a number: its kind (-1: none), start and end, and the end of the last token.

    Without a find the end is that of the run of digits.
    """
    after = p
    while CLASS[form[after]] == IS_DIGIT:
        after += 1
    if p >= seen:
        start, end = tokens.token(form, p, low)
        seen = end
        kind, end = _in_token(data, form, at, start, end, enabled)
        if kind >= 0:
            return kind, start, end, seen
    if p - 2 >= low and enabled >> IBAN & 1:
        end = tokens.iban(form, p - 2)
        if end:
            return np.int64(IBAN), p - 2, end, max(seen, end)
    start = p
    opened = form[start - 1] == numbers.OPEN and start - 1 >= low
    start -= opened
    plus = form[start - 1] == 43 and start - 1 >= low
    start -= plus
    if plus and form[start - 1] == numbers.OPEN and start - 1 >= low:
        start -= 1
    before = form[start - 1]
    joined = before in (45, 46, 44, 43) and start >= 2 and CLASS[form[start - 2]] & IS_ALNUM
    if CLASS[before] & IS_WORD or _NOT_BEFORE[before] or joined:
        return np.int64(-1), start, after, seen
    kind, end = _number(data, form, at, (start, p, low), enabled, groups, digits, (opened, plus))
    if kind != PHONE:
        start = p
    elif form[start] == numbers.OPEN and not _closes(form, start, end):
        start += 1
    return kind, start, end if kind >= 0 else after, seen


@njit(cache=True, nogil=True)
def _closes(form, start, end):  # type: ignore[no-untyped-def]
    for i in range(start, end):
        if form[i] == numbers.CLOSE:
            return True
    return False


@njit(cache=True, nogil=True)
def _in_token(data, form, at, start, end, enabled):  # type: ignore[no-untyped-def]
    """Kind and end of a secret or a record's number that the token form[start:end] is; -1 for none."""
    none = np.int64(-1), end
    if end - start < 5 or not enabled & (1 << SECRET | 1 << RECORD):
        return none
    context = words.context(data, at[0], at[start])
    if enabled >> SECRET & 1 and end - start >= 8:
        last = tokens.secret(form, start, end, context)
        if last:
            return np.int64(SECRET), last
    if context & words.RECORD and enabled >> RECORD & 1 and tokens.record(form, start, end):
        return np.int64(RECORD), end
    return none


@njit(cache=True, nogil=True)
def _number(data, form, at, places, enabled, groups, digits, around):  # type: ignore[no-untyped-def]
    """Kind and end of the number at form[p] (form[start] with bracket and plus); -1 for none."""
    opened, plus = around
    start, p, low = places
    none = np.int64(-1), p
    if enabled >> IP & 1 and form[p] in (50, 51) and not plus:
        end = numbers.ipv6(form, p)
        if end:
            return np.int64(IP), end
    count = numbers.read_groups(form, p, groups, digits)
    if count == 0 or groups[count - 1, numbers.DIGITS] < 4:
        return none
    context = words.context(data, at[0], at[start])
    if not plus:
        kind, end = _certain(form, groups, count, digits, context, enabled)
        if kind >= 0:
            return kind, end
    if not enabled >> PHONE & 1 or groups[count - 1, numbers.DIGITS] < 7:
        return none
    # the rest of a number that is none, such as a toll-free one, or the section of a law on telephones
    bracket = form[start - 2] == numbers.CLOSE and start - 2 > low
    rest = CLASS[form[start - 2 - bracket]] == IS_DIGIT and start - 1 > low
    named = context & words.PHONE != 0 and context & words.SECTION == 0 and not rest
    used = _phone(form, groups, count, digits, (opened, plus), named)
    if used == 0:
        return none
    return np.int64(PHONE), phones.extension(form, groups[used - 1, numbers.END])


@njit(cache=True, nogil=True)
def _certain(form, groups, count, digits, context, enabled):  # type: ignore[no-untyped-def]
    """Kinds of numbers that have a check or a fixed shape."""
    named = context & words.IDENTITY != 0
    if enabled >> CN_ID & 1:
        used, end = numbers.identity(form, groups, count, digits, named)
        if used:
            return np.int64(CN_ID), end
    if enabled >> CARD & 1:
        used = numbers.card(form, groups, count, digits, named)
        if used:
            return np.int64(CARD), groups[used - 1, numbers.END]
    if enabled >> IP & 1 and not context & words.VERSION:
        used = numbers.ipv4(form, groups, count, digits, context & words.ADDRESS != 0)
        if used:
            return np.int64(IP), groups[used - 1, numbers.END]
    if enabled >> SSN & 1 and context & words.SSN:
        used = numbers.social_security(form, groups, count, digits)
        if used:
            return np.int64(SSN), groups[used - 1, numbers.END]
    return np.int64(-1), np.int64(0)


@njit(cache=True, nogil=True)
def _phone(form, groups, count, digits, around, named):  # type: ignore[no-untyped-def]
    """Groups of a telephone number, 0 for none."""
    opened, plus = around
    used = phones.international(form, groups, count, digits, 0) if plus else 0
    exits = groups[0, numbers.DIGITS] > 1 and digits[0] == 0 and digits[1] == 0  # 00, not 0.0
    if used == 0 and exits and not plus and (named or count > 2):
        used = phones.international(form, groups, count, digits, 2)
    if used == 0:
        used = phones.north_american(form, groups, count, digits, opened)
    if used == 0:
        used = phones.chinese(form, groups, count, digits, opened)
    if used == 0:
        used = phones.other_national(form, groups, count, digits)
    return phones.by_context(form, groups, count, digits) if used == 0 and named else used


@njit(cache=True, nogil=True)
def _replace(data, offsets, found, marked, bounds, out, new):  # type: ignore[no-untyped-def]
    """Copies the documents with marks in place of finds."""
    i, size = 0, np.int64(0)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        while i < len(found.start) and found.document[i] == document:
            size = _copy(data, position, found.start[i], out, size)
            size = _copy(marked, bounds[found.kind[i]], bounds[found.kind[i] + 1], out, size)
            position = found.end[i]
            i += 1
        size = _copy(data, position, end, out, size)
        new[document + 1] = size


@njit(cache=True, nogil=True)
def _copy(data, start, end, out, size):  # type: ignore[no-untyped-def]
    """Copies data[start:end] behind out[:size]; returns the new size."""
    for i in range(start, end):
        out[size + i - start] = data[i]
    return size + end - start
