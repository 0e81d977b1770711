"""What an output's rows look like: the text, the id, the sources' own columns, measurements and lineage."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from refinery.definition.outputs import Output
from refinery.filters.licence import LICENCE
from refinery.models.text_tokens import TextTokens
from refinery.plan.graph import ResolvedStage
from refinery.plan.outputs import wanted_measurements
from refinery.plan.repeats import COUNT
from refinery.run.tokenised import index_name, sequences_name

LINEAGE = pa.struct([("source", pa.string()), ("path", pa.string()), ("row", pa.int64())])


@dataclass(frozen=True)
class Layout:
    """What an output's rows look like; tokens: of one of token ids, what makes them of the texts.

    repeats: the key of the outcome that says how many times each row counts, where that is a column; empty: none is.
    """

    schema: pa.Schema
    carried: pa.Schema
    measured: tuple[str, ...]
    renamed: dict[str, str]  # carried columns whose name was taken, to the name they have in the output
    tokens: TextTokens | None = None
    repeats: str = ""

    @property
    def made(self) -> tuple[str, ...]:
        """The columns that refinery made: an output read as a source does not carry them on, but for licences."""
        return (*(name for name in self.measured if name != LICENCE), "lineage")

    def files(self, name: str) -> tuple[str, ...]:
        """All that is written with a file of this name, which comes first: of token ids an index and a record."""
        return (name, index_name(name), sequences_name(name)) if self.tokens else (name,)


def make_layout(
    output: Output,
    stage: ResolvedStage,
    carried: pa.Schema,
    id_type: pa.DataType,
    tokens: TextTokens | None = None,
    repeats: str = "",
) -> Layout:
    """The output's schema: text, id, carried columns, chosen measurements, lineage; token ids carry no columns."""
    carried = pa.schema([]) if tokens else carried
    types: dict[str, pa.DataType] = {}
    for columns in stage.columns.values():
        types |= {name: column.type for name, column in columns.items()}
    measured = tuple(name for name in wanted_measurements(output) if name in types)
    if repeats:
        types, measured = {**types, COUNT: pa.int32()}, (*measured, COUNT)
    taken = {"text", "id", "lineage", *measured}
    renamed = {name: _free(name, taken | set(carried.names)) for name in carried.names if name in taken}
    fields = [pa.field("text", pa.large_string()), pa.field("id", id_type)]
    fields += [field.with_name(renamed.get(field.name, field.name)) for field in carried]
    fields += [pa.field(name, types[name]) for name in measured]
    fields.append(pa.field("lineage", LINEAGE))
    return Layout(pa.schema(fields), carried, measured, renamed, tokens, repeats)


def _free(name: str, taken: set[str]) -> str:
    renamed = f"input_{name}"
    while renamed in taken:
        renamed = f"input_{renamed}"
    return renamed
