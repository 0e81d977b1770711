"""Runs a stage's verb, which must see all documents of the stage before any can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.plan.graph import ResolvedStage, View, against_source
from refinery.plan.plan import VERBS, Plan, PlannedShard
from refinery.run.columns import ColumnFile, column_files, load_columns
from refinery.run.decide import Upstream, kept_documents, upstream
from refinery.run.measure import apply_transforms
from refinery.run.outcome import Numbered, write_outcome
from refinery.shuffle.units import MapUnits
from refinery.sources.read import read_documents
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, remove_scratch, remove_tree
from refinery.storage.tables import read_table
from refinery.text.batch import TextBatch


@dataclass(frozen=True)
class VerbShard:
    """A shard's documents as its stage's verb sees them, see refinery.filters.verb.ShardDocuments."""

    planned: PlannedShard
    above: Upstream | None  # None: of an earlier corpus, all its documents come
    view: View
    needed: tuple[ColumnFile, ...]
    own: tuple[tuple[str, str], ...]  # column of the verb's own measurers, and its file
    trust: int
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
    def earlier(self) -> bool:
        """Whether it is of an earlier corpus."""
        return self.above is None

    @property
    def bytes(self) -> int:
        """Bytes of its data."""
        return self.planned.shard.bytes

    def arrives(self) -> NDArray[np.bool_]:
        """Which documents come to the verb."""
        return (
            np.ones(self.rows, np.bool_) if self.above is None else kept_documents(self.planned, self.above)
        )

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Columns of every document; NULL where the shard does not have one."""
        files = [file for file in self.needed if any(name in names for name, _ in file.names)]
        late = any(file.late for file in files)
        found = load_columns(self.planned, files, self.arrives() if late else None)
        nothing = pa.nulls(self.rows)
        return pa.table({name: found[name].to_arrow() if name in found else nothing for name in names})

    def measured(self, column: str) -> Place:
        """The file with a column of the verb's own measurers."""
        return self.planned.folder / dict(self.own)[column]

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        """Texts of documents by position, after the stage's transforms."""
        planned = self.planned
        wanted = read_table(planned.documents_file, ["row"]).column(0).to_numpy()[documents]
        for batch in read_documents(planned.shard, planned.spec, wanted=wanted):
            yield TextBatch.from_arrow(apply_transforms(self.view, batch.text))


def run_verb(
    plan: Plan, stage: ResolvedStage, sizes: Mapping[int, tuple[int, int]], map_units: MapUnits
) -> int:
    """Runs the stage's verb over all shards that reach it and writes each shard's verb file.

    sizes: by shard number its documents, and how many of them come to the verb. Gives how many it dropped.
    """
    verb = stage.verb
    if verb is None:
        return 0
    key = plan.verb_keys[stage.name]
    folder = plan.work / VERBS / key
    remove_tree(folder)  # what a run that was killed left
    make_directory(folder / verb.name)
    shards = list(_shards(plan, stage, sizes))
    outcome = verb.run(shards, map_units, folder / verb.name)
    ends = list(accumulate(shard.rows for shard in shards))
    numbered = [Numbered(s.planned, end - s.rows, end) for s, end in zip(shards, ends, strict=True)]
    earlier = sum(shard.earlier for shard in shards)
    dropped = write_outcome(verb.name, outcome, numbered, earlier, key, map_units, folder)
    remove_scratch(folder)  # the verb files say all that stays
    return dropped


def _shards(plan: Plan, stage: ResolvedStage, sizes: Mapping[int, tuple[int, int]]) -> Iterator[VerbShard]:
    """The shards that the verb looks at, and then those it decides on, in trust order."""
    earlier = against_source(stage.name)
    for trust, source in enumerate((earlier, *stage.sources), start=-1):
        columns = stage.needed.get(source, {})
        needed = column_files(columns, sorted(columns))
        own = tuple((name, m.file) for m in stage.own.get(source, ()) for name in m.measurer.schema.names)
        view = stage.views.get(source, View(source))
        for planned in plan.of(source):
            # the stage's own decisions, before its verb
            above = None if source == earlier else replace(upstream(plan, stage.name, source), verb_key=None)
            yield VerbShard(planned, above, view, needed, own, trust, *sizes[planned.number])
