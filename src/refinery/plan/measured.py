"""The columns that a stage's measurers make."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from refinery.definition.models import Tokens
from refinery.definition.paths import Paths
from refinery.definition.validate import validate
from refinery.definition.values import Use
from refinery.definition.yaml import Location
from refinery.filters import registry
from refinery.plan.graph import Column, Columns, Derived, Measured, Measurement, View, measurement_of
from refinery.plan.problems import Problems
from refinery.plan.texts import Parents

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer

Named = tuple["Measurer", str | None]  # with the prefix of its columns, `as`


def measurers_of(place: Location, uses: Sequence[Use], paths: Paths, problems: Problems) -> list[Named]:
    """The measurers that a stage uses; one in error is left out, and its problems are added."""
    return [
        found
        for index, use in enumerate(uses)
        if (found := _measurer((*place, "measure", index), use, paths, problems))
    ]


def size_measurer(settings: Tokens, paths: Paths, problems: Problems) -> Measurer:
    """What measures bytes, chars and tokens everywhere, as `tokens` of a definition says."""
    from refinery.filters import token_count

    made = partial(validate, token_count.Settings, settings.model_dump(exclude_none=True), paths)
    return problems.attempt(("tokens",), lambda: token_count.build(made())) or token_count.Size()


def add_measured(
    view: View, measurers: Sequence[Named], columns: dict[str, Column], taken: Collection[str]
) -> list[str]:
    """Adds the columns that measurers make of a view; gives what is wrong with their names.

    taken: names that no column of a measurer can have.
    """
    problems: list[str] = []
    makers: dict[str, str] = {}
    for built, prefix in measurers:
        measurement = measurement_of(view, built)
        for entry in built.schema:
            name = registry.column_name(entry.name, prefix, len(built.schema))
            if name in makers:
                problems.append(
                    f"{built.name} and {makers[name]} both make the column {name!r}; rename one with `as`"
                )
            if name in taken:
                problems.append(
                    f"{built.name} makes a column {name!r}, a name that every output or rule has already; "
                    "choose another"
                )
            if isinstance(columns.get(name), Derived):
                problems.append(
                    f"{built.name} makes the column {name!r}, which a stage above derives; rename one"
                )
            makers[name] = built.name
            columns[name] = Measured(measurement, entry.name, entry.type)
    return problems


def late_of(
    parents: Parents, columns: Columns, own: Mapping[str, tuple[Measurement, ...]]
) -> dict[str, tuple[Measurement, ...]]:
    """By source, the late measurements that not every branch to this stage has made; own: of its verb."""
    found: dict[str, tuple[Measurement, ...]] = {}
    for source, seen in columns.items():
        made = [
            {
                m.key
                for column in (above.columns[source] if above else {}).values()
                for m in column.measurements
            }
            for name, above in parents
            if source in (above.sources if above else (name,))
        ]
        measured = [m for column in seen.values() for m in column.measurements]
        here = {m.key: m for m in (*measured, *own.get(source, ())) if m.late}
        missing = tuple(m for key, m in here.items() if not all(key in branch for branch in made))
        if missing:
            found[source] = missing
    return found


def _measurer(location: Location, use: Use, paths: Paths, problems: Problems) -> Named | None:
    name, settings = registry.name_and_settings(use)
    prefix = settings.pop("as", None)
    if prefix is not None and not str(prefix).isidentifier():
        problems.add((*location, name, "as"), f"expected a column name, got {prefix!r}")
    built = problems.attempt(location, partial(registry.measurer, name, settings, paths))
    return None if built is None else (built, prefix)
