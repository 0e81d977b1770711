"""A stage's verb, resolved: the columns that it reads are found, and what it measures is added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa

from refinery.errors import InputError, nearest
from refinery.filters.carried import VALUE, Carried
from refinery.filters.measurer import Measurer
from refinery.filters.ranking import common_type
from refinery.filters.values import PLAIN, is_plain
from refinery.filters.verb import Needed, Verb
from refinery.plan.graph import (
    Column,
    Columns,
    IdColumn,
    Measured,
    Measurement,
    PathColumn,
    ResolvedStage,
    View,
    against_source,
    measurement_of,
)
from refinery.plan.problems import Report
from refinery.sources.column_settings import FILE
from refinery.sources.documents import SourceSpec
from refinery.sources.nested import find_field
from refinery.sources.shards import head_schemas
from refinery.sources.source_schema import typed_schema
from refinery.storage.marks import JSON_TEXT, is_json_text
from refinery.storage.url import redact

_ANYWHERE = View("")


@dataclass
class Heads:
    """The columns that sources have, as the heads of files and the definition tell; read when asked for, once."""

    specs: Mapping[str, SourceSpec]
    _read: dict[str, tuple[list[tuple[str, pa.Schema]], Iterator[tuple[str, pa.Schema]]]] = field(
        default_factory=dict
    )

    def schemas(self, source: str) -> Iterator[tuple[str, pa.Schema]]:
        """Files of a source and their columns, then those that its definition gives a type, which may be all it has.

        No more files are read than are taken.
        """
        if source not in self._read:
            spec = self.specs[source]
            typed = [(f"the source {source!r}", schema)] if len(schema := typed_schema(spec)) else []
            self._read[source] = ([], chain(head_schemas(spec), typed))
        known, others = self._read[source]
        yield from known
        for found in others:
            known.append(found)
            yield found

    def find(self, source: str, name: str) -> tuple[str, pa.Field] | None:
        """A file of the source that has the column, and its field."""
        for place, schema in self.schemas(source):
            if found := find_field(schema, name):
                return place, found
        return None


@dataclass(frozen=True)
class Arriving:
    """What comes to a stage before its verb: of each source the view of its text and its columns."""

    stage: str
    views: dict[str, View]
    columns: Columns
    heads: Heads
    incomplete: bool  # a measurer above is in error and has been reported


def own_measurements(verb: Verb, views: Mapping[str, View]) -> dict[str, tuple[Measurement, ...]]:
    """By source what the verb has measured for itself, given the view of each source that it looks at."""
    return {source: tuple(measurement_of(v, m) for m in verb.own_measurers) for source, v in views.items()}


def needed_columns(verb: Verb, arriving: Arriving, report: Report) -> Columns:
    """The columns that the verb reads, by source; `report` is told each that is not there, at its setting.

    A column that one branch has measured is measured on every document that arrives: otherwise a trusted source that
    went around that branch would rank last as a whole, and none of its documents would be compared by the column. It
    becomes a column of the stage. What nobody measured is a column of the source's files; `source` and the id need
    no column.
    """
    found: Columns = {source: {} for source in arriving.views}
    if verb.against:
        found[against_source(arriving.stage)] = {}
    for need in verb.needed:
        for message in add_file_path(arriving) if need.column == FILE else ():
            report(need.location, message)
        _measure_on_all(need.column, arriving)
        for message in _problems(need, arriving):
            report(need.location, message)
        for source in found:
            if column := _column(need, source, arriving):
                found[source][need.column] = column
    return found


def refuse_lacking(stage: ResolvedStage, earlier: SourceSpec) -> None:
    """Raises InputError if the earlier run's output lacks a column of files that the stage's verb reads."""
    needed = stage.needed.get(earlier.name, {})
    carried = [name for name, column in needed.items() if is_carried(column)]
    if not carried or stage.verb is None:
        return
    schemas = [schema for _, schema in head_schemas(earlier)]
    for need in stage.verb.needed:
        if need.column in carried and not any(find_field(schema, need.column) for schema in schemas):
            folder = redact(earlier.path[0].rpartition("/")[0])
            setting = f"{stage.verb.name}.{need.location[0]}"
            there = sorted({name for schema in schemas for name in schema.names} | {"id"})
            problem = f"the earlier output has no column {need.column!r} ({setting})"
            raise InputError(folder, problem, f"there is {', '.join(there)}")


def add_columns(measurers: Collection[Measurer], arriving: Arriving) -> None:
    """Adds what is measured on all that arrives, in place of columns of the same names."""
    for source, view in arriving.views.items():
        for measurer in measurers:
            measurement = measurement_of(view, measurer)
            made = {entry.name: Measured(measurement, entry.name, entry.type) for entry in measurer.schema}
            arriving.columns[source] |= made


def add_file_path(arriving: Arriving) -> list[str]:
    """Adds the path of each document's file, as FILE, where nothing is called so; gives what is wrong with that."""
    if any(FILE in columns for columns in arriving.columns.values()):
        return []
    for source in arriving.views:
        arriving.columns[source][FILE] = PathColumn()
    return file_path_problems(arriving.views, arriving.heads)


