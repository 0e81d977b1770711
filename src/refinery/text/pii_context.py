"""The words before a number that say what it is: "Tel.", "SSN:", "病历号"."""

from __future__ import annotations

import numpy as np
from numba import njit

PHONE, ADDRESS, VERSION, SSN, RECORD, KEY, PASSWORD, IDENTITY, SECTION = (1 << i for i in range(9))

# How far a word may stand before the number, in bytes, and the words in lower case.
_WORDS: dict[int, tuple[int, str]] = {
    PHONE: (
        24,
        "tel|tel.|phone|phones|telephone|telefon|tél|téléphone|telefone|teléfono|mobile|mobil|handy|fax|telefax|whatsapp"
        "|wechat|hotline|rufnummer|portable|电话|手机|传真|联系方式|热线|號碼|電話|手機|傳真|携帯|전화|휴대폰|тел|телефон",
    ),
    ADDRESS: (
        24,
        "ip|ips|dns|server|servers|host|hosts|address|addresses|ping|http://|https://|ssh|client|from|地址|服务器|代理",
    ),
    VERSION: (
        16,
        "version|versions|ver|ver.|v.|release|section|sections|sec.|chapter|rule|table|figure|fig.|clause|oid|article"
        "|§|§§|版本|版|第|章|节|条|kapitel|abschnitt|nr.|ziffer",
    ),
    SECTION: (16, "§|§§|section|sections|sec."),
    SSN: (
        16,
        "ssn|social security|social security number|social security no|social-security|soc. sec|soc sec",
    ),
    RECORD: (
        12,
        "mrn|medical record|medical record number|medical record no|patient id|patient number|patient no"
        "|chart number|chart no|hospital number|nhs number|nhs no|member id|patienten-id|patientennummer|fallnummer"
        "|versichertennummer|病历号|病案号|住院号|门诊号|就诊卡号|病歷號|住院號|医保卡号|患者id",
    ),
    KEY: (
        6,
        "api_key|apikey|api-key|api key|secret|secret_key|secretkey|secret key|client_secret|access_key|accesskey"
        "|access_token|auth_token|token|bearer|private_key|access key id|accesskeysecret|密钥",
    ),
    PASSWORD: (6, "password|passwd|pwd|passwort|密码|口令|密碼"),
    IDENTITY: (
        24,
        "身份证|身份证号|身份证号码|居民身份|公民身份|证件号|身分證|信用卡|银行卡|卡号|card|card number|kartennummer",
    ),
}
_ROWS = [(word.encode(), kind, reach) for kind, (reach, words) in _WORDS.items() for word in words.split("|")]
_ROWS.sort(key=lambda row: row[0][0])
_TEXT = np.frombuffer(b"".join(word for word, _, _ in _ROWS), np.uint8)
_FROM = np.cumsum([0] + [len(word) for word, _, _ in _ROWS]).astype(np.int64)
_KIND = np.array([kind for _, kind, _ in _ROWS], np.int64)
_REACH = np.array([reach for _, _, reach in _ROWS], np.int64)
_FIRST_ROW = np.searchsorted([word[0] for word, _, _ in _ROWS], np.arange(257)).astype(
    np.int64
)  # by first byte
_WINDOW = max(reach + len(word) for word, _, reach in _ROWS)


@njit(cache=True, nogil=True)
def _lower(byte):  # type: ignore[no-untyped-def]
    return byte + 32 if 65 <= byte <= 90 else byte


@njit(cache=True, nogil=True)
def _is_letter(byte):  # type: ignore[no-untyped-def]
    return 97 <= _lower(byte) <= 122


@njit(cache=True, nogil=True)
def context(data, low, start):  # type: ignore[no-untyped-def]
    """The kinds (bits, int64) whose words stand before data[start], on its line, not before data[low]."""
    found = np.int64(0)
    first = start
    while first > low and start - first < _WINDOW and data[first - 1] != 10:
        first -= 1
    for p in range(first, start):
        byte = _lower(data[p])
        if p > low and _is_letter(byte) and _is_letter(data[p - 1]):
            continue
        for row in range(_FIRST_ROW[byte], _FIRST_ROW[byte + 1]):
            length = _FROM[row + 1] - _FROM[row]
            end = p + length
            if end > start or start - end > _REACH[row]:
                continue
            same = True
            for i in range(1, length):
                if _lower(data[p + i]) != _TEXT[_FROM[row] + i]:
                    same = False
                    break
            if same and not (end < start and _is_letter(data[end - 1]) and _is_letter(data[end])):
                found |= _KIND[row]
    return found
