"""The makers of recall: a sample of seeds and pool, rounds over it, and the model of the last round that counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

from refinery.definition.trainings import RecallTraining
from refinery.models.maker import Coming, Inputs, Maker, drawn_bytes, in_one_unit
from refinery.recall.account import read_account
from refinery.recall.counts import COUNTS, POOL, SEEDS, SampleCounts
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

Step = Callable[[Sequence[Place], RecallTraining, Place], Sequence[str]]  # writes files, gives their names
# Memory of a unit that has a whole sample: arrays by bucket, features (measured: 16 bytes each), and what is told.
_ROOM, _ENTRY_BYTES, _DOCUMENT_BYTES = 128 << 20, 18, 2 << 10
_ROW_SHARE = 2.5  # of the rows that a unit puts in order that its memory is (measured: 2.2)
_SAMPLE_SHARE = 0.7  # of its texts that a sample's file is (measured: .5 to .8)
_STEP_BYTES = 5e6  # of the files of a round (measured: 2.7 to 6.9 MB with 4,000 to 17,000 documents)


def makers_of(result: str, training: RecallTraining) -> dict[str, Maker]:
    """The makers of a model's sample, of its rounds and of itself, by the names of their results."""
    sample = f"{result}.sample"
    rounds = [f"{result}.round-{number}" for number in range(1, training.rounds + 1)]
    found: dict[str, Maker] = {sample: SampleMaker(training)}
    for number, name in enumerate(rounds, 1):
        before = rounds[number - 2 : number - 1] if number > 1 else []
        found[name] = RoundMaker(training, (sample, *before), number=number)
    found[result] = RecallMaker(training, (sample, *rounds))
    return found


@dataclass(frozen=True)
class SampleMaker(Maker):
    """Draws documents of seeds and pool and keeps what rounds look at: the only maker of them that reads texts."""

    training: RecallTraining
    name: str = "sample"
    version: int = 4
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
        memory = int(_ROW_SHARE * sum(one.bytes for one in written))
        in_one_unit("collect sample", collect, map_units, memory, folder, work)

    def warnings(self, folder: Path) -> Sequence[str]:
        """What a person should know of the languages."""
        from refinery.recall.counts import warnings

        return tuple(warnings(read_account(SampleCounts, folder / COUNTS)))

    def size(self, coming: Coming) -> float:
        """A share of the texts."""
        most = {SEEDS: self.training.seed_documents, POOL: self.training.pool_documents}
        return _SAMPLE_SHARE * drawn_bytes(coming, most)


@dataclass(frozen=True)
class _StepMaker(Maker):
    """Makes files of a sample and of rounds over it, see refinery.recall.steps; it reads no text.

    above: the results that it reads, the sample first; folders: where those lie.
    """

    training: RecallTraining
    above: tuple[str, ...]
    folders: tuple[Place, ...] = ()

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """No documents."""
        return {}

    @property
    def results(self) -> tuple[str, ...]:
        """Those above it."""
        return self.above

    def reading(self, folders: Sequence[Place]) -> Self:
        """The same with the places of what is above it."""
        return replace(self, folders=tuple(folders))

    def size(self, coming: Coming) -> float:
        """About the same, whatever the sample."""
        return _STEP_BYTES

    def make_by(self, step: Step, name: str, map_units: MapUnits, folder: Path, work: Place) -> None:
        """One unit makes the files of a step."""
        counts = read_account(SampleCounts, self.folders[0] / COUNTS)
        make = partial(step, self.folders, self.training)
        memory = _ROOM + _ENTRY_BYTES * counts.entries + _DOCUMENT_BYTES * counts.documents
        in_one_unit(name, make, map_units, memory, folder, work)


@dataclass(frozen=True)
class RoundMaker(_StepMaker):
    """Makes a round of the sample and of what the round before, if there is one, has settled."""

    number: int = field(kw_only=True)
    name: str = "round"
    version: int = 6
    makes: str = "round"

    @property
    def settings(self) -> Mapping[str, object]:
        """Its number, what its threshold is to reach, and what hosts say: how many follow bears on the model only."""
        used = {"precision", "beta", *(["rich_hosts"] if self.number > 1 else [])}
        return {
            "number": self.number,
            **self.training.model_dump(mode="json", include=used, exclude_none=True),
        }

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """One unit makes it."""
        from refinery.recall import steps

        self.make_by(steps.make_round, f"round {self.number}", map_units, folder, work)


@dataclass(frozen=True)
class RecallMaker(_StepMaker):
    """Takes the model of the last good of all rounds and writes its card."""

    name: str = RecallTraining.word
    version: int = 4

    @property
    def settings(self) -> Mapping[str, object]:
        """How many rounds, and the hosts by which they are judged."""
        gold = {"gold_hosts": list(self.training.gold_hosts)} if self.training.gold_hosts else {}
        return {"rounds": self.training.rounds, **gold}

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """One unit makes it."""
        from refinery.recall import steps

        self.make_by(steps.make_model, "fit recall", map_units, folder, work)

    def warnings(self, folder: Path) -> Sequence[str]:
        """Where its threshold is of little use."""
        from refinery.models import card
        from refinery.recall.recall_card import warnings

        _, found = card.resolve(folder)
        return warnings(found) if found else ()
