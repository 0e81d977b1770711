"""SQL in a stage: the columns that its rules and derived columns can read, and what the latter are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress

import pyarrow as pa

from refinery.definition.paths import Paths
from refinery.errors import DefinitionError
from refinery.filters import registry
from refinery.filters.licence import LICENCE
from refinery.filters.model_functions import with_model_values
from refinery.plan.graph import RESERVED, Columns, Derived, Measured
from refinery.plan.problems import Report
from refinery.plan.verbs import Arriving, is_carried, is_id


def seen_by_sql(columns: Columns) -> tuple[dict[str, pa.DataType], dict[str, frozenset[str]]]:
    """Types of the columns that every source which arrives has, and the values that text columns can have."""
    first, *others = columns.values()
    types = {name: column.type for name, column in first.items() if all(name in seen for seen in others)}
    labels = {"source": frozenset(columns)}
    for name, column in (entry for seen in columns.values() for entry in seen.items()):
        if isinstance(column, Measured) and (
            found := column.measurement.measurer.labels.get(column.original)
        ):
            labels[name] = found
    return types | {"source": pa.string()}, labels


def clashing_types(columns: Columns) -> Iterator[str]:
    """What to do about each column that the sources which arrive have in different types."""
    found: dict[str, tuple[str, pa.DataType]] = {}
    for source, seen in columns.items():
        for name, column in seen.items():
            other, kind = found.setdefault(name, (source, column.type))
            if kind != column.type:
                yield f"the column {name!r} is {kind} of {other}, {column.type} of {source}: rename or CAST one"


def add_derived(expressions: Mapping[str, str], arriving: Arriving, paths: Paths, report: Report) -> bool:
    """Adds the derived columns to all that arrives, each after those that it may read; whether all are sound.

    paths: with models whose suggestions become numbers; `report` is told what is wrong, at the name of the column.
    """
    from refinery.filters.predicate import columns_of, type_of

    sound, below = not arriving.incomplete, list(expressions)
    known = (
        arriving.views.keys() <= arriving.heads.specs.keys()
    )  # else a source is wrong, which has been reported
    for name, written in expressions.items():
        below.remove(name)
        types, labels = seen_by_sql(arriving.columns)
        problems = _clashes(name, arriving)
        expression = written
        try:
            expression = with_model_values(written, paths)
            kind = type_of(expression, types, labels)
        except DefinitionError as error:
            lacking = [message for message in error.problems if message.startswith("no column")]
            problems += _remedies(expression, types, below) or lacking if sound and known else []
            problems += [message for message in error.problems if message not in lacking]
            sound = False
        else:
            read = sorted(columns_of(expression) - {"source"})
            for columns in arriving.columns.values():
                columns[name] = Derived(expression, {other: columns[other] for other in read}, kind, written)
        for message in problems:
            report((name,), message)
        sound = sound and not problems
    return sound


def _remedies(expression: str, types: Collection[str], below: Collection[str]) -> list[str]:
    """What to do about the columns that an expression reads and nothing makes; below: derived after it."""
    if maker := maker_of([expression], types):
        return [f"the measurer {maker} makes what it reads: add {maker} to `measure`"]
    from refinery.filters.predicate import columns_of

    with suppress(DefinitionError):  # it is no SQL, which is told itself
        read = columns_of(expression)
        return [
            f"it reads {one!r}, which is derived below it: put {one!r} first" for one in below if one in read
        ]
    return []


def _clashes(name: str, arriving: Arriving) -> list[str]:
    """The first thing that has a column's name already, in a sentence that says what to do."""
    heads = arriving.heads
    if name in RESERVED:
        return [f"every output or rule has {name!r} already; choose another name"]
    for source, columns in arriving.columns.items():
        if (found := columns.get(name)) and is_carried(found):
            return [f"the source {source!r} has a column {name!r} already; choose another name"]
        if isinstance(found, Measured):
            maker = found.measurement.measurer.name
            return [f"the measurer {maker} makes a column {name!r} already; choose another name"]
        if found:
            maker = "`licence` of the sources makes" if name == LICENCE else "a stage above derives"
            return [f"{maker} a column {name!r} already; choose another name"]
        if source in heads.specs and (is_id(heads.specs[source], name) or heads.find(source, name)):
            return [f"the source {source!r} has a column {name!r} already; choose another name"]
    return []


def maker_of(expressions: Iterable[str], known: Collection[str]) -> str | None:
    """The built-in measurer that makes, without settings, all columns that SQL reads and nobody has measured."""
    from refinery.filters.predicate import columns_of

    unknown: set[str] = set()
    for expression in expressions:
        with suppress(DefinitionError):  # not SQL, which is told
            unknown |= columns_of(expression) - set(known)
    for name in registry.MEASURERS.built_in if unknown else ():
        with suppress(DefinitionError):  # it needs settings
            if unknown <= set(registry.measurer(name, {}).schema.names):
                return name
    return None
