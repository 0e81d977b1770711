"""Numbers that say by themselves what they are: cards, Chinese identity numbers, social security numbers, addresses.

A number is read once as groups of digits with single separators between, then compared with the shapes of each kind.
Each function tells how many groups of the number belong to the find, 0 for none.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.pii_form import CLASS, IS_DIGIT, IS_JOINT, IS_WORD

MOST_GROUPS, MOST_DIGITS = 12, 40
START, END, SEPARATOR, DIGITS = range(
    4
)  # of a group: its separator stands before it, DIGITS counts those up to its end
SPACE, CLOSE, HYPHEN, DOT, SLASH, OPEN = (ord(char) for char in " )-./(")

# GB 11643 and GB/T 2260: provinces, weights of the first 17 digits, check characters by the sum modulo 11.
_PROVINCES = np.zeros(100, np.bool_)
_PROVINCES[[11, 12, 13, 14, 15, 21, 22, 23, *range(31, 38), *range(41, 47), *range(50, 55)]] = True
_PROVINCES[[*range(61, 66), 71, 81, 82, 83]] = True
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int64)
_CHECKS = np.array([1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2], np.int64)
_MONTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@njit(cache=True, nogil=True)
def read_groups(form, p, groups, digits):  # type: ignore[no-untyped-def]
    """Reads the number that begins at form[p]; returns its groups, as many as there is room for."""
    count, total, separator = 0, 0, 0
    while True:
        groups[count, SEPARATOR] = separator
        if count == MOST_GROUPS:
            return count
        q = p
        while CLASS[form[q]] == IS_DIGIT:
            if total == MOST_DIGITS:
                return count
            digits[total] = form[q] - 48
            total += 1
            q += 1
        groups[count, START], groups[count, END], groups[count, DIGITS] = p, q, total
        count += 1
        separator = int(form[q])
        p = q + 1
        if separator in (SPACE, HYPHEN, DOT, SLASH):
            if form[p] == OPEN:
                separator = OPEN
                p += 1
        elif separator == CLOSE:
            p += form[p] in (SPACE, HYPHEN, SLASH)
        elif separator != OPEN:
            break
        if CLASS[form[p]] != IS_DIGIT:
            break
    groups[count, SEPARATOR] = 0
    return count


@njit(cache=True, nogil=True)
def ends(form, groups, count):  # type: ignore[no-untyped-def]
    """Whether a number of that many groups can end there: no letter follows and no group that is joined to it."""
    end = groups[count - 1, END]
    extended = form[end] == 120 and CLASS[form[end + 1]] == IS_DIGIT  # x123, the extension of a telephone
    if (CLASS[form[end]] & IS_WORD and not extended) or form[end] == 95:
        return False
    return groups[count, SEPARATOR] not in (HYPHEN, DOT, SLASH)


@njit(cache=True, nogil=True)
def shape(groups, count):  # type: ignore[no-untyped-def]
    """The lengths of the first groups as the digits of a hexadecimal number: 3-3-4 is 0x334; -1 for longer ones."""
    found = np.int64(0)
    for i in range(count):
        length = groups[i, END] - groups[i, START]
        if length > 15:
            return np.int64(-1)
        found = found << 4 | length
    return found


@njit(cache=True, nogil=True)
def uniform(groups, count):  # type: ignore[no-untyped-def]
    """The separator between the first groups, 0 where they differ or there is none."""
    for i in range(2, count):
        if groups[i, SEPARATOR] != groups[1, SEPARATOR]:
            return np.int64(0)
    return groups[1, SEPARATOR] if count > 1 else np.int64(0)


@njit(cache=True, nogil=True)
def luhn(digits, count):  # type: ignore[no-untyped-def]
    """Whether digits[:count] have the check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for i in range(count):
        digit = int(digits[count - 1 - i])
        if i & 1:
            digit = 2 * digit - 9 if digit > 4 else 2 * digit
        total += digit
    return total % 10 == 0


@njit(cache=True, nogil=True)
def _value(digits, start, stop):  # type: ignore[no-untyped-def]
    found = np.int64(0)
    for i in range(start, stop):
        found = 10 * found + digits[i]
    return found


@njit(cache=True, nogil=True)
def _issued(digits, count):  # type: ignore[no-untyped-def]
    """Whether cards of that length and beginning are issued (ISO/IEC 7812 ranges of the large networks)."""
    two, four = _value(digits, 0, 2), _value(digits, 0, 4)
    if count == 14:
        return two in (36, 38, 39) or 300 <= four // 10 <= 305
    if count == 15:
        return two in (34, 37)
    if two == 62 or four == 6011 or two == 65 or 644 <= four // 10 <= 649 or 3528 <= four <= 3589:
        return count >= 16
    if count == 16:
        return two // 10 == 4 or 51 <= two <= 55 or 2221 <= four <= 2720 or 2200 <= four <= 2204
    return count == 19 and two // 10 == 4


@njit(cache=True, nogil=True)
def card(form, groups, count, digits, by_context):  # type: ignore[no-untyped-def]
    """A payment card: in one group (14 digits only by context) or as cards are printed."""
    for used in range(min(count, 5), 0, -1):
        size = groups[used - 1, DIGITS]
        if not 14 <= size <= 19 or not ends(form, groups, used):
            continue
        if used > 1:
            printed = shape(groups, used) in (0x4444, 0x44443, 0x465, 0x464, 0x6D)
            if not printed or uniform(groups, used) not in (SPACE, HYPHEN):
                continue
        elif size == 14 and not by_context:
            continue
        if _issued(digits, size) and luhn(digits, size):
            return used
    return 0


