"""Verb `select`: the best documents until a token budget is spent, a sample by score, or better ones more often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from refinery.definition.paths import Paths
from refinery.definition.validate import validate
from refinery.definition.values import as_percentage
from refinery.filters import token_count
from refinery.filters.ranking import ranking
from refinery.filters.verb import Needed, Outcome, Verb, VerbTable
from refinery.select.batches import MOST, RULES, TOKENS, Batch, batches_of, drop, empty_outcome
from refinery.select.budget import find_cutoff, within
from refinery.select.least import missed, put_first
from refinery.select.most import leave_most
from refinery.select.ranked import rank
from refinery.select.settings import Settings
from refinery.select.upsample import upsample
from refinery.select.values import limits_of
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer
    from refinery.shuffle.units import MapUnits

RANKED_BYTES = 64  # of memory that is taken for each document of a batch


@dataclass(frozen=True)
class Select(Verb):
    """See docs/select.md; counter: counts tokens exactly; held_out: the splits below it, a `dedup.split.Split`."""

    chosen: Settings
    counter: Measurer | None
    held_out: Any = None
    name: str = "select"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Budget and ranking; a tokenizer counts by its measurements."""
        split = {"split": self.held_out.settings} if self.held_out else {}
        return self.chosen.model_dump(mode="json", exclude={"tokenizer"}) | split

    @property
    def needed(self) -> tuple[Needed, ...]:
        """The ranking, tokens, and what shares and a curve group by."""
        chosen = self.chosen
        by = Needed(ranking(chosen.by)[0], ("by",), ranks=True, everywhere=chosen.missing is None)
        grouped = [(("most", name), name) for name in chosen.most]
        grouped += [(("least", name), name) for name in chosen.least]
        if chosen.curve and chosen.curve.within:
            grouped.append((("curve", "within"), chosen.curve.within))
        return (by, Needed("tokens"), *(Needed(name, place, arriving=True) for place, name in grouped))

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
        chosen = self.chosen
        words = [f"select {chosen.tokens:,} tokens by {chosen.by}", *_drawn_in_words(chosen)]
        words += [_in_words("most", name, shares) for name, shares in chosen.most.items()]
        words += [_in_words("least", name, shares) for name, shares in chosen.least.items()]
        return ", ".join(words)

    def explained(self) -> tuple[VerbTable, ...]:
        """What shares are in tokens."""
        bounds = (("most", self.chosen.most), ("least", self.chosen.least))
        rows = tuple(
            (column, value, f"at {bound}", as_percentage(share), f"{int(self.chosen.tokens * share):,}")
            for bound, columns in bounds
            for column, shares in columns.items()
            for value, share in (shares if isinstance(shares, Mapping) else {"each": shares}).items()
        )
        columns = ("column", "value", "", "share", "tokens")
        return (VerbTable("shares of the budget", columns, rows),) if rows else ()

    @property
    def repeats(self) -> bool:
        """A curve does."""
        return self.chosen.curve is not None

    def holding_out(self, split: Any) -> Select:
        """Documents that are held out are written once at most."""
        return replace(self, held_out=split) if self.repeats else self

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Finds where the budget ends and gives the documents beyond, or how often a curve writes each.

        Raises InputError for a draw by what is no number, and for a budget that the curve cannot have.
        """
        batches = batches_of(shards)
        largest = max((shard.bytes for shard in shards), default=0)
        most = max((sum(shard.arrived for shard in batch.shards) for batch in batches), default=0)
        map_units = partial(map_units, memory=max(largest, RANKED_BYTES * most))
        if self.repeats:
            return upsample(self.chosen, self.held_out, batches, map_units, work)
        return self._keep_best(batches, map_units, work)

    def _keep_best(self, batches: Sequence[Batch], map_units: MapUnits, work: Place) -> Outcome:
        chosen = self.chosen
        most = [limits_of(column, shares, chosen.tokens) for column, shares in chosen.most.items()]
        least = [limits_of(column, shares, chosen.tokens) for column, shares in chosen.least.items()]
        ranked = rank(chosen, batches, map_units, work)
        outcome = empty_outcome(RULES, batches, work, drops=len(most) + 1)
        left = leave_most(ranked, most, batches, outcome, MOST, map_units, work)
        if least:
            left = put_first(left, least, batches, outcome.partition_documents, map_units, work)
        cutoff = find_cutoff(left, chosen.tokens, map_units, work)
        remaining = cutoff.remaining if cutoff else (0,) * len(batches)
        write = partial(write_dropped, left, outcome, cutoff.keys if cutoff else None)
        first = len(batches) * len(most)
        map_units("select dropped", write, [(n, first + n, left) for n, left in enumerate(remaining)])
        warnings = missed(left, ranked, least, batches, cutoff, map_units) if least and batches else ()
        return replace(outcome, warnings=warnings)


def _drawn_in_words(chosen: Settings) -> Iterator[str]:
    if chosen.temperature:
        yield f"drawn at temperature {chosen.temperature:g}"
    if chosen.softdedup:
        yield f"drawn by 1 / the mean of each of {chosen.softdedup} segments"
    if curve := chosen.curve:
        yield f"without the worst {as_percentage(curve.discard)}, the better up to {curve.most_repeats} times"
        if curve.within:
            yield f"within each {curve.within}"


def _in_words(bound: str, column: str, shares: float | Mapping[str, float]) -> str:
    if not isinstance(shares, Mapping):
        return f"at {bound} {as_percentage(shares)} a {column}"
    named = ", ".join(f"{as_percentage(share)} {value}" for value, share in shares.items())
    return f"at {bound} {named} by {column}"


def build(settings: Settings, paths: Paths) -> Select:
    """The verb; raises DefinitionError without the tokenizers package, InputError for an unreadable tokenizer."""
    if settings.tokenizer is None:
        return Select(settings, None)
    return Select(
        settings, token_count.build(validate(token_count.Settings, {"tokenizer": settings.tokenizer}, paths))
    )


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
