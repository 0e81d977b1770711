"""Units that need GPUs run on actors that stay; the nodes' GPUs are Ray's logical ones."""

import pytest

from refinery.errors import RunError
from refinery.executors.base import Unit, run_units
from tests.cluster import units


def on_gpus(folder, gpus: float, count: int = 8) -> list[Unit]:
    return [Unit(f"n{n}", (n, str(folder)), gpus=gpus) for n in range(count)]


def test_workers_stay_from_unit_to_unit(executor):
    """One processor beside the GPUs: one process does all units, in order of the units."""
    found = run_units(executor, units.process, [Unit(f"n{n}", n, gpus=1.0) for n in range(8)])
    assert [number for number, _ in found] == list(range(8))
    assert len({pid for _, pid in found}) == 1


def test_a_lost_worker_is_replaced_and_its_unit_tried_again(executor, tmp_path):
    """No other unit is lost with it."""
    assert run_units(executor, units.die_once, on_gpus(tmp_path, 0.5)) == list(range(8))
    assert (tmp_path / "died-2").exists()


def test_processors_are_free_again_afterwards(executor):
    """Units without GPUs find all three."""
    run_units(executor, units.square, [Unit("one", 3, gpus=1.0)])
    assert run_units(executor, units.square, [Unit(f"n{n}", n) for n in range(20)]) == [
        n * n for n in range(20)
    ]


def test_more_gpus_than_a_node_has(executor):
    """Told at once, not waited for."""
    with pytest.raises(RunError, match="needs 3 of a GPU"):
        run_units(executor, units.square, [Unit("one", 3, gpus=3.0)])
