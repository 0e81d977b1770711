"""SQL over the columns of one document, checked before any work: syntax, columns, types, labels. Imports Polars."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import polars as pl
import pyarrow as pa

from refinery.errors import DefinitionError, InputError, nearest
from refinery.filters.compared_dates import date_problems
from refinery.filters.language_codes import UNDETERMINED
from refinery.filters.lexicon import pack_measuring
from refinery.filters.model_functions import as_numbers
from refinery.filters.values import PLAIN, is_plain
from refinery.sources.sql import in_short, parse, sentence_of

# What a predicate may be made of in Polars' own form: all else (Agg, Over, Len, SubPlan) sees other rows.
ROW_WISE = {"Column", "Literal", "BinaryExpr", "Function", "Cast", "Ternary", "Alias"}
OTHER_ROWS = {"Range", "Shift", "CumCount", "CumSum", "CumMin", "CumMax", "CumProd", "Rank", "Diff", "Random"}
TOKEN = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[A-Za-z_]\w*|<>|!=|==|[<>]=?|\S""")
_OWN_SOURCE = (
    "; it is the name of a source of the definition: a column `source` of the files is read under another name, by "
    "`columns: {origin: {from: source}}` of its source"
)
EQUALITY = {"=", "==", "<>", "!="}


def columns_of(predicate: str) -> frozenset[str]:
    """The columns that a predicate reads; raises DefinitionError when it is not SQL."""
    return frozenset(parse(as_numbers(predicate)).meta.root_names())


def problems(
    predicate: str, columns: Mapping[str, Any], labels: Mapping[str, frozenset[str]] | None = None
) -> list[str]:
    """What is wrong with a predicate, one sentence each; an empty list when it can be used.

    `columns` maps the names that can be used to Polars or Arrow types; `labels` maps text columns to the
    values that they can hold (the languages of a model), so that a comparison with any other value
    is found here.
    """
    try:
        result = _computed(predicate, columns, "a rule judges each document").dtype
    except DefinitionError as error:
        return list(error.problems)
    if result != pl.Boolean:
        return [f"it gives {result}, not true or false: {in_short(predicate)}"]
    return _impossible(predicate, labels or {})


def type_of(
    expression: str, columns: Mapping[str, Any], labels: Mapping[str, frozenset[str]] | None = None
) -> pa.DataType:
    """The type of what an expression gives, one that `compute` makes; columns, labels: as for `problems`.

    Raises DefinitionError with all that is wrong with it.
    """
    result = _plain(_computed(expression, columns, "a column is derived for each document"))
    kind = pa.string() if result.dtype == pl.String else result.to_arrow().type
    if pa.types.is_null(kind) or not is_plain(kind):
        raise DefinitionError(f"it gives {result.dtype}, not {PLAIN}: {in_short(expression)}")
    if found := _impossible(expression, labels or {}):
        raise DefinitionError(*found)
    return kind


def compute(expression: str, columns: pl.DataFrame) -> pl.Series:
    """The values of an expression that `type_of` has found sound.

    Whole numbers have 64 bits, decimals become floats. Raises InputError for values that break it.
    """
    try:
        return _plain(columns.select(parse(expression).alias("")).to_series())
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"derive: {in_short(expression)}", f"cannot be computed: {sentence_of(error)}"
        ) from None


def _computed(expression: str, columns: Mapping[str, Any], what: str) -> pl.Series:
    """The expression of one row of NULLs; raises DefinitionError when it is not one of each document's columns.

    Comparisons of text with numbers are found only when an expression is computed.
    """
    parsed = parse(as_numbers(expression))
    names = parsed.meta.root_names()
    if unknown := sorted(set(names) - set(columns)):
        raise DefinitionError(*(_unknown_column(name, expression, columns) for name in unknown))
    if not names:
        raise DefinitionError(
            f"it reads no measurement, so it is the same for all documents: {in_short(expression)}"
        )
    if not _is_row_wise(parsed):
        raise DefinitionError(
            f"{what} by itself, without aggregates, windows or subqueries: {in_short(expression)}"
        )
    types = {name: _polars_type(columns[name]) for name in names}
    if found := date_problems(parsed, types):
        raise DefinitionError(*(f"{message}: {in_short(expression)}" for message in found))
    row = pl.DataFrame({name: pl.Series([None], dtype=kind) for name, kind in types.items()})
    try:
        return row.select(parsed.alias("")).to_series()
    except pl.exceptions.PolarsError as error:
        given = ", ".join(f"{name} is {_in_words(kind)}" for name, kind in types.items())
        raise DefinitionError(f"{sentence_of(error)} ({given}): {in_short(expression)}") from None


def _in_words(kind: pl.DataType) -> str:
    """What people call a value of a type."""
    if kind.is_integer():
        return "a whole number"
    words = {pl.String: "text", pl.Boolean: "true or false", pl.Date: "a date"}
    return "a number" if kind.is_numeric() else words.get(type(kind), str(kind))


