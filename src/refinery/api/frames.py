"""Tables as users have them: of pyarrow, Polars or pandas, batches of Ray Data (dicts of NumPy arrays), or texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from refinery.errors import InputError, nearest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

TABLE = "the table"  # what errors call a user's data


class ArrowStream(Protocol):
    """What pyarrow tables and record batches and the data frames of Polars and pandas have in common."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows, for other libraries."""


Frame = TypeVar("Frame", bound="ArrowStream | dict[str, Any]")
Texts = Iterable[str | None]
_Kind = Literal["table", "batch", "polars", "pandas", "numpy"]
_CLASSES: Mapping[str, _Kind] = {
    "pyarrow.Table": "table",
    "pyarrow.RecordBatch": "batch",
    "polars.DataFrame": "polars",
    "pandas.DataFrame": "pandas",
    "builtins.dict": "numpy",
}


def as_frame(data: Any, text: str) -> Any:
    """The data itself, or, of texts, a pyarrow Table with the one column `text`.

    Raises TypeError for what is neither.
    """
    if _kind(data):
        return data
    if isinstance(data, str):
        raise TypeError("expected a table or texts, got one text: write [text]")
    if not isinstance(data, Iterable):
        accepted = "a pyarrow Table or RecordBatch, a Polars or pandas DataFrame, or texts"
        raise TypeError(f"expected {accepted}, got {type(data).__module__}.{type(data).__qualname__}")
    import pyarrow as pa

    try:
        return pa.table({text: pa.array(list(data), from_pandas=True)})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(f"expected texts: {error}") from None


def _kind(data: Any) -> _Kind | None:
    """Told by name: no library is imported that the user has not imported."""
    for base in type(data).__mro__:
        if found := _CLASSES.get(f"{base.__module__.partition('.')[0]}.{base.__name__}"):
            return found
    return None


def names_of(frame: Any) -> list[str]:
    """The names of its columns."""
    match _kind(frame):
        case "table" | "batch":
            return list(frame.schema.names)
        case "numpy":
            return list(frame)
        case _:
            return list(frame.columns)


def columns_of(frame: Any, names: Iterable[str]) -> pa.Table:
    """Some of its columns, without encodings that say nothing about values; raises InputError if one is not there."""
    import pyarrow as pa

    names = list(names)
    there = names_of(frame)
    for name in names:
        if name not in there:
            raise InputError(TABLE, f"has no column {name!r}{nearest(name, map(str, there))}")
    match _kind(frame):
        case "table":
            table = frame.select(names)
        case "batch":
            table = pa.Table.from_batches([frame.select(names)])
        case "polars":
            table = frame.select(names).to_arrow()
        case "pandas":
            table = pa.Table.from_pandas(frame[names], preserve_index=False)
        case _:
            table = pa.table({name: pa.array(frame[name]) for name in names})
    return pa.table([_plain(column) for column in table.columns], names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without encodings; texts are of the type that has room for any number of bytes."""
    import pyarrow as pa

    from refinery.sources.decoding import decoded
    from refinery.sources.types import plain

    kind = plain(column.type)
    column = pa.chunked_array([decoded(chunk) for chunk in column.chunks], kind)
    return column.cast(pa.large_string()) if pa.types.is_string(kind) else column


def texts_of(frame: Any, text: str) -> pa.ChunkedArray:
    """Its text column as large_string; raises InputError if it is not there or holds something else."""
    import pyarrow as pa

    column = columns_of(frame, [text]).column(0)
    if pa.types.is_null(column.type):
        column = column.cast(pa.large_string())
    if not pa.types.is_large_string(column.type):
        raise InputError(TABLE, f"the text column {text!r} is {column.type}, not text")
    return column


def value_texts_of(frame: Any, name: str) -> pa.ChunkedArray:
    """large_string: the values of any plain column as texts (refinery.filters.values), empty where there is none.

    Raises InputError if it is not there or holds lists, objects or bytes.
    """
    import pyarrow as pa

    from refinery.filters.values import PLAIN, is_plain, value_texts

    table = columns_of(frame, [name])
    field = table.schema.field(0)
    if not is_plain(field.type):
        raise InputError(TABLE, f"the column {name!r} is {field.type}", f"it must be {PLAIN}")
    return value_texts(table.column(0), field).cast(pa.large_string()).fill_null("")


def set_columns(frame: Any, columns: pa.Table) -> Any:
    """The same kind of frame with more columns, in place of those of the same names; the rows are the frame's."""
    import pyarrow as pa

    match _kind(frame):
        case "table":
            for field, column in zip(columns.schema, columns.columns, strict=True):
                at = frame.schema.get_field_index(field.name)
                frame = frame.append_column(field, column) if at < 0 else frame.set_column(at, field, column)
            return frame
        case "batch":
            table = set_columns(pa.Table.from_batches([frame]), columns).combine_chunks()
            return pa.RecordBatch.from_arrays([_whole(c) for c in table.columns], schema=table.schema)
        case "polars":
            import polars as pl

            return frame.with_columns(pl.DataFrame(columns))
        case "pandas":
            added = columns.to_pandas()
            return frame.assign(**{name: added[name].array for name in columns.column_names})
        case _:
            return {**frame, **{name: columns.column(name).to_numpy() for name in columns.column_names}}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def filter_rows(frame: Any, mask: NDArray[np.bool_]) -> Any:
    """The rows where `mask` is set, in their order."""
    match _kind(frame):
        case "table" | "batch":
            import pyarrow as pa

            return frame.filter(pa.array(mask))
        case "polars":
            import polars as pl

            return frame.filter(pl.Series(mask))
        case "pandas":
            return frame[mask]
        case _:
            return {name: values[mask] for name, values in frame.items()}


def like(frame: Any, table: pa.Table) -> Any:
    """A table as the kind of frame that another is."""
    match _kind(frame):
        case "table":
            return table
        case "batch":
            whole = table.combine_chunks()
            return type(frame).from_arrays([_whole(c) for c in whole.columns], schema=whole.schema)
        case "polars":
            import polars as pl

            return pl.DataFrame(table)
        case "pandas":
            return table.to_pandas()
        case _:
            return {name: table.column(name).to_numpy() for name in table.column_names}
