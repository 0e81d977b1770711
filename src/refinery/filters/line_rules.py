"""Rules on lines and paragraphs: named SQL predicates that those which stay satisfy, as rules of documents are.

A `keep` of lines has the entries that one of documents has: a set by name or path, {rules: set, without: [...]},
{name: predicate}.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Discriminator, StringConstraints, Tag, ValidationInfo

from refinery.definition.models import RuleSetUse, kind_of_entry
from refinery.definition.paths import HERE, is_path
from refinery.definition.values import Name, OneOrMore
from refinery.errors import DefinitionError, InputError
from refinery.filters.rules import OF_LINES, Rule, resolve_rules

if TYPE_CHECKING:
    import polars as pl

    from refinery.filters.line_counts import Counted
    from refinery.text.batch import TextBatch
    from refinery.text.visible_lines import Spans

_ANCHORED = re.compile(r"(?:\(\?i\))?\^")
BLOCK = 1 << 17  # lines that are measured at a time: 40 MiB at most besides their texts


def _found(name: str, info: ValidationInfo) -> str:
    try:
        return str((info.context or HERE).file(name)) if is_path(name) else name
    except DefinitionError as error:
        raise ValueError("; ".join(error.problems)) from None


SetName = Annotated[str, StringConstraints(min_length=1), AfterValidator(_found)]


class LineSetUse(RuleSetUse):
    """A set of rules on lines with some of them left out."""

    rules: SetName


LineEntries = Annotated[
    tuple[
        Annotated[
            Annotated[SetName, Tag("name")]
            | Annotated[LineSetUse, Tag("set")]
            | Annotated[dict[Name, str], Tag("predicates")],
            Discriminator(kind_of_entry),
        ],
        ...,
    ],
    OneOrMore(),
]


@dataclass(frozen=True)
class LineRules:
    """Rules in the order in which they judge, and the columns that they read."""

    rules: tuple[Rule, ...] = ()
    columns: frozenset[str] = frozenset()

    def first_failed(
        self, batch: TextBatch, spans: Spans, counted: Counted | None = None
    ) -> NDArray[np.int16]:
        """Of each line or paragraph the rule that it fails first, -1 for none; raises InputError.

        A predicate that is NULL has failed. counted: in how many documents lines are.
        """
        from refinery.filters.line_columns import Parts

        starts = range(0, len(spans), BLOCK)
        prose = None
        if self.columns & {"prose_above", "prose_below"}:
            blocks = (Parts(batch, spans, at, min(at + BLOCK, len(spans))) for at in starts)
            prose = np.concatenate([np.empty(0, np.bool_), *(block.is_prose for block in blocks)])
        failed = [np.empty(0, np.int16)]
        for at in starts:
            stop = min(at + BLOCK, len(spans))
            parts = Parts(batch, spans, at, stop, prose, counted)
            failed.append(_first_failed(parts.frame(self.columns), self.rules))
        return np.concatenate(failed)


class _Condition(NamedTuple):
    """One of the conditions of a rule; begins: if it is `text !~ '^...'`, that expression, else empty."""

    expr: pl.Expr
    begins: str


def _first_failed(frame: pl.DataFrame, rules: Sequence[Rule]) -> NDArray[np.int16]:
    import polars as pl

    from refinery.sources.sql import sentence_of

    found = np.full(frame.height, -1, np.int16)
    suspect = _suspects(frame, tuple(rule.predicate for rule in rules))
    for number, rule in enumerate(rules):
        pending = np.flatnonzero(found < 0)
        conditions = _alternatives(rule.predicate)
        if suspect is not None and any(condition.begins for condition in conditions):
            pending = pending[suspect[pending]]
        for condition in conditions:
            try:
                passed = _judge(frame, pending, condition.expr)
            except pl.exceptions.PolarsError as error:
                raise InputError(f"rule {rule.name}", f"cannot be computed: {sentence_of(error)}") from None
            pending = pending[~passed]
        found[pending] = number
    return found


def _suspects(frame: pl.DataFrame, predicates: tuple[str, ...]) -> NDArray[np.bool_] | None:
    """The rows whose text begins as some rule says that it must not, by one expression in place of one a rule.

    None where no two rules say so, or their expressions cannot be put together (groups of one name).
    """
    import polars as pl

    begins = [condition.begins for one in predicates for condition in _alternatives(one) if condition.begins]
    if len(begins) < 2:
        return None
    try:
        return frame["text"].str.contains("|".join(f"(?:{pattern})" for pattern in begins)).to_numpy()
    except pl.exceptions.PolarsError:
        return None


def _judge(frame: pl.DataFrame, rows: NDArray[np.int64], condition: pl.Expr) -> NDArray[np.bool_]:
    """Whether a condition is true for rows; taking out a few costs less than judging all."""
    some = 2 * len(rows) < frame.height
    judged = frame[rows] if some else frame
    found = judged.select(condition.fill_null(value=False).alias("")).to_series().to_numpy()
    return found if some else found[rows]


@lru_cache(maxsize=1024)
def _alternatives(predicate: str) -> tuple[_Condition, ...]:
    """The conditions of which one is enough, so that a costly one is judged only where those before it fail.

    >>> len(_alternatives("words > 9 OR terminal OR (bullet AND chars > 1)"))
    3
    """
    import polars as pl

    from refinery.sources.sql import parse

    pending, found = [json.loads(parse(predicate).meta.serialize(format="json"))], list[_Condition]()
    while pending:
        node = pending.pop()
        fields = node.get("BinaryExpr", {})
        if fields.get("op") == "Or":
            pending += [fields["right"], fields["left"]]
        else:
            expr = pl.Expr.deserialize(io.StringIO(json.dumps(node)), format="json")
            found.append(_Condition(expr, _begins(expr)))
    return tuple(found)


def _begins(condition: pl.Expr) -> str:
    """The regular expression of `text !~ '^...'`, empty for other conditions."""
    import polars as pl

    for contains in condition.meta.pop():
        for part in contains.meta.pop():
            if part.meta.is_literal() and isinstance(pattern := pl.select(part).item(), str):
                negated = pl.col("text").str.contains(pattern).not_()
                if _ANCHORED.match(pattern) and condition.meta.eq(negated):
                    return pattern
    return ""


def line_rules(entries: LineEntries, setting: str) -> LineRules:
    """The rules of a setting, `keep` or `paragraphs`; raises DefinitionError with all that is wrong."""
    from refinery.filters.line_columns import columns_of_parts
    from refinery.filters.predicate import columns_of, problems

    known = columns_of_parts(paragraphs=setting == "paragraphs")
    try:
        rules = resolve_rules(entries, measured=(), folder=OF_LINES)
    except DefinitionError as error:
        raise DefinitionError(*(f"{setting}: {problem}" for problem in error.problems)) from None
    found = [
        f"{rule.place or setting}: {rule.name}: {message}"
        for rule in rules
        for message in problems(rule.predicate, known)
    ]
    if found:
        raise DefinitionError(*found)
    return LineRules(rules, frozenset[str]().union(*(columns_of(rule.predicate) for rule in rules)))
