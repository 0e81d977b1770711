from functools import partial

import numpy as np

from refinery.executors.base import Unit, run_units
from refinery.executors.local import local
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits

NUMBER = np.dtype(np.int64)


def write_multiples(target: Records, writer: int) -> int:
    """Numbers from 0 to 99 times the writer's, by remainder."""
    numbers = np.arange(100) * writer
    target.write(writer, numbers, numbers % target.partitions)
    return writer


def total(source: Records, partition: int) -> int:
    """The sum of a partition."""
    return int(source.read(partition).sum())


def test_steps_are_functions_with_their_records_bound(tmp_path):
    """In other processes, results in the units' order; what one step wrote by writer the next reads by partition."""
    executor = local(2)

    def run(name, function, units, /, *, memory=0):
        return run_units(
            executor, function, [Unit(f"{name} {n}", unit, memory=memory) for n, unit in enumerate(units)]
        )

    map_units: MapUnits = run
    try:
        with Records.create(tmp_path / "numbers", NUMBER, partitions=7, writers=4) as numbers:
            written = map_units("write", partial(write_multiples, numbers), range(4), memory=1)
            sums = map_units("sum", partial(total, numbers), range(7))
    finally:
        executor.close()
    every = np.concatenate([np.arange(100) * writer for writer in range(4)])
    assert written == [0, 1, 2, 3]
    assert sums == [int(every[every % 7 == partition].sum()) for partition in range(7)]
