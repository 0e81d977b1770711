"""One row of JSON Lines: from a line to its text, its id and its other values, or to the reason why it has none."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import orjson

from refinery.sources import json_line
from refinery.sources.document_text import NotTextError, joined, kind_of, text_of
from refinery.sources.documents import Reject, Shard, SourceSpec
from refinery.sources.source_schema import asked_names

MISSING = object()  # an id that is to be minted
_INT64 = range(-(2**63), 2**63)


class _Picked:
    """A value that is taken out of a row: a key of that very name, else the name taken as dotted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._steps = name.split(".")

    def pop(self, row: dict[str, Any]) -> Any:
        """The value, or MISSING; the row is left without it."""
        value = row.pop(self.name, MISSING)
        return value if value is not MISSING or len(self._steps) == 1 else _pop_nested(row, self._steps)


def _pop_nested(row: dict[str, Any], steps: list[str]) -> Any:
    """As `_Picked.pop`; below a list it is the list of what its objects have."""
    if len(steps) == 1:
        return row.pop(steps[0], MISSING)
    below = row.get(steps[0])
    if isinstance(below, dict):
        value = _pop_nested(below, steps[1:])
    elif isinstance(below, list) and below and all(isinstance(one, dict) for one in below):
        each = [_pop_nested(one, steps[1:]) for one in below]
        value = [one for one in each if one is not MISSING] or MISSING
    else:
        return MISSING
    if not (any(below) if isinstance(below, list) else below):
        del row[steps[0]]
    return value


class JsonRows:
    """Turns a line into id, text and the rest of the row, or into a reject."""

    def __init__(self, shard: Shard, spec: SourceSpec, looked_at: Collection[str] = ()) -> None:
        """looked_at: columns of the text that are among the others, too."""
        self._looked_at = looked_at
        self._texts = [_Picked(name) for name in spec.texts]
        self._id = _Picked(spec.id or "id")
        self.made = shard.made
        self._asked = asked_names(spec)
        self._missing_id = None if spec.id else MISSING

    def parse(self, row: int, line: bytes) -> tuple[str, Any, dict[str, Any]] | Reject:
        """(text, id, other columns that the source may ask for).

        The id is an int64, a string, None, or MISSING where one is to be minted.
        """
        try:
            found = json_line.parse_line(line)
        except json_line.RefusedError as error:
            return Reject(row, error.reason, error.detail)
        if not isinstance(found, dict):
            return Reject(row, "not_object", f"a JSON {kind_of(found)}")
        text = self._text(row, found)
        if isinstance(text, Reject):
            return text
        name = self._id.pop(found)
        if name is MISSING:
            name = self._missing_id
        elif not isinstance(name, str) and name is not None:
            name = self._id_value(name, line)
        for made in self.made:
            found.pop(made, None)
        if self._asked is not None:
            found = {key: value for key, value in found.items() if key in self._asked}
        return text, name, found

    def _text(self, row: int, found: dict[str, Any]) -> str | Reject:
        if not self._texts:
            return ""
        keys = ", ".join(found)[:100]
        texts: list[str | None] = []
        looked_at: dict[str, str | None] = {}
        for picked in self._texts:
            if (value := picked.pop(found)) is not MISSING:
                try:
                    texts.append(text_of(value))
                    if picked.name in self._looked_at:
                        looked_at[picked.name] = texts[-1]
                except NotTextError as error:
                    return Reject(row, "text_not_string", f"{picked.name!r} is {error}")
        found |= looked_at
        if not texts:
            wanted = " or ".join(repr(picked.name) for picked in self._texts)
            return Reject(row, "missing_text", f"no key {wanted}; there is {keys}")
        if all(text is None for text in texts):
            return Reject(row, "null_text")
        return texts[0] or "" if len(texts) == 1 else joined(texts)

    def _id_value(self, value: Any, line: bytes) -> int | str:
        if type(value) is int and value in _INT64:
            return value
        if type(value) is float:  # the digits as they were written
            value = self._id.pop(json.loads(line, parse_float=str, parse_int=str, parse_constant=str))
        return value if isinstance(value, str) else orjson.dumps(value).decode()
