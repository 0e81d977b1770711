"""The shape of a verb: what is decided on all documents of a stage together, after its rules.

A verb is a module with `Settings`, a pydantic model of what a stage may write under the verb's name, and
`build(settings, paths)`, which gives a `Verb` and raises DefinitionError or InputError in the user's words; `paths`
says what paths in the settings stand for. The built-in ones are listed in refinery.definition.verbs; a package offers
its own as entry points of the group `refinery.verbs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.filters.measurer import Measurer
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place
from refinery.text.batch import TextBatch

# A dropped document: its number, the index of its rule, the number of the document that is kept in its place, and
# their similarity. Documents are numbered from 0 through all rows of the shards in their order.
DROPPED = np.dtype(
    [("document", np.int64), ("rule", np.int16), ("duplicate_of", np.int64), ("similarity", np.float32)]
)
NONE = -1  # in duplicate_of; the similarity is NaN where there is none


@dataclass(frozen=True)
class Outcome:
    """What a verb decided: all documents that it drops, none of an earlier corpus.

    rules: names for the record, such as `dedup.near`; dropped: records DROPPED, of which partition n holds the
    documents from n * partition_documents on.
    """

    rules: tuple[str, ...]
    dropped: Records
    partition_documents: int


@dataclass(frozen=True)
class Needed:
    """A column that a verb reads, and where its settings name it; ranks: what has it less comes after or before."""

    column: str
    location: tuple[str | int, ...] = ()
    ranks: bool = False


@dataclass(frozen=True)
class Explained:
    """A table that tells what a verb's settings mean."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class ShardDocuments(Protocol):
    """The documents of a shard as a verb sees them; picklable and small, read from files when it is asked."""

    @property
    def name(self) -> str:
        """What a user knows the shard by."""

    @property
    def source(self) -> str:
        """Its source."""

    @property
    def trust(self) -> int:
        """The place of its source in the trust order, from 0."""

    @property
    def earlier(self) -> bool:
        """Whether it is of the corpus that `against` names: looked at, never dropped."""

    @property
    def rows(self) -> int:
        """Its documents, whether or not they come to the verb."""

    @property
    def arrived(self) -> int:
        """Its documents that come to the verb."""

    @property
    def bytes(self) -> int:
        """Bytes of its data, more than all measurements of it."""

    def arrives(self) -> NDArray[np.bool_]:
        """Which of its documents come to the verb."""

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Columns that the verb needs, of every document; NULL where the shard does not have one."""

    def measured(self, column: str) -> Place:
        """The file with a column of the verb's own measurers, row-aligned with the documents."""

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        """Texts of documents given by ascending positions, after the stage's transforms."""


class Verb(Protocol):
    """Decides on all documents of a stage. A frozen value, picklable, cheap to build.

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

    @property
    def own_measurers(self) -> tuple[Measurer, ...]:
        """What it has measured for itself alone."""

    @property
    def against(self) -> str | None:
        """The output folder of an earlier run whose documents it looks at; its setting of that name."""

    @property
    def summary(self) -> str:
        """A line for `refinery plan`."""

    def explained(self) -> tuple[Explained, ...]:
        """Tables for `refinery plan`."""

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        """Decides. Shards of an earlier corpus come first, then the others in trust order.

        map_units runs a picklable function over units and gives the results in order; `work` is an empty folder for
        files between units, which is removed afterwards.
        """
