"""Verb `select`: the best documents until a token budget is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.definition.paths import Paths
from refinery.definition.validate import validate
from refinery.definition.values import as_percentage
from refinery.errors import InputError
from refinery.filters import token_count
from refinery.filters.ranking import is_number, rank_keys, ranking
from refinery.filters.verb import (
    DROPPED_RECORD,
    Needed,
    Outcome,
    Verb,
    key_count,
    ranking_keys,
)
from refinery.select.batches import Batch, batch_documents, drop, in_batches
from refinery.select.budget import find_cutoff, ranked_dtype, within
from refinery.select.draw import drawn
from refinery.select.least import missed, put_first
from refinery.select.most import leave_most
from refinery.select.settings import Settings
from refinery.select.values import limits_of
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits

TOKENS, MOST = 0, 1
RULES = ("select.tokens", "select.most")
RANKED_BYTES = 64  # of memory that is taken for each document of a batch


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
        """The ranking, tokens, and what `most` and `least` group by."""
        everywhere = self.chosen.missing is None
        by = Needed(ranking(self.chosen.by)[0], ("by",), ranks=True, everywhere=everywhere)
        shares = [("most", name) for name in self.chosen.most] + [
            ("least", name) for name in self.chosen.least
        ]
        return (by, Needed("tokens"), *(Needed(name, (key, name)) for key, name in shares))

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
        how = f", drawn at temperature {self.chosen.temperature:g}" if self.chosen.temperature else ""
        most = (_in_words("most", name, shares) for name, shares in self.chosen.most.items())
        least = (_in_words("least", name, shares) for name, shares in self.chosen.least.items())
        words = "".join(f", {one}" for one in (*most, *least))
        return f"select {self.chosen.tokens:,} tokens by {self.chosen.by}{how}{words}"

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds where the budget ends and gives the documents beyond.

        Raises InputError for a draw by what is no number.
        """
        chosen = self.chosen
        starts = list(accumulate((shard.rows for shard in shards), initial=0))
        size = batch_documents(starts[-1])
        memory = max((shard.bytes for shard in shards), default=0) or 1
        batches = [
            Batch(n, starts[batch.start], tuple(shards[batch.start : batch.stop]))
            for n, batch in enumerate(in_batches([shard.arrived for shard in shards]))
        ]
        ranked = Records.create(work / "ranked", _ranked_dtype(shards, chosen), writers=len(batches))
        rows = map_units("select ranking", partial(write_ranked, ranked, chosen), batches, memory=memory)
        map_units = partial(map_units, memory=RANKED_BYTES * max(rows, default=0))
        count = starts[-1] // size + 1
        dropped = Records.create(
            work / "dropped", DROPPED_RECORD, partitions=count, writers=len(batches) * (len(chosen.most) + 1)
        )
        outcome = Outcome(RULES, dropped, size)
        most = [limits_of(column, shares, chosen.tokens) for column, shares in chosen.most.items()]
        least = [limits_of(column, shares, chosen.tokens) for column, shares in chosen.least.items()]
        left = leave_most(ranked, most, batches, outcome, MOST, map_units, work)
        if least:
            left = put_first(left, least, batches, size, map_units, work)
        cutoff = find_cutoff(left, chosen.tokens, map_units, work)
        remaining = cutoff.remaining if cutoff else (0,) * len(batches)
        write = partial(write_dropped, left, outcome, cutoff.keys if cutoff else None)
        first = len(batches) * len(most)
        map_units("select dropped", write, [(n, first + n, left) for n, left in enumerate(remaining)])
        warnings = missed(left, ranked, least, batches, cutoff, map_units) if least and batches else ()
        return replace(outcome, warnings=warnings)


def _in_words(bound: str, column: str, shares: float | Mapping[str, float]) -> str:
    if not isinstance(shares, Mapping):
        return f"at {bound} {as_percentage(shares)} a {column}"
    named = ", ".join(f"{as_percentage(share)} {value}" for value, share in shares.items())
    return f"at {bound} {named} by {column}"


def _ranked_dtype(shards: Sequence[ShardDocuments], chosen: Settings) -> np.dtype[Any]:
    """The form of ranked documents; raises InputError for a draw by what is no number."""
    column = ranking(chosen.by)[0]
    if chosen.temperature is None or not shards:
        return ranked_dtype(key_count(shards, [chosen.by]))
    if not is_number(kind := shards[0].ranked_type(column)):
        raise InputError(
            shards[0].name, f"the column {column!r} is {kind}", "`temperature` draws by a number"
        )
    return ranked_dtype(1)


def build(settings: Settings, paths: Paths) -> Select:
    """The verb; raises DefinitionError without the tokenizers package, InputError for an unreadable tokenizer."""
    if settings.tokenizer is None:
        return Select(settings, None)
    return Select(
        settings, token_count.build(validate(token_count.Settings, {"tokenizer": settings.tokenizer}, paths))
    )


def write_ranked(ranked: Records, chosen: Settings, batch: Batch) -> int:
    """Writes tokens and keys of a batch's documents that come to the verb; gives their number."""
    start = batch.start
    with ranked.writer(batch.number) as writer:
        for shard in batch.shards:
            arrived = np.flatnonzero(shard.arrives())
            records = np.empty(len(arrived), ranked.form)
            records["document"] = start + arrived
            records["tokens"] = shard.columns(["tokens"]).column(0).to_numpy()[arrived]
            records["keys"] = _keys(shard, chosen)[arrived]
            writer.write(records)
            start += shard.rows
    return writer.written


def _keys(shard: ShardDocuments, chosen: Settings) -> NDArray[np.uint64]:
    """The order of a shard's documents, by score or as they are drawn."""
    if chosen.temperature is None:
        return ranking_keys(shard, [chosen.by], chosen.missing, best="DESC")
    column, direction = ranking(chosen.by)
    scores = drawn(
        shard.columns([column]).column(0),
        shard.identities(),
        temperature=chosen.temperature,
        seed=chosen.seed,
        low=direction == "ASC",
    )
    return rank_keys(scores, descending=True, missing=chosen.missing or "last")


def write_dropped(
    ranked: Records, outcome: Outcome, keys: tuple[int, ...] | None, unit: tuple[int, int, int]
) -> None:
    """Writes the documents of a batch that the budget leaves out.

    keys: see budget.Cutoff; unit: the batch, the writer of its drops, and the tokens that remain for it.
    """
    batch, writer, remaining = unit
    found = []
    for records in ranked.each(writers=[batch]):
        chosen, remaining = within(keys, records, remaining)
        found.append(records["document"][~chosen])
    drop(outcome, writer, TOKENS, np.concatenate([np.empty(0, np.int64), *found]))