@njit(cache=True, nogil=True)
def is_date(year, month, day):  # type: ignore[no-untyped-def]
    """Whether it is a day of the Gregorian calendar between 1900 and 2029."""
    if not (1900 <= year < 2030 and 1 <= month <= 12 and 1 <= day <= _MONTHS[month]):
        return False
    return month != 2 or day < 29 or (year % 4 == 0 and year != 1900)


@njit(cache=True, nogil=True)
def identity(form, groups, count, digits, by_context):  # type: ignore[no-untyped-def]
    """A Chinese identity number of 18 characters (region, date, check), or by context of 15; groups and its end.

    It may be printed as 6-8-4.
    """
    for used in (1, 3):
        if used > count:
            break
        size, end = groups[used - 1, DIGITS], groups[used - 1, END]
        if used == 3 and (shape(groups, 2) != 0x68 or uniform(groups, 3) not in (SPACE, HYPHEN)):
            continue
        last = np.int64(digits[17]) if size == 18 else np.int64(10)
        if size == 17 and form[end] in (88, 120):
            end += 1
            if CLASS[form[end]] & (IS_WORD | IS_JOINT):
                continue
        elif size not in (15, 18) or not ends(form, groups, used):
            continue
        if not _PROVINCES[_value(digits, 0, 2)]:
            continue
        if size == 15:
            born = _value(digits, 6, 12)
            if by_context and used == 1 and is_date(1900 + born // 10000, born // 100 % 100, born % 100):
                return used, end
            continue
        born = _value(digits, 6, 14)
        total = np.int64(0)
        for i in range(17):
            total += _WEIGHTS[i] * digits[i]
        if is_date(born // 10000, born // 100 % 100, born % 100) and _CHECKS[total % 11] == last:
            return used, end
    return 0, np.int64(0)


@njit(cache=True, nogil=True)
def social_security(form, groups, count, digits):  # type: ignore[no-untyped-def]
    """A social security number of the USA, 3-2-4 or in one group, of an area that is given out (SSA)."""
    for used in (1, 3):
        if used > count or not ends(form, groups, used) or groups[used - 1, DIGITS] != 9:
            continue
        if used == 3 and (shape(groups, 3) != 0x324 or uniform(groups, 3) not in (SPACE, HYPHEN)):
            continue
        area, middle, last = _value(digits, 0, 3), _value(digits, 3, 5), _value(digits, 5, 9)
        if area not in (0, 666) and area < 900 and middle and last:
            return used
    return 0


@njit(cache=True, nogil=True)
def is_public(address):  # type: ignore[no-untyped-def]
    """Whether an IPv4 address (int64) is of a host that anyone can reach (IANA's registry of special addresses)."""
    first, second, third = address >> 24, address >> 16 & 255, address >> 8 & 255
    if first in (0, 10, 127) or first >= 224:
        return False
    if first == 100:
        return not 64 <= second < 128
    if first == 172:
        return not 16 <= second < 32
    if first == 192:
        return second != 168 and not (second == 0 and third in (0, 2))
    if first == 198:
        return second not in (18, 19) and not (second == 51 and third == 100)
    if first == 169:
        return second != 254
    return not (first == 203 and second == 0 and third == 113)


@njit(cache=True, nogil=True)
def ipv4(form, groups, count, digits, by_context):  # type: ignore[no-untyped-def]
    """A public IPv4 address of a host; by context alone below 8 digits or of four pairs, as versions and tariffs."""
    if count < 4 or uniform(groups, 4) != DOT:
        return 0
    end = groups[3, END]
    if CLASS[form[end]] & IS_WORD or groups[4, SEPARATOR] in (DOT, SLASH):
        return 0
    if (groups[3, DIGITS] < 8 or shape(groups, 4) == 0x2222) and not by_context:
        return 0
    address, before = np.int64(0), np.int64(0)
    for i in range(4):
        part = _value(digits, before, groups[i, DIGITS])
        size = groups[i, DIGITS] - before
        if size > 3 or part > 255 or (size > 1 and digits[before] == 0):
            return 0
        address = address << 8 | part
        before = groups[i, DIGITS]
    return 4 if address & 255 and is_public(address) else 0


@njit(cache=True, nogil=True)
def _hex(byte):  # type: ignore[no-untyped-def]
    if 48 <= byte <= 57:
        return np.int64(byte - 48)
    lower = byte | 32
    return np.int64(lower - 87) if 97 <= lower <= 102 else np.int64(-1)


@njit(cache=True, nogil=True)
def ipv6(form, p):  # type: ignore[no-untyped-def]
    """Where a global IPv6 address (2000::/3, not that of documentation) ends that begins at form[p]; 0 for none."""
    start, groups, gap, first = p, 0, False, np.int64(0)
    while groups < 8:
        value, size = np.int64(0), 0
        while size < 5 and _hex(form[p]) >= 0:
            value = value << 4 | _hex(form[p])
            size += 1
            p += 1
        if size == 0 or size > 4:
            break
        groups += 1
        if groups <= 2:
            first = first << 16 | value
        if form[p] != 58:
            break
        if form[p + 1] == 58:
            if gap:
                return 0
            gap = True
            p += 1
        p += 1
    if form[p - 1] == 58 and form[p - 2] != 58:
        p -= 1
    whole = (groups == 8 and not gap) or (gap and 2 <= groups < 8)
    if not whole or CLASS[form[p]] & IS_WORD or form[p] == 58 or p - start < 8:
        return 0
    return p if 0x2000 <= first >> 16 < 0x4000 and first != 0x20010DB8 else 0