def _plain(values: pl.Series) -> pl.Series:
    """Numbers in types that do not depend on how an expression is written."""
    if values.dtype.is_decimal():
        return values.cast(pl.Float64)
    return values.cast(pl.Int64) if values.dtype.is_integer() and values.dtype != pl.UInt64 else values


def _impossible(predicate: str, labels: Mapping[str, frozenset[str]]) -> list[str]:
    return [
        f"{column} is never {value!r}{_near_label(value, labels[column])}{_OWN_SOURCE if column == 'source' else ''}"
        for column, value in _compared(predicate)
        if column in labels and value not in labels[column] and value != UNDETERMINED
    ]


def _polars_type(kind: Any) -> pl.DataType:
    if isinstance(kind, pa.DataType):
        return pl.Series(pa.nulls(0, kind)).dtype  # pa.array would import pandas
    return pl.Series([], dtype=kind).dtype


def _unknown_column(name: str, predicate: str, columns: Mapping[str, Any]) -> str:
    if f'"{name}"' in predicate:
        return f"""no column "{name}"; double quotes name a column, text is written '{name}'"""
    if pack := pack_measuring(name):
        return f'no column "{name}"; measure it: {{terms: {{pack: {pack}}}}}'
    if name == "id":
        return 'no column "id"; SQL does not read ids: verbs do (`prefer`, `by`)'
    if name.startswith("stop_words_") and "words" in columns:
        language = name.removeprefix("stop_words_")
        return f'no column "{name}"; write `{{signals: {{stop_words: [{language}]}}}}` in `measure`'
    return f'no column "{name}"{nearest(name, columns)}'


def _is_row_wise(expression: pl.Expr) -> bool:
    """Whether each row's verdict depends on that row alone, by the kinds of nodes in the expression."""
    pending = [json.loads(expression.meta.serialize(format="json"))]
    while pending:
        node = pending.pop()
        if isinstance(node, str):  # a node without fields, such as Len or Element
            return False
        kind, fields = next(iter(node.items()))
        if kind not in ROW_WISE:
            return False
        pending += _operands(kind, fields)
        if kind == "Function" and OTHER_ROWS & set(_words(fields["function"])):
            return False
    return True


def _operands(kind: str, fields: Any) -> list[Any]:
    if kind in {"Column", "Literal"}:
        return []
    if kind == "Alias":
        return [fields[0]]
    if kind == "Function":
        return list(fields["input"])
    names = {"BinaryExpr": ("left", "right"), "Cast": ("expr",), "Ternary": ("predicate", "truthy", "falsy")}
    return [fields[name] for name in names[kind]]


def _words(function: Any) -> Iterator[str]:
    """Every name in the description of a function: {"Range": {"IntRange": ...}} gives Range, IntRange."""
    if isinstance(function, str):
        yield function
    elif isinstance(function, dict):
        for key, value in function.items():
            yield key
            yield from _words(value)


def _compared(predicate: str) -> Iterator[tuple[str, str]]:
    """Column and text of every `column = 'text'`, `'text' <> column`, `column [NOT] IN ('text', ...)`.

    Read from the tokens: Polars gives no stable access to the literals of an expression.

    >>> list(_compared("lang = 'en' OR lang NOT IN ('de', 'fr')"))
    [('lang', 'en'), ('lang', 'de'), ('lang', 'fr')]
    """
    tokens = [token for token in TOKEN.findall(predicate) if not token.startswith("--")]
    for index, token in enumerate(tokens):
        before, after = tokens[max(index - 2, 0) : index], tokens[index + 1 : index + 4]
        if _is_name(token) and len(after) >= 2 and after[0] in EQUALITY and after[1].startswith("'"):
            yield _name(token), _text(after[1])
        elif _is_name(token) and len(before) == 2 and before[1] in EQUALITY and before[0].startswith("'"):
            yield _name(token), _text(before[0])
        elif _is_name(token) and [word.upper() for word in after[:3]] == ["NOT", "IN", "("]:
            yield from _members(token, tokens, index + 4)
        elif _is_name(token) and [word.upper() for word in after[:2]] == ["IN", "("]:
            yield from _members(token, tokens, index + 3)


def _members(token: str, tokens: list[str], first: int) -> Iterator[tuple[str, str]]:
    for member in islice(tokens, first, None):
        if member == ")":
            return
        if member.startswith("'"):
            yield _name(token), _text(member)


def _is_name(token: str) -> bool:
    return token.upper() != "NOT" and (token[0] in '"_' or token[0].isalpha())


def _name(token: str) -> str:
    return token.strip('"')


def _text(token: str) -> str:
    return token[1:-1].replace("''", "'")


def _near_label(value: str, labels: frozenset[str]) -> str:
    """The label meant by another way to write a language: EN, en-US, eng, eng_Latn."""
    plain = re.split(r"[-_]", value.lower())[0]
    return f'; did you mean "{plain}"?' if plain in labels else nearest(plain, labels)
