"""Telephone numbers: international ones by country, national ones by their shape, others by the word before.

Toll-free numbers (North America's 800, 888 and their like, China's 400 and 800) are an organization's and stay.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.pii_form import CLASS, IS_DIGIT, IS_WORD, OTHER
from refinery.text.pii_numbers import (
    CLOSE,
    DIGITS,
    DOT,
    END,
    HYPHEN,
    OPEN,
    SEPARATOR,
    SPACE,
    START,
    ends,
    shape,
    uniform,
)

# Calling codes (ITU-T E.164) by the digits that follow them, those of libphonenumber for fixed lines and mobiles.
_NATIONAL = {
    (4, 7): "290 683 690",
    (4, 11): "352",
    (5, 9): "247 500 682 676 677 678 686 688 27",
    (5, 10): "82 358 685",
    (5, 13): "43",
    (6, 9): "40 252 298 299 359 376 421 508 597 672 681 687",
    (6, 10): "53 63 95 98 880",
    (6, 12): "39",
    (7, 7): "238 239 246 248 269 291 297 501 592 673 674 679 680 691 692 960",
    (7, 8): "230 241 267 372 507 599 670 675 961 975",
    (7, 9): "46 48 220 231 254 265 354 423 595 967",
    (7, 10): "243 353",
    (7, 11): "86",
    (7, 12): "49 62 86 381",
    (
        8,
        8,
    ): "45 47 65 216 222 223 226 227 228 232 235 236 253 257 266 268 350 356 357 370 371 373 374 382 386 389 502 "
    "503 504 505 506 509 591 598 689 852 853 965 968 973 974 993",
    (8, 9): "32 36 51 66 213 224 250 258 264 355 377 385 387 593 855 886 962 963 970 971",
    (8, 10): "20 57 60 64 378 850 856 964 976 977",
    (8, 12): "383 972",
    (
        9,
        9,
    ): "33 34 41 56 61 93 94 211 212 218 221 233 237 240 242 244 245 249 251 255 256 260 261 262 263 351 375 380 "
    "420 590 594 596 966 992 994 995 996 998",
    (9, 10): "44 81 84 92",
    (9, 11): "31",
    (10, 10): "1 7 30 52 58 90 91 225 229 234",
    (10, 11): "54 55",
}
_BOUNDS = np.zeros((1000, 2), np.int64)
for _bounds, _codes in _NATIONAL.items():
    _BOUNDS[[int(code) for code in _codes.split()]] = _bounds
_TOLL_FREE = (800, 833, 844, 855, 866, 877, 888)
_FEWEST, _MOST = 7, 12  # digits of a number that only a word before it makes one

# Beginnings of Chinese mobile numbers (MIIT): all of 13, 15, 17, 18, 19 but those not given out.
_MOBILE = np.zeros(200, np.bool_)
_MOBILE[130:140] = _MOBILE[145:150] = _MOBILE[150:160] = _MOBILE[170:200] = True
_MOBILE[[154, 162, 165, 166, 167, 140, 141, 144, 179, 194]] = (
    False, True, True, True, True, False, False, False, False, False,
)  # fmt: skip


@njit(cache=True, nogil=True)
def _three(digits, first):  # type: ignore[no-untyped-def]
    return np.int64(100) * digits[first] + 10 * digits[first + 1] + digits[first + 2]


@njit(cache=True, nogil=True)
def _national_bounds(digits, first, total):  # type: ignore[no-untyped-def]
    """Fewest and most digits after digits[first:], which begin with a calling code, that code included; or 0, 0."""
    code = np.int64(0)
    for i in range(first, min(first + 3, total)):
        code = 10 * code + digits[i]
        if code == 0:
            break
        if _BOUNDS[code, 1]:
            length = i - first + 1
            return _BOUNDS[code, 0] + length, _BOUNDS[code, 1] + length
    return np.int64(0), np.int64(0)


@njit(cache=True, nogil=True)
def international(form, groups, count, digits, skipped):  # type: ignore[no-untyped-def]
    """A number after "+", or after 00, whose two digits are skipped: the most groups that its country has."""
    fewest, most = _national_bounds(digits, skipped, groups[count - 1, DIGITS])
    if most == 0 or (digits[skipped] == 1 and _three(digits, skipped + 1) in _TOLL_FREE):
        return 0
    for used in range(count, 0, -1):
        size = groups[used - 1, DIGITS] - skipped
        trunk = 0  # the 0 of "+44 (0)20", which is not dialled
        for i in range(1, used):
            trunk += groups[i, SEPARATOR] == OPEN and groups[i, END] - groups[i, START] == 1
        if size >= max(fewest, 8) and size - trunk <= most and ends(form, groups, used):
            return used
    return 0


@njit(cache=True, nogil=True)
def north_american(form, groups, count, digits, opened):  # type: ignore[no-untyped-def]
    """3-3-4 with hyphens, dots or the area code in brackets, alone or after 1 or 001."""
    first = 0
    head = groups[0, DIGITS]
    if count >= 4 and digits[head - 1] == 1 and (head == 1 or (head == 3 and digits[0] + digits[1] == 0)):
        first = 1
    used = first + 3
    if count < used or not ends(form, groups, used):
        return 0
    for i in range(3):
        if groups[first + i, END] - groups[first + i, START] != (4 if i == 2 else 3):
            return 0
    before = groups[first, DIGITS] - 3
    area, exchange = _three(digits, before), _three(digits, before + 3)
    if area < 200 or exchange < 200 or area in _TOLL_FREE or area == 400:
        return 0
    middle, last = groups[first + 1, SEPARATOR], groups[first + 2, SEPARATOR]
    bracket = middle == CLOSE and (opened or groups[first, SEPARATOR] == OPEN)
    return used if last in (HYPHEN, DOT) and (bracket or middle == last) else (used if bracket else 0)


@njit(cache=True, nogil=True)
def chinese(form, groups, count, digits, opened):  # type: ignore[no-untyped-def]
    """A mobile number, in one group or as 3-4-4, or a fixed line with its area code (YD/T 1114, E.164)."""
    if ends(form, groups, 1) and groups[0, DIGITS] == 11 and digits[0] == 1 and _MOBILE[_three(digits, 0)]:
        return int(_three(digits, 1) not in _TOLL_FREE or _in_chinese(form, groups[0, START]))
    printed = count >= 3 and shape(groups, 3) == 0x344 and uniform(groups, 3) in (SPACE, HYPHEN)
    if printed and ends(form, groups, 3) and digits[0] == 1 and _MOBILE[_three(digits, 0)]:
        return 3
    if count < 2 or not ends(form, groups, 2) or digits[0] != 0:
        return 0
    joined = groups[1, SEPARATOR] == HYPHEN or (opened and groups[1, SEPARATOR] == CLOSE)
    if not joined or digits[groups[0, DIGITS]] < 2:
        return 0
    if shape(groups, 2) == 0x38:
        return 2 if digits[1] in (1, 2) and (digits[1] == 2 or digits[2] == 0) else 0
    return 2 if shape(groups, 2) in (0x47, 0x48) and digits[1] >= 3 else 0


@njit(cache=True, nogil=True)
def _in_chinese(form, start):  # type: ignore[no-untyped-def]
    """Whether a character of a script without spaces stands shortly before: 18001234567 is toll-free elsewhere."""
    for i in range(max(0, start - 32), start):
        if form[i] == OTHER:
            return True
    return False


@njit(cache=True, nogil=True)
def other_national(form, groups, count, digits):  # type: ignore[no-untyped-def]
    """France's five pairs, and what Japan and Korea write as 0d-dddd-dddd."""
    if digits[0] != 0 or count < 3 or digits[1] == 0:
        return 0
    if count >= 5 and shape(groups, 5) == 0x22222 and ends(form, groups, 5):
        alone = groups[5, SEPARATOR] == 0 or groups[5, END] - groups[5, START] != 2  # a dump of bytes goes on
        other = _after_byte(form, groups) or _classified(groups, digits)
        return 5 if alone and uniform(groups, 5) in (SPACE, DOT, HYPHEN) and not other else 0
    if not ends(form, groups, 3) or uniform(groups, 3) != HYPHEN or not 9 <= groups[2, DIGITS] <= 11:
        return 0
    area, exchange = groups[0, DIGITS], groups[1, END] - groups[1, START]
    shaped = 2 <= area <= 4 and 2 <= exchange <= 4 and groups[2, END] - groups[2, START] == 4
    return 3 if shaped and (area, exchange) != (3, 2) else 0  # 3-2-4 are social security numbers


