"""The tables that a source of a definition joins, with what the heads of their files tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from refinery.definition.paths import Paths
from refinery.definition.source_columns import Join as Written
from refinery.definition.validate import Invalid
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, InputError, nearest
from refinery.plan.file_columns import Places, common_name
from refinery.plan.fingerprint import fingerprint
from refinery.sources.column_settings import FILE, Join, NamedColumn
from refinery.sources.documents import SourceSpec
from refinery.sources.join_files import content_of, table_spec
from refinery.sources.nested import find_field
from refinery.sources.shards import head_schemas, list_shards
from refinery.sources.source_schema import carried_schema
from refinery.sources.types import TYPES
from refinery.storage.place import Place

VERSION = 1  # raised when the same table gives other values


def joins_of(written: Sequence[Written], spec: SourceSpec, heads: Places, paths: Paths) -> tuple[Join, ...]:
    """The tables that a source joins; heads: columns of its files.

    Raises Invalid for what is wrong with a join, DefinitionError for an unknown root in a path.
    """
    joins, wrong = [], list[tuple[Location, str]]()
    for number, one in enumerate(written):
        at: Location = ("join", number) if len(written) > 1 else ("join",)
        on, key = one.keys
        found = Join(tuple(map(paths.expand, one.path)), on, key, (), one.missing == "reject")
        wrong += [((*at, "on"), message) for message in _key_problems(found, spec, heads)]
        try:
            joins.append(_with_columns(one, found, spec))
        except InputError as error:
            wrong.append(((*at, "path"), str(error)))
        except Invalid as error:
            wrong += [((*at, *place), message) for place, message in error.found]
    names = [column.name for join in joins for column in join.columns]
    wrong += [(("join",), f"two joined columns are called {n!r}") for n in {*names} if names.count(n) > 1]
    try:
        for place, schema in heads:
            carried_schema(schema, replace(spec, joins=tuple(joins)), place)
    except InputError as error:
        wrong.append((("join",), str(error)))
    if wrong:
        raise Invalid(*wrong)
    return tuple(joins)


def placed(spec: SourceSpec, made: Place) -> SourceSpec:
    """A source whose tables can be looked up, in folders of `made`."""
    return replace(spec, joins=tuple(replace(join, table=made / join.identity) for join in spec.joins))


def decided_by(spec: SourceSpec, join: Join) -> bool:
    """Whether a table's content decides which rows of a source are documents."""
    read = {name for name, _ in spec.where.types} if spec.where else set()
    return join.reject or not read.isdisjoint(column.name for column in join.columns)


def _key_problems(join: Join, spec: SourceSpec, heads: Places) -> Iterator[str]:
    own = {column.name: column.origin for column in spec.columns}
    for on, key in zip(join.on, join.key, strict=True):
        name = own.get(on, on)
        has = any(find_field(schema, name) for _, schema in heads)
        if on == FILE and has:
            yield (
                f"{FILE!r} is the path of the file, and the source has a column {FILE!r} of its own: name that one, "
                f"`columns: {{own_{FILE}: {{from: {FILE}}}}}`, or join on {{own_{FILE}: {key}}}"
            )
        elif on != FILE and heads and name != (spec.id or "id") and not has:
            there = {*(n for _, schema in heads for n in schema.names), spec.id or "id", FILE}
            yield f"no file has a column {name!r}{nearest(name, there)}"


def _with_columns(written: Written, join: Join, source: SourceSpec) -> Join:
    """The join with the types of its columns; raises InputError for a table that cannot be read, Invalid."""
    whole = replace(table_spec(source.name, join), keep=None, id=None)
    heads = list(head_schemas(whole))
    if not heads:
        list_shards(whole)  # tells why
    wrong: list[tuple[Location, str]] = []
    there = {name for _, schema in heads for name in schema.names}
    wrong += [
        (("on",), f"the table has no column {key!r}{nearest(key, there)}")
        for key in join.key
        if key != "id" and not any(find_field(schema, key) for _, schema in heads)
    ]
    columns = []
    for name, entry in written.columns.items():
        origin = (not isinstance(entry, str) and entry and entry.from_) or name
        kind = entry if isinstance(entry, str) else entry and entry.type
        try:
            if origin in join.key:
                raise DefinitionError(f"{origin!r} is the key: the documents have it already")
            if len(join.key) > 1 and name in join.key:
                raise DefinitionError(
                    f"{name!r} is what the table calls a column of the key: give it another name"
                )
            own = common_name(origin, heads) if not kind or not _is_there(origin, heads) else kind
            columns.append(NamedColumn(name, origin, kind or own))
        except DefinitionError as error:
            wrong += [(("columns", name), f"of the table: {message}") for message in error.problems]
    if wrong:
        raise Invalid(*wrong)
    taken = [(c.name, c.origin, str(TYPES[c.type or "string"])) for c in columns]
    found = replace(join, columns=tuple(columns))
    content = content_of(table_spec(source.name, found))
    return replace(found, identity=fingerprint(VERSION, content, *join.key, taken))


def _is_there(name: str, heads: Places) -> bool:
    return any(find_field(schema, name) for _, schema in heads)
