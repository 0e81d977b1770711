"""Runs a stage's verb, which must see all documents of the stage before any can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.filters.carried import VALUE, Carried, from_json
from refinery.filters.ranking import as_common, common_type
from refinery.filters.values import PLAIN, is_plain
from refinery.filters.verb import Needed
from refinery.plan.graph import Column, Making, ResolvedStage, View
from refinery.plan.plan import VERBS, PlannedShard
from refinery.plan.verbs import is_carried, is_id
from refinery.run.columns import NamedColumn, find_columns, late_files, load_columns
from refinery.run.context import Run
from refinery.run.decide import Upstream, kept_documents, upstream
from refinery.run.guards import place_of_document
from refinery.run.outcome import Numbered, write_outcome
from refinery.run.texts import texts_of
from refinery.shuffle.units import MapUnits
from refinery.sources.ids import identities
from refinery.sources.nested import find_field
from refinery.sources.read import read_documents
from refinery.storage.commit import make_directory
from refinery.storage.marks import is_json_text, json_text
from refinery.storage.place import Place, remove_scratch, remove_tree
from refinery.storage.tables import read_table
from refinery.text.batch import TextBatch


@dataclass(frozen=True)
class CarriedFile:
    """A column of the source's files, kept in a shard's folder; kind: its type in the shard, NULL if it has none.

    mixed: JSON values of several types.
    """

    name: str
    file: str
    kind: pa.DataType
    mixed: bool


@dataclass(frozen=True)
class VerbSource:
    """What a verb sees of a source, the same for its shards.

    above: the stage's own decisions, None for an earlier corpus, of which all documents come; parents: from where
    they come, with the decisions there, None for the source itself; ranked: columns that
    rank, with the type that they have in all shards; own: columns of the verb's own measurers, with their files.
    """

    above: Upstream | None
    view: View
    measured: tuple[NamedColumn, ...]
    ranked: tuple[tuple[str, pa.DataType], ...]
    own: tuple[tuple[str, str], ...]
    trust: int
    parents: tuple[tuple[str, Upstream | None], ...] = ()


@dataclass(frozen=True)
class VerbShard:
    """A shard's documents as its stage's verb sees them, see refinery.sources.documents.ShardDocuments."""

    planned: PlannedShard
    of: VerbSource
    carried: tuple[CarriedFile, ...]
    rows: int
    arrived: int

    @property
    def name(self) -> str:
        """What a user knows the shard by."""
        return self.planned.name

    @property
    def source(self) -> str:
        """Its source."""
        return self.planned.spec.name

    @property
    def trust(self) -> int:
        """The place of its source in the trust order."""
        return self.of.trust

    @property
    def earlier(self) -> bool:
        """Whether it is of an earlier corpus."""
        return self.of.above is None

    @property
    def bytes(self) -> int:
        """Bytes of its data."""
        return self.planned.shard.bytes

    def identities(self) -> NDArray[np.uint64]:
        """A hash of each document's identity."""
        return identities(
            self.planned.shard, read_table(self.planned.documents_file, ["row"]).column(0).to_numpy()
        )

    def arrives(self) -> NDArray[np.bool_]:
        """Which documents come to the verb."""
        above = self.of.above
        return np.ones(self.rows, np.bool_) if above is None else kept_documents(self.planned, above)

    def came_by(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """bool (names, rows): which documents come to the verb from each parent."""
        above = dict(self.of.parents)
        found = np.zeros((len(names), self.rows), np.bool_)
        for number, name in enumerate(names):
            if name in above:
                decided = above[name]
                found[number] = True if decided is None else kept_documents(self.planned, decided)
        return found & self.arrives()

    def ranked_type(self, column: str) -> pa.DataType:
        """The type that a column that ranks has in all shards."""
        return dict(self.of.ranked)[column]

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Columns of every document, NULL where the shard does not have one.

        Raises InputError for a column of the source's files whose values are lists, objects or bytes.
        """
        found = [column for column in self.of.measured if column.name in names]
        measured = load_columns(self.planned, found, self.arrives() if late_files(found) else None)
        kinds = dict(self.of.ranked)
        fields, columns = [], []
        for name in names:
            if name in measured:
                values = pa.chunked_array([measured[name].to_arrow()])
                field = pa.field(name, values.type)
            else:
                field, values = self._of_files(name)
            if name in kinds:
                values = as_common(values, kinds[name])
                field = pa.field(name, values.type)
            fields.append(field)
            columns.append(values)
        return pa.table(columns, pa.schema(fields))

    def _of_files(self, name: str) -> tuple[pa.Field, pa.ChunkedArray]:
        """A column that nobody measured: the source's name, its ids, or one that its files have."""
        if name == "source":
            values = pa.chunked_array([pa.repeat(pa.scalar(self.source, pa.string()), self.rows)])
        elif is_id(self.planned.spec, name):
            values = read_table(self.planned.documents_file, ["id"]).column(0)
        elif found := next((one for one in self.carried if one.name == name), None):
            if not is_plain(found.kind) and not found.mixed:
                raise InputError(self.name, f"the column {name!r} is {found.kind}", f"it must be {PLAIN}")
            table = read_table(self.planned.folder / found.file, [VALUE])
            values = table.column(0)
            if found.mixed:
                return json_text(name, ""), values
            if is_json_text(table.schema.field(0)):
                values = from_json(values, found.kind)
        else:
            values = pa.chunked_array([pa.nulls(self.rows)])
        return pa.field(name, values.type), values

    def measured(self, column: str) -> Place:
        """The file with a column of the verb's own measurers."""
        return self.planned.folder / dict(self.of.own)[column]

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        """Texts of documents by position, after the stage's transforms."""
        planned = self.planned
        wanted = read_table(planned.documents_file, ["row"]).column(0).to_numpy()[documents]
        for batch in read_documents(planned.shard, planned.spec, wanted=wanted):
            yield TextBatch.from_arrow(texts_of(self.of.view, planned, batch.rows, batch.text))


def run_verb(run: Run, stage: ResolvedStage, map_units: MapUnits) -> int:
    """Runs a stage's verb over all shards that reach it and writes each shard's verb file; gives how many it drops.

    Raises InputError for a column that ranks documents whose types in the sources cannot be compared.
    """
    verb, key = stage.verb, run.plan.outcome_key(stage.name)
    if verb is None or key is None:
        return 0
    folder = run.plan.own / VERBS / key
    remove_tree(folder)  # what a run that was killed left
    make_directory(folder / verb.name)
    shards = list(_shards(run, stage, verb.needed))
    try:
        outcome = verb.run(shards, map_units, folder / verb.name)
    except InputError as error:
        raise InputError(f"stage {stage.name}: {error.place}", error.problem, error.hint) from None
    ends = list(accumulate(shard.rows for shard in shards))
    numbered = [Numbered(s.planned, end - s.rows, end) for s, end in zip(shards, ends, strict=True)]
    earlier = sum(shard.earlier for shard in shards)
    places = {one.kept: place_of_document(numbered, one.kept) for one in outcome.largest}
    dropped = write_outcome(verb.name, outcome, numbered, earlier, key, map_units, folder, places)
    remove_scratch(folder)  # the verb files say all that stays
    return dropped


def documents_of(run: Run, name: str, making: Making) -> Iterator[VerbShard]:
    """The documents that a stage keeps or a source has, for a maker, with the columns that it reads."""
    stage = run.plan.graph.stages.get(name)
    for trust, source in enumerate(stage.sources if stage else (name,)):
        above = upstream(run.plan, name, source) if stage else None
        text = making.view or (stage.views[source] if stage else run.plan.graph.views[source])
        columns = making.columns.get(name, {}).get(source, {})
        common = VerbSource(above, text, find_columns(columns, columns), (), (), trust)
        for planned in run.plan.of(source):
            rows = run.records[planned.number].documents
            arrived = run.tallies[name, planned.number].kept.documents if stage else rows
            yield VerbShard(planned, common, (), rows, arrived)


def _shards(run: Run, stage: ResolvedStage, needed: Sequence[Needed]) -> Iterator[VerbShard]:
    """The shards that the verb looks at, and then those it decides on, in trust order."""
    plan, records = run.plan, run.records
    seen = (
        *((name, None) for name in stage.against),
        *((s, upstream(plan, stage.name, s)) for s in stage.sources),
    )
    ranks = {need.column for need in needed if need.ranks and need.column != "source"}
    ranked = tuple((name, _common_type(run, stage, name)) for name in sorted(ranks))
    for trust, (source, decided) in enumerate(seen, start=-len(stage.against)):
        columns = stage.needed.get(source, {})
        carried = sorted(name for name, column in columns.items() if is_carried(column))
        measured = find_columns(columns, sorted(columns.keys() - carried))
        own = tuple((name, m.file) for m in stage.own.get(source, ()) for name in m.measurer.schema.names)
        view = (stage.compared.get(source) or stage.views[source]) if decided else stage.against[source]
        above = replace(decided, verb_key=None) if decided else None
        parents = tuple(
            (name, upstream(plan, name, source) if name in plan.graph.stages else None)
            for name in plan.graph.parents(stage, source)
        )
        common = VerbSource(above, view, measured, ranked, own, trust, parents)
        for planned in plan.of(source):
            record = records[planned.number]
            files = tuple(_carried_file(name, columns[name], record.carried()) for name in carried)
            tally = run.tallies[stage.name, planned.number] if decided else None
            arrived = tally.kept.documents if tally else record.documents
            yield VerbShard(planned, common, files, record.documents, arrived)


def _carried_file(name: str, column: Column, schema: pa.Schema) -> CarriedFile:
    (measurement,) = column.measurements
    carried = cast(Carried, measurement.measurer).column  # a verb may know it by another name
    field = find_field(schema, carried) or pa.field(name, pa.null())
    return CarriedFile(name, measurement.file, field.type, is_json_text(field))


def _common_type(run: Run, stage: ResolvedStage, name: str) -> pa.DataType:
    """The type in which a column's values are ranked, from those that it has in each shard."""
    types: dict[pa.DataType, str] = {}  # each with the first place that has it
    for planned in run.plan.reaching(stage):
        column = stage.needed[planned.spec.name].get(name)
        if column is None:
            types.setdefault(pa.string(), planned.name)
        elif not is_carried(column):
            types.setdefault(column.type, planned.name)
        elif field := find_field(run.records[planned.number].carried(), name):
            if is_json_text(field):
                raise InputError(planned.name, f"the column {name!r} has values that cannot be compared")
            types.setdefault(field.type, planned.name)
    return common_type(name, [(place, kind) for kind, place in types.items()])
