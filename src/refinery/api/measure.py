"""Measuring the texts of a table, as the `measure` of a stage does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from refinery.api.entries import Entries, Entry, build_each, entries_of
from refinery.api.frames import (
    TABLE,
    Frame,
    Texts,
    as_frame,
    names_of,
    set_columns,
    texts_of,
    value_texts_of,
)
from refinery.errors import DefinitionError, InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from refinery.filters.measurer import Measurer

_SIZE = {"size": "refinery.filters.token_count"}  # what every stage measures without being asked


@dataclass(frozen=True)
class _Measured:
    """A measurer and the names of its columns."""

    measurer: Measurer
    names: tuple[str, ...]


@overload
def measure(data: Frame, measurers: Entries, *, text: str = "text") -> Frame: ...
@overload
def measure(data: Texts, measurers: Entries, *, text: str = "text") -> pa.Table: ...
def measure(data: Any, measurers: Entries, *, text: str = "text") -> Any:
    """The data with the columns that measurers make of its texts.

    data: a pyarrow Table or RecordBatch, a Polars or pandas DataFrame, or texts, which become a pyarrow Table;
    measurers: as in the `measure` of a stage, and `size` for the columns `bytes`, `chars` and `tokens`, which every
    stage has; text: the text column. A row whose text is NULL has no measurements. Raises DefinitionError for what
    `measure` could not say, InputError for a table that has no such column, or has one of a name that is made.

    >>> import refinery
    >>> refinery.measure(["A short text."], ["language", "size"]).select(["lang", "bytes", "chars", "tokens"])
    pyarrow.Table
    lang: string
    bytes: int64
    chars: int64
    tokens: int64
    ----
    lang: [["en"]]
    bytes: [[13]]
    chars: [[13]]
    tokens: [[4]]
    """
    return _measure(_build(measurers), text, as_frame(data, text))


def measurer(*measurers: Entry, text: str = "text") -> Callable[[Frame], Frame]:
    """A function that measures a table, to be sent to other processes: `dataset.map_batches` of Ray Data takes it.

    It can be pickled, holds no state, and loads each model once a process; files of models must lie where the
    processes see them. Batches may be pyarrow Tables, pandas DataFrames or dicts of NumPy arrays. Raises
    DefinitionError for what `measure` could not say.

    >>> import pyarrow, refinery
    >>> sized = refinery.measurer("size")
    >>> sized(pyarrow.table({"text": ["one", "two"]})).column_names
    ['text', 'bytes', 'chars', 'tokens']
    """
    return partial(_measure, _build(measurers), text)


def _measure(measured: tuple[_Measured, ...], text: str, frame: Any) -> Any:
    import pyarrow as pa

    from refinery.api.documents import measured_batches

    there = set(names_of(frame))
    for name in (name for one in measured for name in one.names):
        if name in there:
            hint = "drop it, or name the measured one: {MEASURER: {as: NAME}}"
            raise InputError(TABLE, f"has a column {name!r} already", hint)
    schema = pa.schema(
        [f.with_name(n) for m in measured for f, n in zip(m.measurer.schema, m.names, strict=True)]
    )
    made: dict[str, pa.ChunkedArray] = {}
    for column in dict.fromkeys(one.measurer.column for one in measured):
        texts = texts_of(frame, text) if column is None else value_texts_of(frame, column)
        alike = [one for one in measured if one.measurer.column == column]
        fields = pa.schema([schema.field(name) for one in alike for name in one.names])
        batches = measured_batches([one.measurer for one in alike], texts)
        found = [pa.RecordBatch.from_arrays(columns, schema=fields) for columns in batches]
        table = pa.Table.from_batches(found, fields)
        made |= zip(table.column_names, table.columns, strict=True)
    return set_columns(frame, pa.table([made[name] for name in schema.names], schema))


def _build(measurers: Entries) -> tuple[_Measured, ...]:
    from refinery.filters import registry

    kind = replace(registry.MEASURERS, built_in={**_SIZE, **registry.MEASURERS.built_in})
    prefixes: list[str | None] = []
    plain: list[Entry] = []
    for use in entries_of("measure", measurers):
        name, settings = registry.name_and_settings(use)
        prefixes.append(settings.pop("as", None))
        plain.append({name: settings})
    measured, problems, taken = [], [], dict[str, str]()
    for prefix, built in zip(prefixes, build_each(kind, "measure", plain), strict=True):
        names = tuple(registry.column_name(n, prefix, len(built.schema)) for n in built.schema.names)
        problems += [
            f"{built.name} and {taken[name]} both make the column {name!r}; rename one with `as`"
            for name in names
            if name in taken
        ]
        taken |= dict.fromkeys(names, built.name)
        measured.append(_Measured(built, names))
    if problems:
        raise DefinitionError(*problems)
    return tuple(measured)
