"""Tokens that hold letters and digits: e-mail addresses, IBANs, keys and secrets, record numbers by context."""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text import pii_context as words
from refinery.text.pii_form import (
    CLASS,
    IS_ALNUM,
    IS_ALPHABETIC,
    IS_DIGIT,
    IS_JOINT,
    IS_LOWER,
    IS_UPPER,
    IS_WORD,
)

MOST_LOCAL, MOST_DOMAIN, MOST_TOKEN = 64, 253, 512  # RFC 5321, 4.5.3.1; a longer token is data, not a key

_LOCAL = np.zeros(256, np.bool_)  # of an address before the "@": what is in use of RFC 5322's atext
_LOCAL[[*range(48, 58), *range(65, 91), *range(97, 123), 0x80, *(ord(char) for char in "._%+-&'")]] = True
# Ends of file names, where a domain has its top level: "logo@2x.png".
_FILES = tuple(b"png jpg jpeg gif svg webp bmp ico css js json html htm php pdf".split())
_FILE_TEXT = np.frombuffer(b"".join(_FILES), np.uint8)
_FILE_FROM = np.cumsum([0] + [len(end) for end in _FILES]).astype(np.int64)

# SWIFT's IBAN registry: length by country.
_LENGTHS = np.zeros((26, 26), np.int64)
_IBANS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30"
)
for _entry in _IBANS.split():
    _LENGTHS[ord(_entry[0]) - 65, ord(_entry[1]) - 65] = int(_entry[2:])

# Beginnings of keys as their issuers document them, and the fewest characters after each.
_PREFIXES = {
    "AKIA": 16, "ASIA": 16, "LTAI": 12, "AIza": 35, "ghp_": 36, "gho_": 36, "ghu_": 36, "ghs_": 36, "ghr_": 36,
    "github_pat_": 40, "glpat-": 20, "sk-": 32, "sk_live_": 16, "sk_test_": 16, "rk_live_": 16, "xoxb-": 20,
    "xoxp-": 20, "xoxa-": 20, "hf_": 30, "npm_": 36, "pypi-": 60, "dop_v1_": 60, "shpat_": 32, "gsk_": 40,
}  # fmt: skip
_PREFIX_TEXT = np.frombuffer("".join(_PREFIXES).encode(), np.uint8)
_PREFIX_FROM = np.cumsum([0] + [len(prefix) for prefix in _PREFIXES]).astype(np.int64)
_PREFIX_REST = np.array(list(_PREFIXES.values()), np.int64)
_BEGIN = np.frombuffer(b"-----BEGIN ", np.uint8)
_PRIVATE = np.frombuffer(b"PRIVATE KEY-----", np.uint8)
_END = np.frombuffer(b"-----END ", np.uint8)
_MOST_PEM = 20_000  # bytes of a private key in PEM


