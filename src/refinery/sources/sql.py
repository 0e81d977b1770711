"""SQL expressions as Polars has them. Imports Polars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import DefinitionError, InputError, cut_middle
from refinery.sources.sql_balance import balance

_LINEAR = (
    " (the engine takes time that grows with the text alone: it has no look-around and no references back)"
)
SHOWN = 300  # characters of an expression that a message repeats
FRACTION = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[A-Za-z_]\w*|(\d+\.\d*|\.\d+)(?![eE\d])""")


@lru_cache(maxsize=1024)
def parse(predicate: str) -> pl.Expr:
    """The Polars expression of SQL, in which 0.6 is a float; raises DefinitionError when it is no SQL."""
    # Polars takes 0.6 for a decimal, with which a division by zero is an error and not infinite, as of floats.
    written = FRACTION.sub(lambda found: f"{found[0]}e0" if found[1] else found[0], predicate)
    try:
        return pl.sql_expr(balance(written))
    except pl.exceptions.PolarsError as error:
        sentence = sentence_of(error).replace(written, predicate)
        raise DefinitionError(f"not a SQL expression: {in_short(sentence)}: {in_short(predicate)}") from None


def in_short(expression: str) -> str:
    """An expression as messages repeat it: of a long one the beginning and the end."""
    return cut_middle(expression, SHOWN)


def sentence_of(error: Exception) -> str:
    """The first line of Polars' message, without its advice about DataFrames; of a regular expression, its fault.

    >>> sentence_of(ValueError("regex error: regex parse error:\\n    (a\\n    ^\\nerror: unclosed group\\n"))
    'not a regular expression: unclosed group'
    """
    faults = [line for line in str(error).splitlines() if line.startswith("error: ")]
    if faults:
        fault = faults[0].removeprefix("error: ")
        return f"not a regular expression: {fault}{_LINEAR if 'not supported' in fault else ''}"
    return re.sub(r" \([iuf]\d+\)", "", str(error).splitlines()[0].strip())


def is_true(predicate: str, columns: Mapping[str, pa.Array]) -> NDArray[np.bool_]:
    """The rows for which a predicate is true, neither false nor NULL; raises InputError for values that break it."""
    try:
        found = pl.DataFrame(dict(columns)).select(parse(predicate).alias("")).to_series()
    except pl.exceptions.PolarsError as error:
        raise InputError(f"where: {in_short(predicate)}", f"cannot be judged: {sentence_of(error)}") from None
    return found.fill_null(value=False).to_numpy()
