"""Fingerprints: what names every cached result, so that equal work has an equal name."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import xxhash
from pydantic import BaseModel


def fingerprint(*parts: object) -> str:
    """32 hex digits (xxh3-128) of the canonical JSON of `parts`: key order never matters, values always do.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    encoded = orjson.dumps(parts, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return xxhash.xxh3_128_hexdigest(encoded)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, set, frozenset)):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")
