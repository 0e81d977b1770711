"""Columns that SQL computes of others, as the `derive` of a stage makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from refinery.api.frames import TABLE, Frame, Texts, as_frame, names_of, set_columns
from refinery.errors import DefinitionError, InputError

if TYPE_CHECKING:
    import pyarrow as pa


@overload
def derive(data: Frame, columns: Mapping[str, str]) -> Frame: ...
@overload
def derive(data: Texts, columns: Mapping[str, str]) -> pa.Table: ...
def derive(data: Any, columns: Mapping[str, str]) -> Any:
    """The data with columns that SQL computes of others, each of those before it too.

    data: as in `keep`; columns: name to expression, as in the `derive` of a stage. Raises DefinitionError with all
    that is wrong with the expressions, InputError for a name that a column has already.

    >>> import pyarrow, refinery
    >>> table = pyarrow.table({"words": [30, 80], "lines": [10, 10]})
    >>> refinery.derive(table, {"words_a_line": "words / lines", "is_list": "words_a_line < 5"}).to_pylist()[0]
    {'words': 30, 'lines': 10, 'words_a_line': 3.0, 'is_list': True}
    """
    import polars as pl
    import pyarrow as pa

    from refinery.api.sql import read_columns
    from refinery.filters.predicate import compute, type_of

    frame, problems = as_frame(data, "text"), list[str]()
    for name, expression in columns.items():
        if name in names_of(frame):
            raise InputError(TABLE, f"has a column {name!r} already", "choose another name")
        table, types = read_columns(frame, [expression])
        try:
            type_of(expression, types)
            values = compute(expression, pl.DataFrame(table))
        except DefinitionError as error:
            problems += [f"{name}: {problem}" for problem in error.problems]
        else:
            frame = set_columns(frame, pa.table({name: values.to_arrow()}))
    if problems:
        raise DefinitionError(*problems)
    return frame
