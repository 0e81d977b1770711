"""Verb `select`: the best documents until a token budget is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pydantic import Field

from refinery.definition.models import Model, TokenCount
from refinery.definition.paths import Paths
from refinery.definition.validate import validate
from refinery.filters import size
from refinery.filters.ranking import Ranking, ranking
from refinery.filters.verb import DROPPED, NONE, Explained, Needed, Outcome, ShardDocuments
from refinery.select.budget import find_cut, read_ranked, within
from refinery.shuffle.records import Records
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits

RULES = ("select.tokens",)
GROUP_DOCUMENTS = 1 << 21  # of shards that one unit goes through
GROUPS = 64  # at least, where there are documents enough
LEAST_GROUP = 50_000
RANKED_BYTES = 64  # of memory that is taken for each document of a shard


class Settings(Model):
    """The best documents are kept until a token budget is spent."""

    tokens: TokenCount = Field(description="the budget")
    by: Ranking = Field(description='column to rank on, best first; "COLUMN ASC" to rank low values first')
    tokenizer: str | None = Field(
        None, description="tokenizers JSON file for exact counts (default: estimated)"
    )


@dataclass(frozen=True)
class Select:
    """See docs/pipeline.md; counter: counts tokens exactly."""

    chosen: Settings
    counter: Measurer | None
    name: str = "select"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Budget and ranking; a tokenizer counts by its measurements."""
        return self.chosen.model_dump(mode="json", exclude={"tokenizer"})

    @property
    def needed(self) -> tuple[Needed, ...]:
        """The ranking, and tokens."""
        return (Needed(ranking(self.chosen.by)[0], ("by",), ranks=True), Needed("tokens"))

    @property
    def measurers(self) -> tuple[Measurer, ...]:
        """Exact counts, if a tokenizer is given: they take the place of the estimated ones."""
        return (self.counter,) if self.counter else ()

    @property
    def own_measurers(self) -> tuple[Measurer, ...]:
        """None."""
        return ()

    @property
    def against(self) -> None:
        """None."""

    @property
    def summary(self) -> str:
        """The budget and the ranking."""
        return f"select {self.chosen.tokens:,} tokens by {self.chosen.by}"

    def explained(self) -> tuple[Explained, ...]:
        """Nothing."""
        return ()

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds where the budget ends and gives the documents beyond."""
        starts = np.cumsum([0, *(shard.rows for shard in shards)]).tolist()
        files = [work / f"ranked-{n:06}.parquet" for n in range(len(shards))]
        ranked = [Ranked(*one) for one in zip(shards, files, starts, strict=False)]
        memory = max((shard.bytes for shard in shards), default=0)
        rows = map_units("select ranking", partial(write_ranked, self.chosen.by), ranked, memory=memory or 1)
        groups = in_groups(ranked, rows)
        places = [tuple(one.file for one in group) for group in groups]
        map_units = partial(map_units, memory=RANKED_BYTES * max(rows, default=0))
        cut = find_cut(places, self.chosen.tokens, map_units, work)
        documents = min(GROUP_DOCUMENTS, max(starts[-1] // GROUPS, LEAST_GROUP))
        partitions = starts[-1] // documents + 1
        dropped = Records.create(work / "dropped", DROPPED, partitions=partitions, writers=len(groups))
        outcome = Outcome(RULES, dropped, documents)
        units = [
            Group(n, tuple(group), cut.key if cut else None, cut.remaining[n] if cut else 0)
            for n, group in enumerate(groups)
        ]
        map_units("select dropped", partial(write_dropped, outcome), units)
        return outcome


def build(settings: Settings, paths: Paths) -> Select:
    """The verb; raises DefinitionError without the tokenizers package, InputError for an unreadable tokenizer."""
    if settings.tokenizer is None:
        return Select(settings, None)
    return Select(settings, size.build(validate(size.Settings, {"tokenizer": settings.tokenizer}, paths)))


@dataclass(frozen=True)
class Ranked:
    """A shard, the file with its documents' tokens and ranking, and the number of its first document."""

    shard: ShardDocuments
    file: Place
    start: int


@dataclass(frozen=True)
class Group:
    """Shards whose documents beyond the budget are listed; cut, remaining: a key and tokens, see select.budget."""

    number: int
    shards: tuple[Ranked, ...]
    cut: int | None
    remaining: int


def write_ranked(by: str, unit: Ranked) -> int:
    """Writes position, tokens and ranking (the smaller is better) of the documents that come; gives their number."""
    shard = unit.shard
    arrived = np.flatnonzero(shard.arrives())
    column, direction = ranking(by)
    values = shard.columns(["tokens", column])
    tokens = values.column("tokens").to_numpy()[arrived]
    order = values.column(column).cast(pa.float64()).to_numpy()[arrived]
    columns = {"document": arrived, "tokens": tokens, "prefer_0": order if direction == "ASC" else -order}
    batch = pa.RecordBatch.from_pydict(columns)
    with TableWriter(unit.file, batch.schema, scratch=True) as writer:
        writer.write(batch)
    return len(arrived)


def in_groups(shards: Sequence[Ranked], rows: Sequence[int]) -> list[tuple[Ranked, ...]]:
    """Consecutive shards of together GROUP_DOCUMENTS, or of fewer where that gives fewer than GROUPS."""
    size = min(GROUP_DOCUMENTS, max(sum(rows) // GROUPS, LEAST_GROUP))
    numbers = (np.cumsum([0, *rows])[:-1] // size).tolist()
    return [
        tuple(shard for shard, here in zip(shards, numbers, strict=True) if here == number)
        for number in sorted(set(numbers))
    ]


def write_dropped(outcome: Outcome, group: Group) -> None:
    """Writes the documents of a group of shards that the budget leaves out."""
    remaining = group.remaining
    found = [np.empty(0, DROPPED)]
    for one in group.shards:
        tokens, keys = read_ranked(one.file)
        chosen, remaining = within(group.cut, tokens, keys, remaining)
        document = read_table(one.file, ["document"]).column(0).to_numpy()[~chosen]
        records = np.empty(len(document), DROPPED)
        records["document"] = one.start + document
        records["rule"], records["duplicate_of"], records["similarity"] = 0, NONE, np.nan
        found.append(records)
    records = np.concatenate(found)
    outcome.dropped.write(group.number, records, records["document"] // outcome.partition_documents)
