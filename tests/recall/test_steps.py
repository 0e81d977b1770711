"""Rounds and the model as files: what is read back is what was made."""

import json
from pathlib import Path

import numpy as np
import pytest

from refinery.errors import DamagedFile
from refinery.models.card import resolve
from refinery.models.linear import load_linear
from refinery.recall import steps
from refinery.recall.account import MOVED, RECALLED, ROUND, Moved, Recalled, RoundAccount, read_account
from refinery.recall.rounds import Settings, first_round, next_round
from refinery.recall.sample_file import read_sample
from tests.recall.made import TRAINING, make_all


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each result."""
    return make_all(tmp_path_factory.mktemp("made"))


def test_rounds_in_files_are_those_in_memory(made: dict[str, Path]) -> None:
    """The second one too, which is made of the files of the first."""
    sample = read_sample(made["models.medical.sample"]).sample
    settings = Settings(precision=TRAINING.precision, seed=TRAINING.seed)
    found = first_round(sample, settings)
    for name in ("models.medical.round-1", "models.medical.round-2"):
        told = read_account(RoundAccount, made[name] / ROUND)
        with np.load(made[name] / steps.STANDING) as stored:
            assert np.array_equal(stored["probability"], found.probability)
            assert np.array_equal(stored["standing"], found.standing)
        assert (told.number, told.threshold, told.stopped) == (
            found.number,
            found.threshold,
            found.stopped or "",
        )
        assert told.positives + told.negatives + told.open == int((~sample.seed).sum())
        assert (made[name] / "model.npz").read_bytes() == found.model.content()
        found = next_round(sample, found, settings)


def test_what_came_and_went_adds_up(made: dict[str, Path]) -> None:
    """What a round recalls is what the one before did, and what came, without what went."""
    before = 0
    for number in (1, 2, 3):
        told = read_account(RoundAccount, made[f"models.medical.round-{number}"] / ROUND)
        moved = read_account(Moved, made[f"models.medical.round-{number}"] / MOVED)
        if told.number < number:  # the loop has stopped
            break
        assert told.recalled == before + moved.came_in_all - moved.went_in_all
        assert len(moved.came) == min(moved.came_in_all, 50)
        before = told.recalled


def test_the_model_is_of_the_last_good_round(made: dict[str, Path], tmp_path: Path) -> None:
    """Not of one that left its seeds; a round that stands for the one before is told once."""
    sample = made["models.medical.sample"]
    first = made["models.medical.round-1"]
    second = tmp_path / "second"
    second.mkdir()
    for file in first.iterdir():
        (second / file.name).write_bytes(file.read_bytes())
    told = json.loads((first / ROUND).read_text())
    (second / ROUND).write_text(json.dumps({**told, "number": 2, "good": False, "stopped": "left its seeds"}))
    target = tmp_path / "model"
    target.mkdir()
    steps.make_model([sample, first, second, second], TRAINING, target)
    found = read_account(Recalled, target / RECALLED)
    assert (found.chosen, [one.number for one in found.rounds]) == (1, [1, 2])
    pool = ~read_sample(sample).sample.seed
    scores = load_linear(target / "model.npz").probability(read_sample(sample).sample.features)[pool]
    assert found.kept == sum(score >= found.rounds[0].threshold for score in scores.tolist()) > 0


def test_gold_hosts_are_counted_in_each_round(made: dict[str, Path], tmp_path: Path) -> None:
    """Of the pool's documents, by what the round's threshold recalls; the model itself is the same."""
    names = ["models.medical.sample", "models.medical.round-1", "models.medical.round-2"]
    training = TRAINING.model_copy(update={"gold_hosts": ("h0.org", "h3.org")})
    steps.make_model([made[name] for name in names], training, tmp_path)
    found = read_account(Recalled, tmp_path / RECALLED)
    file = read_sample(made[names[0]])
    gold = (
        file.about["host"].is_in(["h0.org", "h3.org"]).fill_null(value=False).to_numpy() & ~file.sample.seed
    )
    assert found.gold and (found.gold.hosts, found.gold.documents) == (2, int(gold.sum())) and gold.any()
    with np.load(made[names[1]] / steps.STANDING) as stored:
        above = stored["probability"] >= np.float32(found.rounds[0].threshold)
    assert found.gold.recalled[0] == int((gold & above).sum()) > 0
    assert len(found.gold.recalled) == len(found.rounds)
    assert "Gold hosts: round" in (tmp_path / "card.md").read_text()
    told, card = found.rounds[found.chosen - 1], resolve(tmp_path)[1]
    assert card and card.suggested.precision == told.precision.value  # also what a warning compares
    assert f"precision {told.precision}" in (tmp_path / "card.md").read_text()
    assert "| threshold | mean probability |" in (tmp_path / "card.md").read_text()
    assert (tmp_path / "model.npz").read_bytes() == (made["models.medical"] / "model.npz").read_bytes()


def test_a_damaged_round_is_told(made: dict[str, Path], tmp_path: Path) -> None:
    """With the file, so that the run makes it again."""
    sample, damaged = made["models.medical.sample"], tmp_path / "damaged"
    damaged.mkdir()
    for file in made["models.medical.round-1"].iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    (damaged / steps.STANDING).write_bytes(b"PK")
    with pytest.raises(DamagedFile) as caught:
        steps.make_round([sample, damaged], TRAINING, tmp_path)
    assert caught.value.place == str(damaged / steps.STANDING)
    (damaged / ROUND).write_text("{}")
    with pytest.raises(DamagedFile):
        steps.make_round([sample, damaged], TRAINING, tmp_path)
