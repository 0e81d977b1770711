"""Documents that came and went between rounds, and hosts that are new."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from refinery.recall.movement import SHOWN, found_by, moved, new_hosts
from refinery.recall.rounds import Round, Settings, first_round
from refinery.recall.sample_file import SampleFile, read_sample
from tests.recall.made import TRAINING, make_all


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> SampleFile:
    """A sample of 40 seeds and 200 documents."""
    one_round = TRAINING.model_copy(update={"rounds": 1})
    return read_sample(make_all(tmp_path_factory.mktemp("made"), one_round)["models.medical.sample"])


@pytest.fixture(scope="module")
def made(file: SampleFile) -> Round:
    """A round, of which tests change the probabilities."""
    return first_round(file.sample, Settings())


def of(made: Round, *positive: int) -> Round:
    """The round had it recalled these rows of the pool, and all seeds."""
    probability = np.zeros(240, np.float32)
    probability[[*range(40), *positive]] = 0.75
    return replace(made, probability=probability, threshold=0.5)


def test_what_came_and_went_is_by_the_thresholds_of_both_rounds(file: SampleFile, made: Round) -> None:
    """Seeds never move; before the first round nothing was found."""
    before, after = of(made, 50, 51, 60), of(made, 51, 100, 120, 140)
    found = moved(file, after, before)
    rows = file.about["id"]
    assert [one.id for one in found.came] == [rows[100], rows[120], rows[140]]
    assert [(one.id, one.score, one.before) for one in found.went] == [
        (rows[50], 0, 0.75),
        (rows[60], 0, 0.75),
    ]
    first = moved(file, after, None)
    assert (first.came_in_all, first.went_in_all, first.came[0].before) == (4, 0, None)
    many = moved(file, of(made, *range(40, 240)), None)
    assert (len(many.came), many.came_in_all) == (SHOWN, 200)
    assert found_by(file, before).nonzero()[0].tolist() == [50, 51, 60]


def test_new_hosts_are_those_of_no_seed_and_no_find_before(file: SampleFile, made: Round) -> None:
    """None where no document has a host."""
    hosts = pl.Series("host", ["seed.org"] * 40 + ["seed.org", "a.org", "b.org", None] * 50)
    named = SampleFile(file.about.with_columns(hosts), file.sample)
    assert new_hosts(named, of(made, 40, 41, 42, 43), None) == 2
    assert new_hosts(named, of(made, 42, 43, 46), of(made, 41)) == 1
    assert new_hosts(named, of(made, 40, 43), None) == 0
    without = SampleFile(file.about.with_columns(pl.lit(None, pl.String).alias("host")), file.sample)
    assert new_hosts(without, of(made, 40), None) is None
