"""Verb `mix`: documents of several stages or sources, to shares of a token budget.

A part whose documents have more tokens than it is to give is cut to a random choice of them, or to the best; one that
has fewer is written whole, as often as that goes, and a choice of it once more: so no document is written more than
once as often as another one of its part, nor more often than `most_repeats` says. A document that comes by several
parts is one of the first of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from refinery.definition.paths import Paths
from refinery.definition.values import Model, Name, Share, TokenCount, as_percentage
from refinery.errors import nearest
from refinery.filters.ranking import Missing, Ranking, ranking
from refinery.filters.verb import (
    Needed,
    Outcome,
    Part,
    Verb,
    VerbTable,
)
from refinery.mix.fill import Choice, Counted, Order, fill, write_ranked
from refinery.mix.parts import epochs, planned_tokens, wanted_tokens
from refinery.select.batches import batches_of, empty_outcome
from refinery.select.budget import find_cutoff
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.dedup.split import Split
    from refinery.shuffle.units import MapUnits

RULES = ("mix.tokens",)
RANKED_BYTES = 64  # of memory that is taken for each document of a batch
MOST_REPEATS = 1000
Repeats = Annotated[int, Field(ge=1, le=MOST_REPEATS, strict=True)]
MostRepeats = Annotated[
    Annotated[Repeats, Tag("number")] | Annotated[dict[Name, Repeats], Tag("parts")],
    Discriminator(lambda value: "parts" if isinstance(value, dict) else "number"),
]


class Settings(Model):
    """The stages or sources that a stage comes from are mixed to shares of a token budget."""

    tokens: TokenCount = Field(description="the budget; repeated tokens count each time")
    shares: dict[Name, Share] = Field(
        min_length=1, description="each stage or source of `from` to its share of the tokens; together 100%"
    )
    most_repeats: MostRepeats = Field(
        1,
        description="how many times a document is written at most; or for each part, 1 for one that is not named",
    )
    by: Ranking | None = Field(
        None,
        description="column by which the best of a part are chosen, as in `select` (default: a random choice)",
    )
    missing: Missing | None = Field(None, description="where documents rank whose source lacks the column")
    keep_total: bool = Field(
        False, description="what a part cannot fill the others do, in proportion to their shares"
    )
    seed: int = Field(1, ge=0, description="of the random choice")

    @field_validator("shares")
    @classmethod
    def _add_up(cls, shares: dict[str, float]) -> dict[str, float]:
        total = sum(Fraction(str(share)) for share in shares.values())
        if total != 1:
            raise ValueError(f"the shares add up to {as_percentage(float(total))}; they must be 100%")
        return shares

    @model_validator(mode="after")
    def _fit(self) -> Self:
        named = self.most_repeats if isinstance(self.most_repeats, dict) else {}
        if unknown := [name for name in named if name not in self.shares]:
            raise ValueError(
                f"`most_repeats`: there is no part {unknown[0]!r}{nearest(unknown[0], self.shares)}"
            )
        if self.by is None and self.missing is not None:
            raise ValueError("`missing` is of `by`; there is none")
        if self.by is not None and "seed" in self.model_fields_set:
            raise ValueError("`seed` is of the random choice; `by` takes the best")
        return self

    def most(self, part: str) -> int:
        """How many times a document of a part is written at most."""
        return self.most_repeats.get(part, 1) if isinstance(self.most_repeats, dict) else self.most_repeats


@dataclass(frozen=True)
class Mix(Verb):
    """See docs/mix.md; held_out: tells the documents that are written once and fill no share."""

    chosen: Settings
    held_out: Split | None = None
    name: str = "mix"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """All of them; the order of parts counts where a document comes by several."""
        chosen = self.chosen.model_dump(mode="json")
        split = {"split": self.held_out.settings} if self.held_out else {}
        return {**chosen, "order of parts": list(self.parts), **split}

    @property
    def needed(self) -> tuple[Needed, ...]:
        """Tokens, and the ranking."""
        if self.chosen.by is None:
            return (Needed("tokens"),)
        everywhere = self.chosen.missing is None
        return (
            Needed("tokens"),
            Needed(ranking(self.chosen.by)[0], ("by",), ranks=True, everywhere=everywhere),
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """Those that have a share."""
        return tuple(self.chosen.shares)

    @property
    def repeats(self) -> bool:
        """Even if it may not now: what comes below does not hang on a number."""
        return True

    @property
    def summary(self) -> str:
        """The budget, the shares, and where repeats end."""
        shares = ", ".join(f"{name} {as_percentage(share)}" for name, share in self.chosen.shares.items())
        by = f", by {self.chosen.by}" if self.chosen.by else ""
        return f"mix {self.chosen.tokens:,} tokens: {shares}{by}"

    def explained(self) -> tuple[VerbTable, ...]:
        """What each part is asked for, and the unique tokens below which it cannot fill that."""
        wanted = wanted_tokens(self.chosen.tokens, [*self.chosen.shares.values()])
        rows = tuple(
            (name, as_percentage(share), f"{tokens:,}", str(most), f"{-(-tokens // most):,}")
            for (name, share), tokens in zip(self.chosen.shares.items(), wanted, strict=True)
            for most in (self.chosen.most(name),)
        )
        columns = ("part", "share", "tokens", "repeats at most", "unique tokens needed")
        return (VerbTable("mix", columns, rows),)

    def holding_out(self, split: Split) -> Mix:
        """Documents that are held out are chosen as the others are, but written once and beside the tokens."""
        return replace(self, held_out=split)

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Counts what each part has, finds where its choice ends, and gives what is dropped and what is repeated."""
        chosen, names = self.chosen, self.parts
        batches = batches_of(shards)
        order = Order(chosen.by, chosen.missing, chosen.seed)
        ranked = tuple(
            Records.create(work / f"ranked-{n}", order.form(shards), writers=len(batches))
            for n in range(len(names))
        )
        memory = max((shard.bytes for shard in shards), default=0) or 1
        write = partial(write_ranked, dict(zip(names, ranked, strict=True)), order, self.held_out)
        counted = map_units("mix ranking", write, batches, memory=memory)
        largest = max((int(one.documents.sum()) for one in counted), default=0)
        map_units = partial(map_units, memory=RANKED_BYTES * largest)
        parts = self._parts(counted)
        planned = planned_tokens(
            [part.wanted for part in parts],
            [part.filling * part.most for part in parts],
            keep_total=chosen.keep_total,
        )
        choices = [
            _choice(records, part, due, map_units, work / f"cutoff-{n}")
            for n, (records, part, due) in enumerate(zip(ranked, parts, planned, strict=True))
        ]
        outcome = empty_outcome(RULES, batches, work, repeats=True)
        shared = sum(one.shared for one in counted)
        several = f"{shared:,} documents come by several parts; each counts once, in the first in `shares`"
        filled = map_units("mix fill", partial(fill, choices, outcome), range(len(batches)))
        sums = np.array(filled, np.int64).reshape(-1, len(names)).sum(axis=0).tolist()
        given = tuple(replace(part, filled=tokens) for part, tokens in zip(parts, sums, strict=True))
        return replace(outcome, parts=given, warnings=(several,) * (shared > 0))

    def _parts(self, counted: Sequence[Counted]) -> tuple[Part, ...]:
        """The parts with what is there of them."""
        shares = self.chosen.shares
        there = np.array([[one.documents, one.tokens, one.held_out] for one in counted], np.int64)
        sums = there.reshape(-1, 3, len(shares)).sum(axis=0).T.tolist()
        wanted = wanted_tokens(self.chosen.tokens, [*shares.values()])
        return tuple(
            Part(name, shares[name], due, self.chosen.most(name), *counts)
            for name, due, counts in zip(shares, wanted, sums, strict=True)
        )


def _choice(ranked: Records, part: Part, planned: int, map_units: MapUnits, work: Place) -> Choice:
    """How many times the documents of a part are written, for so many tokens."""
    whole, rest = epochs(planned, part.filling)
    return Choice(ranked, whole, find_cutoff(ranked, rest, map_units, work) if rest else None)


def build(settings: Settings, paths: Paths) -> Mix:  # noqa: ARG001  (the shape of every `build`)
    """The verb."""
    return Mix(settings)
