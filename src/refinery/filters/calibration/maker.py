"""A calibration as a result of a run: units read columns of trusted text and junk, one moves thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from refinery.errors import DamagedFile
from refinery.filters.calibration.account import Calibration
from refinery.models.maker import Maker
from refinery.models.makers import in_one_unit
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

if TYPE_CHECKING:
    from refinery.filters.calibration.sample import Sample

CALIBRATION, RULES = "calibration.json", "rules.yaml"  # the files of a calibration
MOST_DOCUMENTS = 200_000  # that are read of each part, chosen by a hash of their identities
MEMORY = 64 << 20  # of the unit that moves thresholds, without any document
DOCUMENT_BYTES = 4096  # of that unit's memory, for each document
_IDENTITY = "__identity"


class _Shard(NamedTuple):
    """A shard, the file for what is read of it, and the hash up to which its documents are chosen."""

    shard: ShardDocuments
    file: Place
    bound: int


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
            arrived = sum(shard.arrived for shard in shards)
            bound = _bound(arrived)
            memory += DOCUMENT_BYTES * min(arrived, MOST_DOCUMENTS)
            units = [_Shard(shard, work / f"{part}-{n:06}.parquet", bound) for n, shard in enumerate(shards)]
            map_units(f"read {part}", partial(write_columns, self.columns), units)
            files[part] = [unit.file for unit in units]
        fit = partial(write_calibration, self, files)
        in_one_unit("calibrate", fit, map_units, memory, folder, work)


def _bound(documents: int) -> int:
    """The hash up to which MOST_DOCUMENTS of so many documents are chosen, about."""
    whole = (1 << 64) - 1
    return whole if documents <= MOST_DOCUMENTS else whole * MOST_DOCUMENTS // documents


def write_columns(columns: Sequence[str], unit: _Shard) -> None:
    """Writes columns, the source and the identity of the chosen documents that arrive."""
    identities = unit.shard.identities()
    chosen = pa.array(np.flatnonzero(unit.shard.arrives() & (identities <= np.uint64(unit.bound))))
    table = unit.shard.columns([*columns, "source"]).take(chosen)
    table = table.append_column(_IDENTITY, pa.array(identities).take(chosen))
    with TableWriter(unit.file, table.schema, scratch=True) as writer:
        writer.write(table)


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
    import polars as pl

    from refinery.filters.calibration.sample import Sample

    tables = [pl.DataFrame(read_table(file)) for file in files]
    frame = (
        pl.concat(tables, how="vertical_relaxed")
        .unique(_IDENTITY, keep="first", maintain_order=True)
        .sort(_IDENTITY)
        if tables
        else pl.DataFrame()
    )
    if not len(frame):
        return None
    return Sample(frame[_IDENTITY].to_numpy(), frame.drop(_IDENTITY))


def read_calibration(folder: Path) -> Calibration:
    """What lies in the folder of a calibration; raises DamagedFile."""
    try:
        return Calibration.model_validate_json((folder / CALIBRATION).read_bytes())
    except (OSError, ValidationError):
        raise DamagedFile(str(folder / CALIBRATION), "it is not as it was written") from None
