"""What results are made of, as JSON values, by the words of a definition: told to people, and part of keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from refinery.plan.graph import Derived, Making, Measurement, VerbCut, View
from refinery.plan.joins import decided_by
from refinery.plan.result import model_name

if TYPE_CHECKING:
    from refinery.plan.graph import Column
    from refinery.sources.column_settings import Join
    from refinery.sources.documents import SourceSpec


def reading_settings(spec: SourceSpec) -> dict[str, object]:
    """How a source is read: what decides which rows its files have."""
    return {
        "text": list(spec.texts), "id": spec.id, "record": spec.record, "extractor": spec.extractor,
        "binary_text": spec.binary_text, "max_document_bytes": spec.max_document_bytes,
        "columns": {
            **{c.name: {"from": c.origin, "type": c.type, "reject": c.reject} for c in spec.columns},
            "keep": spec.keep and sorted(spec.keep), "drop": sorted(spec.drop),
        },
        "encoding": spec.encoding,
        "where": spec.where and [spec.where.sql, *map(list, spec.where.types)],
        **({"join": [_joined(spec, join) for join in spec.joins]} if spec.joins else {}),
    }  # fmt: skip


def _joined(spec: SourceSpec, join: Join) -> dict[str, object]:
    """Values of a table are made of it by what reads them; its rows count where they decide what is a document."""
    columns = {column.name: [column.origin, column.type] for column in join.columns}
    table = join.identity if decided_by(spec, join) else ""
    return {"on": [*join.on, *join.key], "columns": columns, "reject": join.reject, "table": table}


def making_settings(making: Making) -> dict[str, object]:
    """The maker's settings, and of what it makes."""
    maker = making.maker
    return {maker.name: {"version": maker.version, **maker.settings}, "of": dict(making.inputs)}


def measurement_settings(measurement: Measurement) -> dict[str, object]:
    """The measurer's settings and the text's; a model that the run makes is told by its name.

    Why that is another one is told of the model.
    """
    measurer = measurement.measurer
    settings = {"version": measurer.version, **measurer.settings}
    if measurer.models:
        settings["model"] = [model_name(model) for model in measurer.models]
    return {measurer.name: settings, **transform_settings(measurement.view)}


def transform_settings(view: View) -> dict[str, object]:
    """The settings of what the text has gone through, without what was counted or cut.

    That is an input, not a setting: it is not known before it is made.
    """
    found = []
    for transform in view.transforms:
        settings = {"version": transform.version, **transform.settings}
        if transform.counter:
            settings.pop("count", None)
        if isinstance(transform, VerbCut):
            settings.pop("outcome")
        found.append({transform.name: settings})
    return {"transform": found}


def derive_settings(columns: Mapping[str, Mapping[str, Column]]) -> dict[str, object]:
    """The SQL of derived columns by name, as `derive`, where there are some."""
    found = {name: sql for read in columns.values() for name, sql in expressions(read)}
    return {"derive": found} if found else {}


def expressions(columns: Mapping[str, Column]) -> Iterator[tuple[str, str]]:
    """Names and SQL of the derived columns among these, and among those that they are made of."""
    for name, column in columns.items():
        if isinstance(column, Derived):
            yield name, column.written or column.expression
            yield from expressions(column.inputs)


def column_keys(columns: Mapping[str, Mapping[str, Column]]) -> list[tuple[str, str, str]]:
    """The keys of columns, by source and name."""
    return sorted(
        (source, name, column.key) for source, found in columns.items() for name, column in found.items()
    )
