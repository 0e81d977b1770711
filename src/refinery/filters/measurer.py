"""The shapes of a measurer and of a transform: any callable with a name, a version and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from refinery.models.maker import Made, Maker
    from refinery.text.batch import TextBatch


class Measurer(Protocol):
    """Measures every document of a batch; picklable, cheap to build, loads models on first call. Inherit from it.

    `settings` is all that its numbers depend on besides `version` (a model by the hash of its content, never
    by path), as JSON values: the fingerprint is made of it. The call returns one row a document, with `schema`.
    """

    @property
    def name(self) -> str:
        """The word that a definition uses for it."""

    @property
    def version(self) -> int:
        """Raised whenever the same settings and text would give other numbers."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Canonical configuration, JSON values only."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns it makes."""

    @property
    def labels(self) -> Mapping[str, frozenset[str]]:
        """All values that a text column can hold, for the columns of which that is known; raises InputError."""
        return {}

    @property
    def column(self) -> str | None:
        """The column of the sources' files, dotted for a nested one, or the id that it measures in place of the text.

        It is called with the column's values as texts (refinery.filters.values), empty where there is none. Of what
        is costly or needs a model of the run it must be None.
        """
        return None

    @property
    def costly(self) -> bool:
        """Whether it takes far longer than reading a text: it sees only the documents that reach its stage."""
        return False

    @property
    def speed(self) -> float:
        """Text bytes a second that one processor measures, about: for what `refinery plan` tells."""
        return 80e6

    @property
    def null_means(self) -> str:
        """What NULL in its columns says of a document, if a run is to warn of it; of what is costly it does not."""
        return ""

    @property
    def models(self) -> tuple[str, ...]:
        """The models of the definition that it needs and the run makes; it knows its schema before they are there.

        The content of such a model is the setting `model`.
        """
        return ()

    @property
    def gpus(self) -> float:
        """The share of GPUs that a call needs."""
        return 0.0

    @property
    def files(self) -> tuple[str | Path, ...]:
        """The paths of this machine that calls read, each as it stands in the measurer.

        On another machine the measurer has the path of a copy there in its place, with the other files about it as
        they are here.
        """
        return ()

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document, in the batch's order."""


@dataclass(frozen=True)
class RemovedPart:
    """A part of a text that a transform removes, and the rule that it fails."""

    rule: str
    text: str


class RemovedCounts(NamedTuple):
    """What rules remove of a batch, int64, an entry for a document and rule; rules by their number in `rules`.

    parts: how many; bytes, characters: how long they are, white space at their ends aside.
    """

    document: NDArray[np.int64]
    rule: NDArray[np.int64]
    parts: NDArray[np.int64]
    bytes: NDArray[np.int64]
    characters: NDArray[np.int64]


class Transform(Protocol):
    """Rewrites the text of every document; deterministic, replayed when survivors are written. Inherit from it."""

    @property
    def name(self) -> str:
        """The word that a definition uses for it."""

    @property
    def version(self) -> int:
        """Raised whenever the same settings and text would give another text."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Canonical configuration, JSON values only."""

    @property
    def speed(self) -> float:
        """As a measurer's."""
        return 200e6

    @property
    def files(self) -> tuple[str | Path, ...]:
        """As a measurer's."""
        return ()

    @property
    def counter(self) -> Maker | None:
        """What is counted over all documents of a source before this can rewrite any of them, if anything.

        The content of what was counted is the setting `count`.
        """
        return None

    def with_count(self, count: Made) -> Self:
        """The same, with what its counter has made; without a counter it is the same anyway."""
        return self

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules by which it removes parts of texts, by the names that counts of them have."""
        return ()

    def __call__(self, text: pa.Array) -> pa.Array:
        """large_string in, large_string of the same length out."""

    def remove(self, text: pa.Array) -> tuple[pa.Array, Sequence[RemovedCounts]]:
        """The same texts, and counts of what its rules remove; a document and rule have one entry at most."""
        return self(text), ()

    def removed_parts(self, text: str) -> Sequence[RemovedPart]:
        """What it removes of a text by rules, in the order of the text for each kind of part."""
        return ()
