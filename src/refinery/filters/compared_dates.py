"""Dates in SQL: what compares one with a number, which Polars takes for days since 1970, or with a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

_COMPARISONS = {"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "EqValidity", "NotEqValidity"}
_YEAR, _DATE = re.compile(r"[12]\d{3}"), re.compile(r"\d{4}-\d{2}-\d{2}")


def date_problems(expression: pl.Expr, types: Mapping[str, pl.DataType]) -> list[str]:
    """What to write in place of each comparison of a date or time with what is none; types: of the columns."""
    temporal = {name: kind for name, kind in types.items() if kind.is_temporal()}
    if not temporal:
        return []
    tree = json.loads(expression.meta.serialize(format="json"))
    return [
        _problem(one["Column"], other, temporal)
        for left, right in _comparisons(tree)
        for one, other in ((left, right), (right, left))
        if one.get("Column") in temporal and _is_no_date(other, types)
    ]


def _comparisons(tree: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Both sides of each comparison, anywhere in an expression."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("op") in _COMPARISONS:
                yield node["left"], node["right"]
            pending += reversed(node.values())
        elif isinstance(node, list):
            pending += reversed(node)


def _is_no_date(side: dict[str, Any], types: Mapping[str, pl.DataType]) -> bool:
    """Whether a side is plainly no date: a number, a text, or a column of these."""
    if "Column" in side:
        return not types[side["Column"]].is_temporal()
    return _literal(side) is not None


def _literal(side: dict[str, Any]) -> str | None:
    """A number or text as it stands in the SQL."""
    value = side.get("Literal", {})
    for kind in ("Dyn", "Scalar"):
        for word, found in value.get(kind, {}).items() if isinstance(value.get(kind), dict) else ():
            if word == "String":
                return f"'{found}'"
            if word.startswith(("Int", "UInt", "Float")):
                return str(found)
    return None


def _problem(column: str, other: dict[str, Any], temporal: Mapping[str, pl.DataType]) -> str:
    what = "a date" if temporal[column] == pl.Date else "a date with a time"
    written = _literal(other) or other["Column"]
    plain = written.strip("'")
    meant = plain if _DATE.fullmatch(plain) else f"{plain}-01-01" if _YEAR.fullmatch(plain) else "2015-01-31"
    return f"{column} is {what} and cannot be compared with {written}: write DATE '{meant}'"