@njit(cache=True, nogil=True)
def _classified(groups, digits):  # type: ignore[no-untyped-def]
    """Whether pairs are those of a classification, 05.01.04.01.01: with points, and none of them above 19."""
    for i in range(2, 10, 2):
        if digits[i] > 1:
            return False
    return uniform(groups, 5) == DOT


@njit(cache=True, nogil=True)
def _after_byte(form, groups):  # type: ignore[no-untyped-def]
    """Whether two hexadecimal digits, one of 0 to 9, stand before the number, as in a dump of bytes."""
    start = groups[0, START]
    if start < 3:
        return False
    one, two = CLASS[form[start - 3]], CLASS[form[start - 2]]
    return bool((one | two) & IS_DIGIT and one and two)


@njit(cache=True, nogil=True)
def by_context(form, groups, count, digits):  # type: ignore[no-untyped-def]
    """What stands after a word for telephone: the most groups with 7 to 12 digits.

    But no toll-free number, no day (2024-12-31), and no decimal fraction in a row of numbers (5000000 0.04).
    """
    day = count >= 3 and shape(groups, 3) == 0x422 and uniform(groups, 3) and digits[0] in (1, 2)
    if day or _three(digits, int(digits[0] == 1)) in _TOLL_FREE:
        return 0
    for used in range(count, 0, -1):
        fits = _FEWEST <= groups[used - 1, DIGITS] <= _MOST
        if fits and ends(form, groups, used) and not _has_fraction(groups, used):
            return used
    return 0


@njit(cache=True, nogil=True)
def _has_fraction(groups, count):  # type: ignore[no-untyped-def]
    """Whether some of the first groups are separated by spaces and others by points."""
    spaces = points = False
    for i in range(1, count):
        spaces |= groups[i, SEPARATOR] == SPACE
        points |= groups[i, SEPARATOR] == DOT
    return spaces and points


@njit(cache=True, nogil=True)
def extension(form, end):  # type: ignore[no-untyped-def]
    """Where an extension such as x123 ends that follows a number, else where the number does."""
    if form[end] != 120 or CLASS[form[end + 1]] != IS_DIGIT:
        return end
    q = end + 1
    while CLASS[form[q]] == IS_DIGIT:
        q += 1
    return end if q - end > 7 or CLASS[form[q]] & IS_WORD else q
