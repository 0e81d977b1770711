"""A calibration made of shards by units, against the same made in one place."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import DamagedFile, DefinitionError
from refinery.filters.calibration.fit import calibrate
from refinery.filters.calibration.maker import CALIBRATION, CalibrationMaker, read_calibration
from refinery.filters.calibration.sample import Sample
from refinery.filters.rules import Rule
from tests.filters.calibration.samples import sample

RULES = (("short", "words >= 50"),)
MAKER = CalibrationMaker(("good",), ("bad",), RULES, 0.01, ("tokens", "words"))


@dataclass(frozen=True)
class Shard:
    """Some documents of a sample, of which every third does not arrive."""

    of: Sample

    @property
    def arrived(self) -> int:
        return int(self.arrives().sum())

    def arrives(self) -> np.ndarray:
        return self.of.identities % np.uint64(3) > 0

    def identities(self) -> np.ndarray:
        return self.of.identities

    def columns(self, names: list[str]) -> pa.Table:
        return self.of.frame.select(names).to_arrow()


def _map_units(step, function, arguments, /, *, memory=0):  # type: ignore[no-untyped-def]
    return [function(argument) for argument in arguments]


def _make(folder: Path, trusted: list[Sample], junk: list[Sample]) -> None:
    (folder / "work").mkdir(parents=True)
    (folder / "made").mkdir()
    inputs = {"trusted": [Shard(one) for one in trusted], "junk": [Shard(one) for one in junk]}
    MAKER.make(inputs, _map_units, folder / "made", folder / "work")  # type: ignore[arg-type]


def _words(seed: int, documents: int, least: int) -> Sample:
    return sample(seed, documents, words=np.random.default_rng(seed).integers(least, 300, documents))


def test_made_of_any_shards_the_same(tmp_path: Path) -> None:
    """Of documents that arrive, each once, whatever the order and the cut of shards: bytes are the same."""
    whole, junk = _words(1, 900, 40), _words(2, 50, 1)
    first = np.arange(900) < 500
    _make(tmp_path / "a", [whole], [junk])
    _make(tmp_path / "b", [whole.only(~first), whole.only(first), whole.only(first)], [junk])
    assert (tmp_path / "a/made" / CALIBRATION).read_bytes() == (
        tmp_path / "b/made" / CALIBRATION
    ).read_bytes()
    found = read_calibration(tmp_path / "a/made")
    arrived = [one.only(Shard(one).arrives()) for one in (whole, junk)]
    expected = calibrate(arrived[0], arrived[1], [Rule(*rule) for rule in RULES], 0.01)
    assert (found.predicates, found.junk, found.documents) == (
        expected.predicates,
        expected.junk,
        expected.documents,
    )


def test_without_trusted_documents_nothing_can_be_moved(tmp_path: Path) -> None:
    """That is told; a file that is not as it was written is damaged."""
    with pytest.raises(DefinitionError, match="no document comes from good"):
        _make(tmp_path, [], [])
    (tmp_path / CALIBRATION).write_text("{}")
    with pytest.raises(DamagedFile):
        read_calibration(tmp_path)
