"""A stage's verb, resolved: the columns that it reads are found, and what it measures is added."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refinery.definition.yaml import Location
from refinery.errors import nearest
from refinery.filters.verb import Needed, Verb
from refinery.plan.graph import Column, Measurement, View, against_source, measurer_key

if TYPE_CHECKING:
    import pyarrow as pa

    from refinery.filters.measurer import Measurer

Columns = dict[str, dict[str, Column]]  # by source, then by name


@dataclass(frozen=True)
class Arriving:
    """What comes to a stage before its verb: of each source the view of its text and its columns."""

    stage: str
    views: dict[str, View]
    columns: Columns
    incomplete: bool  # a measurer above is in error and has been reported


def own_measurements(verb: Verb, arriving: Arriving) -> dict[str, tuple[Measurement, ...]]:
    """By source, that of an earlier run among them, what the verb has measured for itself."""
    views = dict(arriving.views)
    if verb.against:
        earlier = against_source(arriving.stage)
        views[earlier] = View(earlier)
    return {source: tuple(Measurement(v, m) for m in verb.own_measurers) for source, v in views.items()}


def needed_columns(verb: Verb, arriving: Arriving, problem: Callable[[Location, str], None]) -> Columns:
    """The columns that the verb reads, by source; `problem` is told each that is not there, at its setting.

    What ranks documents is measured on every document it ranks, also where only one branch asked for it: otherwise a
    trusted source that went around the measuring branch would rank last as a whole. It becomes a column of the stage.
    """
    for need in verb.needed:
        if need.column == "source":
            continue
        _measure_on_all(need.column, arriving)
        for message in _problems(need, arriving):
            problem(need.location, message)
    wanted = {need.column for need in verb.needed}
    return {
        source: {name: columns[name] for name in wanted if name in columns}
        for source, columns in arriving.columns.items()
    }


def add_columns(measurers: Collection[Measurer], arriving: Arriving) -> None:
    """Adds what is measured on all that arrives, in place of columns of the same names."""
    for source, view in arriving.views.items():
        for measurer in measurers:
            measurement = Measurement(view, measurer)
            made = {entry.name: Column(measurement, entry.name, entry.type) for entry in measurer.schema}
            arriving.columns[source] |= made


def _problems(need: Needed, arriving: Arriving) -> Iterator[str]:
    name, everywhere = need.column, arriving.columns.values()
    found = [columns[name].type for columns in everywhere if name in columns]
    if not found and not arriving.incomplete:
        valid = {column for columns in everywhere for column in columns} | {"source"}
        yield f"no measurer before this makes the column {name!r}{nearest(name, valid)}"
    elif found and need.ranks and not _is_number(found[0]):
        yield f"the column {name!r} is {found[0]}; a ranking needs numbers"


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _measure_on_all(name: str, arriving: Arriving) -> None:
    found = {
        measurer_key(columns[name].measurement.measurer): columns[name]
        for columns in arriving.columns.values()
        if name in columns
    }
    if len(found) == 1:  # with several models there is no telling which one to use
        (column,) = found.values()
        for source, view in arriving.views.items():
            measured = Column(Measurement(view, column.measurement.measurer), column.original, column.type)
            arriving.columns[source].setdefault(name, measured)