@njit(cache=True, nogil=True)
def _same(form, p, end, text, start, stop):  # type: ignore[no-untyped-def]
    """Whether form[p:end] begins with text[start:stop]."""
    if p + stop - start > end:
        return False
    for i in range(stop - start):
        if form[p + i] != text[start + i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _is_file(form, start, end):  # type: ignore[no-untyped-def]
    for i in range(len(_FILE_FROM) - 1):
        if end - start == _FILE_FROM[i + 1] - _FILE_FROM[i] and _same(
            form, start, end, _FILE_TEXT, _FILE_FROM[i], _FILE_FROM[i + 1]
        ):
            return True
    return False


@njit(cache=True, nogil=True)
def email(form, at, low):  # type: ignore[no-untyped-def]
    """Start and end of the address whose "@" is form[at] and that begins not before low; 0, 0 for none."""
    none = np.int64(0), np.int64(0)
    start = at
    while start > low and at - start < MOST_LOCAL and _LOCAL[form[start - 1]]:
        start -= 1
    while start < at and not (CLASS[form[start]] & IS_WORD or form[start] == 95):
        start += 1
    if start == at or not (CLASS[form[at - 1]] & IS_WORD or form[at - 1] in (95, 45, 43)):
        return none
    if at - start == 3 and form[start] == 103 and form[start + 1] == 105 and form[start + 2] == 116:
        return none  # git@github.com:owner/name is nobody's
    p, end, label = at + 1, np.int64(0), at + 1
    while p - at <= MOST_DOMAIN:
        if CLASS[form[p]] & IS_WORD:
            p += 1
            continue
        if p == label:
            break
        if label > at + 1 and form[p] != 95 and _is_top_level(form, label, p):
            end = p
        if form[p] == 46:
            if form[p - 1] == 45:
                break
            label = p + 1
        elif form[p] != 45:
            break
        p += 1
    if end == 0:
        return none
    return start, end


@njit(cache=True, nogil=True)
def _is_top_level(form, start, end):  # type: ignore[no-untyped-def]
    """Two letters or more, and no end of a file's name; or a name in Punycode."""
    if end - start > 4 and form[start] == 120 and form[start + 1] == 110 and form[start + 2] == 45:
        return True
    for i in range(start, end):
        if not CLASS[form[i]] & (IS_UPPER | IS_LOWER):
            return False
    return 2 <= end - start <= 24 and not _is_file(form, start, end)


@njit(cache=True, nogil=True)
def iban(form, start):  # type: ignore[no-untyped-def]
    """Where the IBAN ends that begins at form[start], in one piece or in groups of four; 0 for none (ISO 13616)."""
    if (
        not (CLASS[form[start]] == IS_UPPER and CLASS[form[start + 1]] == IS_UPPER)
        or CLASS[form[start - 1]] & IS_WORD
    ):
        return 0
    length = _LENGTHS[form[start] - 65, form[start + 1] - 65]
    spaced = form[start + 4] == 32
    p, size, rest, head = start, 0, np.int64(0), np.int64(0)
    while size < length:
        if spaced and size and size % 4 == 0:
            if form[p] != 32:
                return 0
            p += 1
        kind = CLASS[form[p]]
        if not (kind == IS_UPPER and not 2 <= size <= 3) and kind != IS_DIGIT:
            return 0
        value = np.int64(form[p] - 48) if kind == IS_DIGIT else np.int64(form[p] - 55)
        if size < 4:
            head = head * (10 if value < 10 else 100) + value
        else:
            rest = (rest * (10 if value < 10 else 100) + value) % 97
        size += 1
        p += 1
    if length == 0 or CLASS[form[p]] & IS_WORD:
        return 0
    return p if (rest * 1_000_000 + head) % 97 == 1 else 0


@njit(cache=True, nogil=True)
def token(form, p, low):  # type: ignore[no-untyped-def]
    """Start and end of the run of letters, digits, "-" and "_" around form[p], not before low."""
    start, end = p, p
    while start > low and p - start < MOST_TOKEN and CLASS[form[start - 1]] & (IS_ALNUM | IS_JOINT):
        start -= 1
    while end - p < MOST_TOKEN and CLASS[form[end]] & (IS_ALNUM | IS_JOINT):
        end += 1
    return start, end


@njit(cache=True, nogil=True)
def _classes(form, start, end):  # type: ignore[no-untyped-def]
    """Classes of characters of a token (bits), and how many of it are digits."""
    found, digits = 0, 0
    for i in range(start, end):
        found |= CLASS[form[i]]
        digits += CLASS[form[i]] == IS_DIGIT
    return found, digits


@njit(cache=True, nogil=True)
def secret(form, start, end, context):  # type: ignore[no-untyped-def]
    """Where a key or a secret ends that the token form[start:end] begins; 0 for none."""
    if (
        CLASS[form[start - 1]] & IS_ALPHABETIC
        or CLASS[form[end]] & IS_ALPHABETIC
        or end - start >= MOST_TOKEN
    ):
        return 0
    found, digits = _classes(form, start, end)
    for i in range(len(_PREFIX_REST)):
        length = _PREFIX_FROM[i + 1] - _PREFIX_FROM[i]
        if end - start >= length + _PREFIX_REST[i] and _same(
            form, start, end, _PREFIX_TEXT, _PREFIX_FROM[i], _PREFIX_FROM[i + 1]
        ):
            return end
    if form[start] == 101 and form[start + 1] == 121 and form[start + 2] == 74 and end - start >= 16:
        return _web_token(form, end)
    assigned = form[start - 1] in (58, 61, 34, 39, 32)  # : = " ' and a space
    if not assigned or digits == 0 or not found & (IS_LOWER | IS_UPPER):
        return 0
    fewest = 8 if context & words.PASSWORD else 16 if context & words.KEY else 0
    return end if fewest and end - start >= fewest and digits * 12 >= end - start else 0


@njit(cache=True, nogil=True)
def _web_token(form, end):  # type: ignore[no-untyped-def]
    """Where a JSON Web Token ends whose header does at form[end]: two parts more, RFC 7519."""
    for _ in range(2):
        if form[end] != 46:
            return 0
        end += 1
        first = end
        while CLASS[form[end]] & (IS_ALNUM | IS_JOINT):
            end += 1
        if end - first < 8:
            return 0
    return end


@njit(cache=True, nogil=True)
def record(form, start, end):  # type: ignore[no-untyped-def]
    """Whether a token after words for one is a record's number: 5 to 16 characters, capitals and 4 digits or more."""
    found, digits = _classes(form, start, end)
    return 5 <= end - start <= 16 and digits >= 4 and not found & (IS_LOWER | IS_ALPHABETIC)


@njit(cache=True, nogil=True)
def private_key(form, p, size):  # type: ignore[no-untyped-def]
    """Where a private key in PEM ends that begins at form[p]; 0 for none. Without its end it is its first line."""
    if not _same(form, p, size, _BEGIN, 0, len(_BEGIN)):
        return 0
    q = p + len(_BEGIN)
    while q - p < 48 and not _same(form, q, size, _PRIVATE, 0, len(_PRIVATE)):
        if form[q] == 10:
            return 0
        q += 1
    if not _same(form, q, size, _PRIVATE, 0, len(_PRIVATE)):
        return 0
    first = q + len(_PRIVATE)
    q = first
    while q - p < _MOST_PEM and q < size:
        if form[q] == 45 and _same(form, q, size, _END, 0, len(_END)):
            while q < size and form[q] != 10:
                q += 1
            return q
        q += 1
    return first
