"""Verb `select`: the best documents until a token budget is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from refinery.definition.paths import Paths
from refinery.definition.validate import validate
from refinery.definition.values import Model, TokenCount
from refinery.filters import token_count
from refinery.filters.ranking import Missing, Ranking, ranking
from refinery.filters.verb import (
    DROPPED_RECORD,
    NONE,
    Needed,
    Outcome,
    Verb,
    key_count,
    ranking_keys,
)
from refinery.select.budget import find_cutoff, ranked_dtype, within
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments
from refinery.storage.arrow_bytes import cuts
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits

RULES = ("select.tokens",)
BATCH_DOCUMENTS = 1 << 21  # of shards that one unit goes through
BATCHES = 64  # at least, where there are documents enough
LEAST_BATCH = 50_000
BATCH_SHARDS = 256  # at most
RANKED_BYTES = 64  # of memory that is taken for each document of a batch


class Settings(Model):
    """The best documents are kept until a token budget is spent."""

    tokens: TokenCount = Field(description="the budget")
    by: Ranking = Field(description='column to rank on, best first; "COLUMN ASC" to rank low values first')
    missing: Missing | None = Field(None, description="where documents rank whose source lacks the column")
    tokenizer: str | None = Field(
        None, description="tokenizers JSON file for exact counts (default: estimated)"
    )


@dataclass(frozen=True)
class Select(Verb):
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
        everywhere = self.chosen.missing is None
        by = Needed(ranking(self.chosen.by)[0], ("by",), ranks=True, everywhere=everywhere)
        return (by, Needed("tokens"))

    @property
    def measurers(self) -> tuple[Measurer, ...]:
        """Exact counts, if a tokenizer is given: they take the place of the estimated ones."""
        return (self.counter,) if self.counter else ()

    @property
    def budget(self) -> int | None:
        """The tokens that are asked for."""
        return self.chosen.tokens

    @property
    def summary(self) -> str:
        """The budget and the ranking."""
        return f"select {self.chosen.tokens:,} tokens by {self.chosen.by}"

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds where the budget ends and gives the documents beyond."""
        starts = list(accumulate((shard.rows for shard in shards), initial=0))
        memory = max((shard.bytes for shard in shards), default=0) or 1
        dtype = ranked_dtype(key_count(shards, [self.chosen.by]))
        units = [
            Batch(n, starts[batch.start], tuple(shards[batch.start : batch.stop]))
            for n, batch in enumerate(in_batches([shard.arrived for shard in shards]))
        ]
        ranked = Records.create(work / "ranked", dtype, writers=len(units))
        rows = map_units("select ranking", partial(write_ranked, ranked, self.chosen), units, memory=memory)
        map_units = partial(map_units, memory=RANKED_BYTES * max(rows, default=0))
        cutoff = find_cutoff(ranked, self.chosen.tokens, map_units, work)
        size = batch_documents(starts[-1])
        count = starts[-1] // size + 1
        dropped = Records.create(work / "dropped", DROPPED_RECORD, partitions=count, writers=len(units))
        outcome = Outcome(RULES, dropped, size)
        remaining = cutoff.remaining if cutoff else (0,) * len(units)
        write = partial(write_dropped, ranked, outcome, cutoff.keys if cutoff else None)
        map_units("select dropped", write, list(enumerate(remaining)))
        return outcome


def build(settings: Settings, paths: Paths) -> Select:
    """The verb; raises DefinitionError without the tokenizers package, InputError for an unreadable tokenizer."""
    if settings.tokenizer is None:
        return Select(settings, None)
    return Select(
        settings, token_count.build(validate(token_count.Settings, {"tokenizer": settings.tokenizer}, paths))
    )


@dataclass(frozen=True)
class Batch:
    """Consecutive shards that one unit ranks, and the number of their first document."""

    number: int
    start: int
    shards: tuple[ShardDocuments, ...]


def write_ranked(ranked: Records, chosen: Settings, batch: Batch) -> int:
    """Writes tokens and keys of a batch's documents that come to the verb; gives their number."""
    start = batch.start
    with ranked.writer(batch.number) as writer:
        for shard in batch.shards:
            arrived = np.flatnonzero(shard.arrives())
            records = np.empty(len(arrived), ranked.form)
            records["document"] = start + arrived
            records["tokens"] = shard.columns(["tokens"]).column(0).to_numpy()[arrived]
            records["keys"] = ranking_keys(shard, [chosen.by], chosen.missing, best="DESC")[arrived]
            writer.write(records)
            start += shard.rows
    return writer.written


def batch_documents(documents: int) -> int:
    """Of how many documents a unit takes the shards together, BATCH_DOCUMENTS or fewer."""
    return min(BATCH_DOCUMENTS, max(documents // BATCHES, LEAST_BATCH))


def in_batches(arrived: Sequence[int]) -> list[range]:
    """Consecutive shards, by number, of which so many documents each come, in batches of BATCH_SHARDS at most."""
    size = batch_documents(sum(arrived))
    weights = np.maximum(np.array(arrived, np.int64), -(-size // BATCH_SHARDS))
    return [range(start, stop) for start, stop, _ in cuts(weights, size)]


def write_dropped(
    ranked: Records, outcome: Outcome, keys: tuple[int, ...] | None, unit: tuple[int, int]
) -> None:
    """Writes the documents of a writer that the budget leaves out; keys, tokens: see budget.Cutoff."""
    writer, remaining = unit
    found = []
    for records in ranked.each(writers=[writer]):
        chosen, remaining = within(keys, records, remaining)
        found.append(records["document"][~chosen])
    documents = np.concatenate([np.empty(0, np.int64), *found])
    dropped = np.empty(len(documents), DROPPED_RECORD)
    dropped["document"], dropped["rule"] = documents, 0
    dropped["duplicate_of"], dropped["similarity"] = NONE, np.nan
    outcome.dropped.write(writer, dropped, documents // outcome.partition_documents)