def file_path_problems(sources: Iterable[str], heads: Heads) -> list[str]:
    """What to do about sources whose files have a column that is called as the path of a file is."""
    return [
        f"{FILE!r} is the path of the file, and the source {source} has a column {FILE!r} of its own; rename "
        f"that one: `columns: {{own_{FILE}: {{from: {FILE}}}}}` in the source"
        for source in sources
        if heads.find(source, FILE)
    ]


def is_carried(column: Column) -> bool:
    """Whether a column is one that a source's files have."""
    return isinstance(column, Measured) and isinstance(column.measurement.measurer, Carried)


def is_id(spec: SourceSpec, name: str) -> bool:
    """Whether a column is the one that a source's ids are taken from."""
    return name in {"id", spec.id}


def _column(need: Needed, source: str, arriving: Arriving) -> Column | None:
    """Where a source, or the earlier run, has a column; None where none is needed."""
    name = need.column
    if name == "source" or (need.ranks and source not in arriving.views):
        return None
    if found := _made(name, arriving.columns.get(source, {})):
        return found
    if name == "id" or (source in arriving.views and is_id(arriving.heads.specs[source], name)):
        return None
    column = next((found for columns in arriving.columns.values() if (found := _made(name, columns))), None)
    if column is None or source in arriving.views:
        spec = arriving.heads.specs.get(source)  # none of an earlier run
        carried = Carried(name, spec.table_of(name) if spec else "")
        return Measured(Measurement(View(source), carried), VALUE, pa.null())
    return column.on(View(source))


def _made(name: str, columns: Mapping[str, Column]) -> Column | None:
    """The column that a stage has measured or derived; what SQL reads of files is no other than the files' own."""
    column = columns.get(name)
    return None if column is None or is_carried(column) or isinstance(column, IdColumn) else column


def _problems(need: Needed, arriving: Arriving) -> Iterator[str]:
    name, heads = need.column, arriving.heads
    if name == "source":
        return
    types: list[tuple[str, pa.DataType]] = []
    lacking: list[str] = []
    for source, columns in arriving.columns.items():
        if column := _made(name, columns):
            types.append((f"the stage {arriving.stage!r}", column.type))
            late = any(m.late for m in column.on(_ANYWHERE).measurements)
            if late and not (need.ranks or need.arriving):
                yield f"the column {name!r} is measured on arrival: it can rank documents, nothing else"
        elif is_id(heads.specs[source], name):
            types.append((f"the source {source!r}", pa.string()))
        elif found := heads.find(source, name):
            place, carried = found
            types.append((place, pa.null() if is_json_text(carried) else carried.type))
            if need.ranks and is_json_text(carried):
                yield f"{place}: the column {name!r} cannot rank documents: {carried.metadata[JSON_TEXT].decode()}"
        else:
            lacking.append(source)
    if not types and not arriving.incomplete:
        valid = {column for columns in arriving.columns.values() for column in columns} | {"source", "id"}
        for source in arriving.views:
            valid |= {column for _, schema in heads.schemas(source) for column in schema.names}
        yield f"no measurer before this makes the column {name!r} and no source has it{nearest(name, valid)}"
    elif types and lacking and need.everywhere:
        yield (
            f"the source{'s' * (len(lacking) > 1)} {', '.join(lacking)} {'have' if len(lacking) > 1 else 'has'} no "
            f"column {name!r}; `missing: last` or `missing: first` says where such documents rank"
        )
    if need.ranks:
        try:
            common_type(name, types)
        except InputError as error:
            yield str(error)
    for place, kind in types:
        if not need.ranks and not is_plain(kind):
            yield f"{place}: the column {name!r} is {kind}; it must be {PLAIN}"


def _measure_on_all(name: str, arriving: Arriving) -> None:
    found = {
        column.on(_ANYWHERE).key: column
        for columns in arriving.columns.values()
        if (column := _made(name, columns))
    }
    if len(found) == 1:  # with several models there is no telling which one to use
        (column,) = found.values()
        for source, view in arriving.views.items():
            arriving.columns[source].setdefault(name, column.on(view))
