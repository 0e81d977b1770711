"""The shape of a verb: what is decided on all documents of a stage together, after its rules.

A verb is a module with `Settings`, a pydantic model of what a stage may write under the verb's name, and
`build(settings, paths)`, which gives a `Verb` and raises DefinitionError or InputError in the user's words; `paths`
says what paths in the settings stand for. The built-in ones are listed in refinery.definition.registry; a package
offers its own as entry points of the group `refinery.verbs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from refinery.definition.values import Family
from refinery.filters.measurer import Measurer
from refinery.filters.ranking import Missing, keys_of, rank_keys, ranking
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

# A dropped document: its number, the index of its rule, the number of the document that is kept in its place, and
# their similarity. Documents are numbered from 0 through all rows of the shards in their order.
DROPPED_RECORD = np.dtype(
    [("document", np.int64), ("rule", np.int16), ("duplicate_of", np.int64), ("similarity", np.float32)]
)
NONE = -1  # in duplicate_of and other; the similarity is NaN where there is none
# A passage that is cut out of a kept document's text, as the verb got it: the bytes start:end, so many characters,
# and the number of the document for which it goes.
SPAN_RECORD = np.dtype(
    [
        ("document", np.int64),
        ("rule", np.int16),
        ("start", np.int64),
        ("end", np.int64),
        ("characters", np.int64),
        ("other", np.int64),
    ]
)
# A kept document that is written more than once: its number, and how many times, at least twice.
REPEAT_RECORD = np.dtype([("document", np.int64), ("repeats", np.int32)])


@dataclass(frozen=True)
class Removal:
    """How many documents of a source, of so many that arrived, go for one, `kept` by its number; how: in words."""

    source: str
    kept: int
    count: int
    arrived: int
    how: str


@dataclass(frozen=True)
class Part:
    """What a verb that fills parts found of one, and made of it.

    share: of the budget; wanted: the tokens that this is, repeated ones counted each time; most: times that one may
    be written; documents, tokens: those that are there, unique; held_out: tokens of these that fill nothing; filled:
    tokens that it gives, repeated ones counted each time.
    """

    name: str
    share: float
    wanted: int
    most: int
    documents: int
    tokens: int
    held_out: int = 0
    filled: int = 0

    @property
    def filling(self) -> int:
        """The unique tokens that are there to fill it."""
        return self.tokens - self.held_out


@dataclass(frozen=True)
class VerbTable:
    """A table that tells what a verb's settings mean, or what it did."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """What a verb decided: all documents that it drops, none of an earlier corpus.

    rules: names for the record, such as `dedup.near`; dropped: records DROPPED_RECORD, of which partition n holds the
    documents from n * partition_documents on; largest: for the guard `duplicates_of_one`; spans: of a verb that
    cuts, records SPAN_RECORD in the same partitions. Spans of a document do not overlap, and begin and end between
    characters; a document that is dropped has none; repeats: of a verb that repeats, records REPEAT_RECORD in the
    same partitions, of none that is dropped or held out; parts: those that it filled, in order; warnings: sentences
    about the stage; tables: what it did.
    """

    rules: tuple[str, ...]
    dropped: Records
    partition_documents: int
    largest: tuple[Removal, ...] = ()
    spans: Records | None = None
    repeats: Records | None = None
    parts: tuple[Part, ...] = ()
    warnings: tuple[str, ...] = ()
    tables: tuple[VerbTable, ...] = ()


@dataclass(frozen=True)
class Needed:
    """A column of plain values that a verb reads, measured or of the source's files, and where its settings name it.

    `source` and `id` are columns too. ranks: documents are ranked by it, so it is not read of an earlier corpus and
    its values are of one type, see filters.ranking; everywhere: it is a mistake if a source that arrives lacks it;
    arriving: it is read of documents that arrive alone, so one will do that is measured on arrival.
    """

    column: str
    location: tuple[str | int, ...] = ()
    ranks: bool = False
    everywhere: bool = False
    arriving: bool = False


class Verb(Protocol):
    """Decides on all documents of a stage. A frozen value, picklable, cheap to build. Inherit from it.

    `settings` is all that its outcome depends on besides `version` and what it reads, as JSON values: the key of the
    outcome is made of it. The outcome depends on the documents in their order alone, not on shards or units.
    """

    @property
    def name(self) -> str:
        """The word that a definition uses for it."""

    @property
    def version(self) -> int:
        """Raised whenever the same settings and documents would give another outcome."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Canonical configuration, JSON values only; columns by name, models by content, no paths."""

    @property
    def needed(self) -> tuple[Needed, ...]:
        """The columns that it reads of what arrives."""

    @property
    def measurers(self) -> tuple[Measurer, ...]:
        """What it has measured as if the stage's `measure` named it: columns of the stage and those below."""
        return ()

    @property
    def own_measurers(self) -> tuple[Measurer, ...]:
        """What it has measured for itself alone."""
        return ()

    @property
    def against(self) -> str | None:
        """The output folder of an earlier run whose documents it looks at; its setting of that name."""
        return None

    @property
    def summary(self) -> str:
        """A line for `refinery plan`."""

    @property
    def budget(self) -> int | None:
        """The tokens that it is to fill, for the guard `budget_missed`."""
        return None

    @property
    def cuts(self) -> bool:
        """Whether it may cut passages out of documents that it keeps: its outcomes have spans."""
        return False

    @property
    def repeats(self) -> bool:
        """Whether documents that it keeps may be written more than once: its outcomes have repeats."""
        return False

    @property
    def parts(self) -> tuple[str, ...]:
        """The stages or sources of `from` that it tells apart: all of them, or none; a document is of the first."""
        return ()

    def holding_out(self, split: Any) -> Verb:
        """The verb where documents are held out below it: `split`, a `dedup.split.Split`, tells which.

        One that drops documents in favour of others keeps those of an earlier split first; one that repeats repeats
        none that is held out.
        """
        return self

    def for_family(self, family: Family) -> Verb:
        """The verb that estimates tokens, where it does, for a family of tokenizers."""
        return self

    def explained(self) -> tuple[VerbTable, ...]:
        """Tables for `refinery plan`."""
        return ()

    def memory(self, documents: int) -> int:
        """Bytes that a worker takes at most for so many documents, beside what every worker has."""
        return 0

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Decides. Shards of an earlier corpus come first, then the others in trust order.

        map_units runs a picklable function over units and gives the results in order; `work` is an empty folder for
        files between units, which is removed afterwards.
        """


def key_count(shards: Sequence[ShardDocuments], rankings: Sequence[str]) -> int:
    """How many keys `ranking_keys` gives."""
    columns = [column for text in rankings if (column := ranking(text)[0]) != "source"]
    return len(rankings) - len(columns) + sum(keys_of(shards[0].ranked_type(c)) for c in columns if shards)


def ranking_keys(
    shard: ShardDocuments, rankings: Sequence[str], missing: Missing | None, best: str = "ASC"
) -> NDArray[np.uint64]:
    """uint64 (documents, keys): the order of a shard's documents by rankings, the first the most important.

    `source` ranks by trust; best: the direction of a ranking that has none.
    """
    parsed = [ranking(text) for text in rankings]
    values = shard.columns([column for column, _ in parsed if column != "source"])
    found = [np.empty((shard.rows, 0), np.uint64)]
    for column, direction in parsed:
        if column == "source":
            found.append(np.full((shard.rows, 1), shard.trust + 1, np.uint64))
        else:
            descending = (direction or best) == "DESC"
            found.append(rank_keys(values.column(column), descending=descending, missing=missing or "last"))
    return np.concatenate(found, axis=1)
