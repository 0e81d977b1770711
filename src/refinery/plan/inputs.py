"""The sources of a definition as they are today, and all that is wrong with them, told together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from refinery.definition.load import Definition
from refinery.errors import DefinitionError, InputError
from refinery.executors.limits import UNIT
from refinery.plan.graph import Graph
from refinery.sources.documents import SourceSpec
from refinery.sources.heads import check_heads
from refinery.sources.passed_over import few
from refinery.sources.schema import unify
from refinery.sources.shards import SourceShards, head_schemas, list_shards
from refinery.storage.place import Place

COLUMN_BYTES = (
    10 * 2**10
)  # that a worker takes for each column that it carries (measured: 9 KiB of Parquet, 4 of JSON)


@dataclass(frozen=True)
class Inputs:
    """The shards of every source, and warnings: of files that are broken or have no document at their beginning, of
    columns that take much memory.
    """

    listed: dict[str, SourceShards]
    warnings: tuple[str, ...]


def list_inputs(
    graph: Graph, specs: Mapping[str, SourceSpec], shard_bytes: int, known_in: Place, *, keep: bool
) -> Inputs:
    """Lists every source, and looks at the first rows of files of which nothing is known yet.

    known_in, keep: as in `list_shards`; unless they are kept, the beginnings of files tell which columns JSON has.
    Raises InputError for the source that cannot be used, DefinitionError if there are several, or if columns of an
    output's sources cannot be in one table.
    """
    listed: dict[str, SourceShards] = {}
    warnings: list[str] = []
    wrong: dict[str, InputError] = {}
    for name, spec in specs.items():
        try:
            listed[name] = list_shards(spec, shard_bytes, known_in=known_in, keep=keep, packed=True)
            warnings += _unreadable(name, listed[name].broken)
            warnings += _many_columns(name, len(listed[name].schema))
            if name in graph.definition.pipeline.sources:
                warnings += _heads(listed[name], spec, graph)
        except InputError as error:
            wrong[name] = error
    if len({str(error) for error in wrong.values()}) == 1:  # of a benchmark each column is a source
        raise next(iter(wrong.values()))
    definition = graph.definition
    problems = [_told(definition, name, error) for name, error in wrong.items()]
    if not wrong:
        problems = list(_clashes(graph, specs, listed, look=not keep))
    if problems:
        raise DefinitionError(*problems)
    return Inputs(listed, tuple(warnings))


def _heads(found: SourceShards, spec: SourceSpec, graph: Graph) -> tuple[str, ...]:
    """Warnings of files that have come to a source, or of the whole source if it is new."""
    if not found.unseen:
        return ()
    unseen = [shard for shard in found.unpacked() if shard.relative_path in found.unseen]
    views = [stage.views[spec.name] for stage in graph.stages.values() if spec.name in stage.views]
    cleaned = any(transform.name == "html" for view in views for transform in view.transforms)
    return check_heads(unseen, spec, others=not found.is_new, cleaned=cleaned)


def _unreadable(source: str, broken: Sequence[tuple[str, str]]) -> Iterator[str]:
    for what, why in few(broken):
        problem = why.removeprefix("cannot be read: ")
        yield f"source {source}: {what} cannot be read" + (f": {problem}" if problem else "")


def _many_columns(source: str, columns: int) -> Iterator[str]:
    if columns * COLUMN_BYTES > UNIT:
        memory = f"{columns * COLUMN_BYTES >> 20} MiB"
        yield (
            f"source {source}: it carries {columns} columns, for which a worker takes up to {memory} more: "
            "name those that are wanted (`columns: {keep: [...]}`)"
        )


def source_problems(definition: Definition, specs: Mapping[str, SourceSpec]) -> Iterator[str]:
    """What is wrong with the sources of a definition that is wrong itself, each with its place in it."""
    for name, spec in specs.items():
        try:
            check_heads(list_shards(spec).shards, spec)
        except InputError as error:
            yield _told(definition, name, error)


def _told(definition: Definition, source: str, error: InputError) -> str:
    if source in definition.pipeline.sources:
        return definition.source.problem(("sources", source), str(error))
    return str(error)


def _clashes(
    graph: Graph, specs: Mapping[str, SourceSpec], listed: Mapping[str, SourceShards], *, look: bool
) -> Iterator[str]:
    """Columns that the sources of an output carry in types that no column can have together."""
    schemas = {name: found.schema for name, found in listed.items()}
    for output, written in graph.outputs.items():
        sources = graph.stage_of(output).sources
        if look and len(sources) > 1 and any(schemas[name].names for name in sources):
            schemas |= {name: _head_schema(specs[name]) for name in sources if not schemas[name].names}
        carriers: dict[str, list[str]] = {}
        for name in sources:
            for column in schemas[name].names:
                carriers.setdefault(column, []).append(name)
        for column, having in carriers.items():
            if len(having) == 1:
                continue
            try:
                unify([(f"the source {name}", _only(column, schemas[name])) for name in having])
            except InputError as error:
                problem = f"{error.place}: {error.problem}; leave it out, rename or cast it in one of them"
                yield graph.definition.source.problem(("stages", written.from_, "from"), problem)


def _only(column: str, schema: pa.Schema) -> pa.Schema:
    return pa.schema([schema.field(column)], metadata=schema.metadata)


def _head_schema(spec: SourceSpec) -> pa.Schema:
    """The columns of a source as the heads of some files tell; none if those cannot be in one table."""
    with contextlib.suppress(InputError):
        found = list(head_schemas(spec))
        merged = unify(found)
        return merged.with_metadata(found[0][1].metadata if found else None)
    return pa.schema([])
