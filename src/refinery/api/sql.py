"""What SQL over the columns of a table reads."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from refinery.api.frames import columns_of, names_of
from refinery.errors import DefinitionError

if TYPE_CHECKING:
    import pyarrow as pa


def read_columns(frame: Any, expressions: Iterable[str]) -> tuple[pa.Table, dict[str, pa.DataType | None]]:
    """The columns that expressions read, or the first one, which tells the rows; and the names of all.

    Of those that are read the types are known. What is no SQL, or is not there, is left for checks to tell.
    """
    from refinery.filters.predicate import columns_of as columns_in

    read = set[str]()
    for expression in expressions:
        with suppress(DefinitionError):
            read |= columns_in(expression)
    names = names_of(frame)
    table = columns_of(frame, [name for name in names if name in read] or names[:1])
    return table, dict.fromkeys(names) | {field.name: field.type for field in table.schema}
