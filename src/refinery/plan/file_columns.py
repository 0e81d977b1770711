"""Columns of the sources' files in SQL: found by the heads of the files, in one type over all that arrives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

import pyarrow as pa

from refinery.errors import DefinitionError, nearest
from refinery.filters.carried import VALUE, Carried
from refinery.filters.values import PLAIN, is_plain
from refinery.plan.graph import Column, IdColumn, Identity, Measured, Measurement
from refinery.plan.verbs import Arriving, add_file_path, is_carried, is_id
from refinery.sources.column_settings import FILE
from refinery.sources.nested import find_field
from refinery.sources.types import TYPES, TypeName, type_name
from refinery.storage.marks import JSON_TEXT, is_json_text

Places = Sequence[tuple[str, pa.Schema]]  # files or sources, and their columns


def common_name(name: str, places: Iterable[tuple[str, pa.Schema]]) -> TypeName:
    """The plain type of a column over all places; raises DefinitionError if there is none, or no such column."""
    found: dict[TypeName, str] = {}  # each with the first place that has it
    there: dict[str, None] = {}
    known = False
    for place, schema in places:
        there |= dict.fromkeys(schema.names)
        if (field := find_field(schema, name)) is None:
            continue
        known = True
        if pa.types.is_null(field.type):
            continue
        kind = None if is_json_text(field) else type_name(field.type)
        if kind is None:
            what = field.metadata[JSON_TEXT].decode() if is_json_text(field) else f"it is {field.type}"
            raise DefinitionError(
                f"{place}: the column {name!r} must be {PLAIN}: {what}; {_cast(name, 'string')}"
            )
        found.setdefault(kind, place)
    if not known:
        raise DefinitionError(f'no column "{name}"{nearest(name, there)}')
    if not found:
        raise DefinitionError(f"the first rows have no value of the column {name!r}; {_cast(name, 'TYPE')}")
    if found.keys() == {"int", "float"}:
        return "float"
    if len(found) > 1:
        (one, here), (other, there_too), *_ = found.items()
        raise DefinitionError(
            f"the column {name!r} is {one} in {here}, {other} in {there_too}; {_cast(name, one)}"
        )
    return next(iter(found))


def _cast(name: str, kind: str) -> str:
    return f"give it a type in its source: `columns: {{{name.rpartition('.')[2]}: {kind}}}`"


def add_file_columns(sql: Iterable[str], made: Collection[str], arriving: Arriving) -> list[str]:
    """Adds what SQL reads and only the files of the sources have; gives what is wrong with these columns.

    made: names that the stage derives itself.
    """
    from refinery.filters.predicate import columns_of

    names: set[str] = set()
    for expression in sql:
        with suppress(DefinitionError):  # which is told where it is checked
            names |= columns_of(expression)
    problems = add_file_path(arriving) if FILE in names - set(made) else []
    for name in sorted(names - {"source", *made}):
        if any(name in columns for columns in arriving.columns.values()):
            continue
        having = _having(name, arriving)
        if not having:
            if all(is_id(arriving.heads.specs[s], name) for s in arriving.views if s in arriving.heads.specs):
                for columns in arriving.columns.values():
                    columns[name] = IdColumn()
            continue  # else no column of that name, which is told where it is checked
        if others := [source for source in arriving.views if source not in having]:
            first = next(iter(having))
            problems.append(
                f"the column {name!r} of the source {first} is not in {', '.join(others)}: judge it in a stage "
                f"`from: {first}` alone"
            )
            continue
        try:
            kind = TYPES[common_name(name, (place for places in having.values() for place in places))]
        except DefinitionError as error:
            problems += error.problems
            continue
        for source, view in arriving.views.items():
            carried = Carried(name, arriving.heads.specs[source].table_of(name))
            arriving.columns[source][name] = Measured(Measurement(view, carried), VALUE, kind)
    return problems


def _having(name: str, arriving: Arriving) -> dict[str, Places]:
    """The sources that arrive whose files have a column, with the columns of these files."""
    schemas = {
        source: list(arriving.heads.schemas(source))
        for source in arriving.views
        if source in arriving.heads.specs
    }
    return {
        s: places for s, places in schemas.items() if any(find_field(schema, name) for _, schema in places)
    }


def column_problems(name: str, arriving: Arriving) -> list[str]:
    """What is wrong with a column of files that is measured in place of texts, by the heads of all that arrives."""
    by_id = {s for s in arriving.views if is_id(arriving.heads.specs[s], name)}
    having = {s: places for s, places in _having(name, arriving).items() if s not in by_id}
    if any(arriving.heads.specs[source].table_of(name) for source in having):
        return [
            f"the column {name!r} is of a joined table: rules can read it, measurers those of the files alone"
        ]
    if not having and not by_id:
        there = {c for s in arriving.views for _, schema in arriving.heads.schemas(s) for c in schema.names}
        return [f"no source has the column {name!r}{nearest(name, there)}"]
    if others := [source for source in arriving.views if source not in {*having, *by_id}]:
        where = f"measure it in a stage `from: {next(iter([*having, *by_id]))}` alone"
        return [f"{', '.join(others)} ha{'ve' if len(others) > 1 else 's'} no column {name!r}: {where}"]
    found = ((place, find_field(schema, name)) for places in having.values() for place, schema in places)
    return [
        f"{place}: the column {name!r} is {field.type}; it must be {PLAIN}"
        for place, field in found
        if field is not None and not is_plain(field.type)
    ][:1]


def clashes(sql: Iterable[str], arriving: Arriving) -> list[str]:
    """Columns that SQL reads and that are both measured or derived and in the files: which one is meant?"""
    from refinery.filters.predicate import columns_of

    names: set[str] = set()
    for expression in sql:
        with suppress(DefinitionError):
            names |= columns_of(expression)
    return [
        message
        for name in sorted(names)
        for source, columns in arriving.columns.items()
        if name in columns and (message := _clash(name, columns, source, arriving))
    ]


def _clash(name: str, columns: Mapping[str, Column], source: str, arriving: Arriving) -> str:
    if is_carried(columns[name]) or isinstance(columns[name], Identity) or source not in arriving.heads.specs:
        return ""
    first = next(iter(arriving.heads.schemas(source)), None)
    if first is None or name not in first[1].names:
        return ""
    return (
        f"the source {source} has a column {name!r} of its own; rename that one: "
        f"`columns: {{input_{name}: {{from: {name}}}}}` in the source"
    )
