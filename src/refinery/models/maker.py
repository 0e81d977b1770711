"""The shape of what makes files out of documents: a model, a count over a source.

A maker is a frozen value that a definition's settings give. Its files are a result like any other: named by what they
are made of, so that they can be planned before they are there, and made once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place


@dataclass(frozen=True)
class Made:
    """Files that a maker has made: the folder on this machine where they lie, and the hash of their content."""

    folder: Path
    content: str


class Maker(Protocol):
    """Makes files out of the documents of stages or sources. A frozen value, picklable. Inherit from it."""

    @property
    def name(self) -> str:
        """The word that a definition uses for it."""

    @property
    def version(self) -> int:
        """Raised whenever the same settings and documents would give other files."""

    @property
    def settings(self) -> Mapping[str, object]:
        """All that its files depend on besides the documents, as JSON values; no paths, no names of inputs."""

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """The stages or sources that it reads, by the part that they play: `{"positive": ("seeds",)}`."""

    @property
    def makes(self) -> str:
        """What its files are, as a kind of result."""
        return "model"

    @property
    def results(self) -> tuple[str, ...]:
        """The results of other makers that it reads, by name; see `reading`."""
        return ()

    def reading(self, folders: Sequence[Place]) -> Self:
        """The same with the folders of `results`, in their order, where every unit can read them."""
        return self

    def make(
        self,
        inputs: Mapping[str, Sequence[ShardDocuments]],
        map_units: MapUnits,
        folder: Path,
        work: Place,
    ) -> None:
        """Writes its files into `folder`, which is empty and on this machine's disk; inputs: documents by part.

        map_units runs a picklable function over units and gives the results in order; `work` is an empty folder for
        files between units, which is removed afterwards.
        """

    def warnings(self, folder: Path) -> Sequence[str]:
        """What a person should know of the files that lie there, a sentence each."""
        return ()
