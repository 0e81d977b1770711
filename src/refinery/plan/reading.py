"""How a source of a definition is read: its settings as readers take them, with what the heads of its files tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from refinery.definition.load import Definition
from refinery.definition.models import Source
from refinery.definition.paths import Paths
from refinery.definition.source_columns import SourceColumn
from refinery.definition.validate import Invalid
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, InputError, nearest
from refinery.plan.file_columns import Places, common_name
from refinery.plan.joins import joins_of
from refinery.sources.column_settings import FILE, NamedColumn, Where
from refinery.sources.documents import SourceSpec
from refinery.sources.nested import find_field
from refinery.sources.shards import head_schemas
from refinery.sources.types import TYPES, TypeName


def spec_of(name: str, source: Source, paths: Paths, *, held: bool) -> SourceSpec:
    """How the source is read; raises DefinitionError for a wrong path, Invalid for columns that its files lack.

    held: what is protected, of which no row may be put aside unless the definition says so.
    """
    found = tuple(paths.expand(path) for path in source.path)
    apart = {"path", "transform", "columns", "where", "join", "licence", "trusted"}
    settings = source.model_dump(exclude=apart)
    if held and "on_error" not in source.model_fields_set:
        settings["on_error"] = "fail"
    spec = SourceSpec(
        name=name, path=found, **settings, columns=tuple(_named(source)), drop=tuple(_dropped(source))
    )
    if isinstance(kept := source.columns.get("keep"), tuple):
        spec = replace(spec, keep=kept)
    if not source.columns and source.where is None and not source.join:
        return spec
    heads = _heads(source, spec)
    if wrong := list(_lacking(source, spec, heads)):
        raise Invalid(*wrong)
    spec = replace(spec, joins=joins_of(source.join, spec, heads, paths))
    return spec if source.where is None else replace(spec, where=_where(source.where, spec, heads))


def sound_sources(definition: Definition) -> dict[str, SourceSpec]:
    """How each source is read whose part of a definition is sound, whatever is wrong with others."""
    found: dict[str, SourceSpec] = {}
    for name, source in definition.pipeline.sources.items():
        with suppress(DefinitionError):
            found[name] = spec_of(name, source, definition.paths, held=False)
    return found


def _named(source: Source) -> Iterator[NamedColumn]:
    for name, entry in source.columns.items():
        if isinstance(entry, str):
            yield NamedColumn(name, name, entry)
        elif isinstance(entry, SourceColumn):
            yield NamedColumn(name, entry.from_ or name, entry.type, entry.invalid == "reject")


def _dropped(source: Source) -> Iterator[str]:
    for name, entry in source.columns.items():
        if entry is None:
            yield name
        elif isinstance(entry, tuple) and name == "drop":
            yield from entry


def _heads(source: Source, spec: SourceSpec) -> Places:
    """Columns of the source's files, as some tell: those that its settings speak of, where others are not kept.

    All of them if one of those is missing, for a message to name the nearest: a file may have very many.
    """
    files = replace(spec, columns=(), keep=None, drop=())
    if spec.keep is not None:
        spoken = {*_spoken(source), *_conditions(source, spec)} - {*spec.texts, spec.id or "id", FILE}
        heads = list(
            head_schemas(replace(files, keep=(FILE, *spoken, *(n.partition(".")[0] for n in spoken))))
        )
        if all(any(find_field(schema, name) for _, schema in heads) for name in spoken):
            return heads
    return list(head_schemas(files))


def _conditions(source: Source, spec: SourceSpec) -> Iterator[str]:
    """Columns by their names in the files that `where` reads and joins are on."""
    origins = {column.name: column.origin for column in spec.columns}
    names = [name for join in source.join for name in join.keys[0]]
    if source.where is not None:
        from refinery.filters.predicate import columns_of

        with suppress(DefinitionError):  # told by _where
            names += columns_of(source.where)
    yield from (origins.get(name, name) for name in names)


def _spoken(source: Source) -> dict[str, Location]:
    """Columns by their names in the files that `columns` speaks of, each with its place."""
    spoken: dict[str, Location] = {}
    for name, entry in source.columns.items():
        if isinstance(entry, tuple):
            spoken |= dict.fromkeys(entry, ("columns", name))
        else:
            spoken[getattr(entry, "from_", None) or name] = ("columns", name)
    return spoken


def _lacking(source: Source, spec: SourceSpec, heads: Places) -> Iterator[tuple[Location, str]]:
    """Columns that the definition speaks of and no file has, each at its place."""
    there = {name for _, schema in heads for name in schema.names}
    for column, place in _spoken(source).items():
        if (
            heads
            and column not in {*spec.texts, spec.id}
            and not any(find_field(s, column) for _, s in heads)
        ):
            wrong = f"no file has a column {column!r}{nearest(column, there)}"
            yield place, "the documents' ids are not read as a column 'id'" if column == "id" else wrong


def _where(sql: str, spec: SourceSpec, heads: Places) -> Where:
    """The condition with the types of what it reads; raises Invalid."""
    from refinery.filters.predicate import columns_of, problems

    try:
        named = {column.name: column for column in spec.columns}
        joined = {column.name: column.type for join in spec.joins for column in join.columns if column.type}
        types: dict[str, TypeName] = {}
        for name in sorted(columns_of(sql)) if heads else ():
            column = named.get(name)
            is_id = (column.origin if column else name) == (spec.id or "id")
            if name in joined or name in spec.texts or is_id:
                types[name] = joined.get(name, "string")
                continue
            types[name] = (column and column.type) or common_name(column.origin if column else name, heads)
    except (DefinitionError, InputError) as error:
        messages = error.problems if isinstance(error, DefinitionError) else (str(error),)
        raise Invalid(*((("where",), message) for message in messages)) from None
    if found := problems(sql, {name: TYPES[kind] for name, kind in types.items()}) if heads else ():
        raise Invalid(*((("where",), message) for message in found))
    return Where(sql, tuple(types.items()))
