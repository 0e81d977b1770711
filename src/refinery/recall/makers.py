"""The makers of recall: a sample of seeds and pool, rounds over it, and the model of the last round that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from refinery.definition.trainings import RecallTraining
from refinery.models.maker import Maker
from refinery.models.makers import Inputs, in_one_unit
from refinery.recall.account import read_account
from refinery.recall.counts import COUNTS, POOL, SEEDS, SampleCounts
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

DOCUMENT_BYTES = 16 << 10  # of the memory of a unit that has a whole sample, a document


def makers_of(result: str, training: RecallTraining) -> dict[str, Maker]:
    """The makers of a model's sample, of its rounds and of itself, by the names of their results."""
    sample = f"{result}.sample"
    rounds = [f"{result}.round-{number}" for number in range(1, training.rounds + 1)]
    found: dict[str, Maker] = {sample: SampleMaker(training)}
    for number, name in enumerate(rounds, 1):
        before = rounds[number - 2 : number - 1] if number > 1 else []
        found[name] = RoundMaker(training, number, (sample, *before))
    found[result] = RecallMaker(training, (sample, *rounds))
    return found


@dataclass(frozen=True)
class SampleMaker(Maker):
    """Draws documents of seeds and pool and keeps what rounds look at: the only maker of them that reads texts."""

    training: RecallTraining
    name: str = "sample"
    version: int = 1
    makes: str = "sample"

    @property
    def settings(self) -> Mapping[str, object]:
        """How many documents are drawn."""
        return self.training.model_dump(mode="json", include={"seed_documents", "pool_documents", "seed"})

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """The domain's documents, and those in which more of it is."""
        return {SEEDS: self.training.seeds, POOL: self.training.pool}

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Draws, has units write rows, and one put them in order; raises DefinitionError, see counts.refuse."""
        from refinery.models.draw import draw
        from refinery.models.train import count_sources
        from refinery.recall import sample_file

        chosen = self.training
        most = {SEEDS: chosen.seed_documents, POOL: chosen.pool_documents}
        found = draw(inputs, most, chosen.seed, map_units, work)
        rows = sample_file.rows_in(work / "rows", len(found.drawn))
        write = partial(sample_file.write_rows, rows)
        written = map_units("read sample", write, found.drawn, memory=sample_file.READ_BYTES)
        collect = partial(sample_file.collect, rows, count_sources(found, written), dict(self.inputs))
        memory = DOCUMENT_BYTES * sum(one.documents for one in written)
        in_one_unit("collect sample", collect, map_units, memory, folder, work)

    def warnings(self, folder: Path) -> Sequence[str]:
        """What a person should know of the languages."""
        from refinery.recall.counts import warnings

        return tuple(warnings(read_account(SampleCounts, folder / COUNTS)))


@dataclass(frozen=True)
class RoundMaker(Maker):
    """Makes a round of what the round before has settled, see refinery.recall.steps; it reads no text.

    above: the sample, and the round before if there is one; folders: where those lie.
    """

    training: RecallTraining
    number: int
    above: tuple[str, ...]
    folders: tuple[Place, ...] = ()
    name: str = "round"
    version: int = 1
    makes: str = "round"

    @property
    def settings(self) -> Mapping[str, object]:
        """Its number, and the precision of its threshold: how many follow bears on the model only."""
        return {"number": self.number, "precision": self.training.precision}

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """No documents."""
        return {}

    @property
    def results(self) -> tuple[str, ...]:
        """Those above it."""
        return self.above

    def reading(self, folders: Sequence[Place]) -> Self:
        """The same with the places of the sample and of the round before."""
        return replace(self, folders=tuple(folders))

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """One unit makes it."""
        from refinery.recall import steps

        make = partial(steps.make_round, self.folders, self.training)
        memory = _memory(self.folders[0])
        in_one_unit(f"round {self.number}", make, map_units, memory, folder, work)


@dataclass(frozen=True)
class RecallMaker(Maker):
    """Takes the model of the last good round and writes its card.

    above: the sample and all rounds; folders: where those lie.
    """

    training: RecallTraining
    above: tuple[str, ...]
    folders: tuple[Place, ...] = ()
    name: str = RecallTraining.word
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """How many rounds."""
        return {"rounds": self.training.rounds}

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """No documents."""
        return {}

    @property
    def results(self) -> tuple[str, ...]:
        """Those above it."""
        return self.above

    def reading(self, folders: Sequence[Place]) -> Self:
        """The same with the places of the sample and of the rounds."""
        return replace(self, folders=tuple(folders))

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """One unit makes it."""
        from refinery.recall import steps

        make = partial(steps.make_model, self.folders, self.training)
        memory = _memory(self.folders[0])
        in_one_unit("fit recall", make, map_units, memory, folder, work)

    def warnings(self, folder: Path) -> Sequence[str]:
        """Where its threshold is of little use."""
        from refinery.models import card
        from refinery.recall.recall_card import warnings

        _, found = card.resolve(folder)
        return warnings(found) if found else ()


def _memory(sample: Place) -> int:
    """Bytes that a unit takes which has a whole sample."""
    return DOCUMENT_BYTES * read_account(SampleCounts, sample / COUNTS).documents
