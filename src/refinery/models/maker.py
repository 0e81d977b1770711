"""The shape of what makes files out of documents: a model, a count over a source.

A maker is a frozen value that a definition's settings give. Its files are a result like any other: named by what they
are made of, so that they can be planned before they are there, and made once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from refinery.definition.trainings import OneStep
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, read_file

Inputs = Mapping[str, Sequence[ShardDocuments]]  # by part
Coming = Mapping[
    str, tuple[float, float]
]  # by part about how many documents come, with how many bytes of text


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
        inputs: Inputs,
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

    def size(self, coming: Coming) -> float:
        """Bytes of its files, about, for an estimate; 0 where they are small."""
        return 0


@dataclass(frozen=True)
class TrainingMaker(Maker):
    """Makes a model as a definition says. Inherit from it."""

    training: OneStep

    @property
    def settings(self) -> Mapping[str, object]:
        """All but where documents come from."""
        return self.training.model_dump(mode="json", exclude=set(self.training.parts))

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """The parts that are given, by their keys."""
        given = {part: getattr(self.training, part) for part in self.training.parts}
        known = type(self.training).model_fields
        return {known[part].alias or part: names for part, names in given.items() if names}


def drawn_bytes(coming: Coming, most: Mapping[str, int]) -> float:
    """Bytes of text of the documents that are drawn; most: by part.

    >>> drawn_bytes({"positive": (10, 1000), "raw": (40, 8000)}, {"positive": 20, "raw": 10})
    3000.0
    """
    shares = {part: min(1.0, most[part] / max(count, 1)) for part, (count, _) in coming.items()}
    return sum(shares[part] * size for part, (_, size) in coming.items())


def in_one_unit(
    name: str,
    make: Callable[[Place], Sequence[str]],
    map_units: MapUnits,
    memory: int,
    folder: Path,
    work: Place,
) -> None:
    """Has a unit make files, wherever it runs, and brings those that it names from `work` to `folder`."""
    made = work / "made"
    make_directory(made)
    (names,) = map_units(name, make, [made], memory=memory)
    for file in names:
        (folder / file).write_bytes(read_file(made / file))
