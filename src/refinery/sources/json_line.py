"""Parsing one JSON line: numbers keep their digits, NaN is known, nesting is bounded, a refusal has a reason.

orjson parses. The standard library, which is slower, is asked about the few lines that orjson refuses (it knows no
NaN) or in which it would round an integer to a double.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

MAX_LEVELS = 250  # objects and lists in one another; orjson writes no more than 254
_TOO_DEEP = f"it is nested more than {MAX_LEVELS} deep"
_ORJSON_INTEGERS = range(-(2**63), 2**64)
_LONG = 19  # digits of the shortest integer beyond 64 bits
_DIGITS_AS_0 = bytes(ord("0") if chr(byte).isascii() and chr(byte).isdigit() else 32 for byte in range(256))


class RefusedError(Exception):
    """A line that cannot be taken; `reason` is the reject's."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse_line(line: bytes) -> Any:
    """The line's value; a number beyond 64 bits is an orjson.Fragment of its digits, which orjson writes as it was.

    Raises RefusedError with the reason `not_json`, `invalid_utf8` or `lone_surrogate`.
    """
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _second_opinion(line, error)
    _check_levels(found, line)
    # a run of digits in a text or a fraction costs a second parse and changes nothing
    if b"0" * _LONG in line.translate(_DIGITS_AS_0):
        return _exact(line.decode())
    return found


def is_json(line: bytes) -> bool:
    """Whether the line is JSON to a parser that allows NaN and lone surrogates."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            _check_levels(_exact(line.decode()), line)
        except (ValueError, RecursionError, RefusedError):  # how deep Python goes differs by its version
            return False
    return True


def _second_opinion(line: bytes, error: orjson.JSONDecodeError) -> Any:
    """The value of a line that orjson refuses, or why it is none."""
    try:
        found = _exact(line.decode())
    except UnicodeDecodeError as wrong:
        raise RefusedError("invalid_utf8", f"byte {wrong.start} of the line: {wrong.reason}") from None
    except RecursionError:
        raise RefusedError("not_json", _TOO_DEEP) from None
    except ValueError:
        raise RefusedError("not_json", str(error)[:200]) from None
    _check_levels(found, line)
    try:  # nothing else that was parsed here is refused in writing
        orjson.dumps(found)
    except orjson.JSONEncodeError:
        raise RefusedError("lone_surrogate", str(error)[:200]) from None
    return found


def _exact(line: str) -> Any:
    return json.loads(line, parse_int=_integer, parse_float=_double)


def _integer(digits: str) -> int | orjson.Fragment:
    if len(digits) <= _LONG + 1 and (value := int(digits)) in _ORJSON_INTEGERS:
        return value
    return orjson.Fragment(digits)


def _double(digits: str) -> float | orjson.Fragment:
    value = float(digits)
    return orjson.Fragment(digits) if math.isinf(value) else value


def _check_levels(found: Any, line: bytes) -> None:
    """Raises RefusedError for a value of more than MAX_LEVELS levels."""
    if line.count(b"{") + line.count(b"[") <= MAX_LEVELS:
        return
    level = [found]
    for _ in range(MAX_LEVELS + 1):
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return
        level = [value for outer in level for value in (outer.values() if isinstance(outer, dict) else outer)]
    raise RefusedError("not_json", _TOO_DEEP)
