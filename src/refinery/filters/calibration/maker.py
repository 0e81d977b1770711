"""A calibration as a result of a run: units read columns of trusted text and junk, one moves thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from refinery.errors import DamagedFile
from refinery.filters.calibration.account import Calibration
from refinery.models.drawn_columns import IDENTITY, draw_columns, read_columns
from refinery.models.maker import Maker, in_one_unit
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.filters.calibration.sample import Sample

CALIBRATION, RULES = "calibration.json", "rules.yaml"  # the files of a calibration
MOST_DOCUMENTS = 200_000  # that are read of each part, chosen by a hash of their identities
MEMORY = 64 << 20  # of the unit that moves thresholds, without any document
DOCUMENT_BYTES = 4096  # of that unit's memory, for each document


@dataclass(frozen=True)
class CalibrationMaker(Maker):
    """Writes CALIBRATION, and RULES: a rule file with the moved thresholds.

    rules: names and predicates; columns: those that are read, of every document.
    """

    trusted: tuple[str, ...]
    junk: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]
    lose: float
    columns: tuple[str, ...]
    name: str = "calibrate"
    version: int = 3

    @property
    def settings(self) -> Mapping[str, object]:
        """The rules and what may be lost."""
        return {"lose": self.lose, "rules": dict(self.rules)}

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """Text that must stay, and text that should go."""
        return {"trusted": self.trusted, "junk": self.junk}

    @property
    def makes(self) -> str:
        """No model: nothing protected is kept out of it."""
        return "calibration"

    def make(
        self,
        inputs: Mapping[str, Sequence[ShardDocuments]],
        map_units: MapUnits,
        folder: Path,
        work: Place,
    ) -> None:
        """Reads documents as they were measured, then moves thresholds in one unit.

        Raises DefinitionError where there is no trusted document.
        """
        files: dict[str, list[Place]] = {}
        memory = MEMORY
        for part, shards in inputs.items():
            memory += DOCUMENT_BYTES * min(sum(shard.arrived for shard in shards), MOST_DOCUMENTS)
            columns = [*self.columns, "source"]
            files[part] = draw_columns(part, columns, shards, MOST_DOCUMENTS, map_units, work)
        fit = partial(write_calibration, self, files)
        in_one_unit("calibrate", fit, map_units, memory, folder, work)


def write_calibration(
    maker: CalibrationMaker, files: Mapping[str, Sequence[Place]], folder: Place
) -> Sequence[str]:
    """Moves thresholds by documents that units have written; raises DefinitionError where none is trusted."""
    from refinery.errors import DefinitionError
    from refinery.filters.calibration.fit import calibrate
    from refinery.filters.calibration.rule_file import rule_file
    from refinery.filters.rules import Rule

    trusted, junk = (_sample(files[part]) for part in ("trusted", "junk"))
    if trusted is None:
        raise DefinitionError(
            f"no document comes from {', '.join(maker.trusted)}: no threshold can be moved by it"
        )
    rules = [Rule(name, predicate) for name, predicate in maker.rules]
    found = calibrate(trusted, junk, rules, maker.lose)
    commit_bytes(folder / CALIBRATION, found.model_dump_json(indent=1).encode(), scratch=True)
    commit_bytes(folder / RULES, rule_file(found).encode(), scratch=True)
    return [CALIBRATION, RULES]


def _sample(files: Sequence[Place]) -> Sample | None:
    """The documents of tables, None where there are none; in the order of their identities, each once."""
    from refinery.filters.calibration.sample import Sample

    frame = read_columns(files)
    return Sample(frame[IDENTITY].to_numpy(), frame.drop(IDENTITY)) if len(frame) else None


def read_calibration(folder: Path) -> Calibration:
    """What lies in the folder of a calibration; raises DamagedFile."""
    try:
        return Calibration.model_validate_json((folder / CALIBRATION).read_bytes())
    except (OSError, ValidationError):
        raise DamagedFile(str(folder / CALIBRATION), "it is not as it was written") from None
