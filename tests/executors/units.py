"""What the tests have workers do."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from refinery.errors import InputError, StorageError
from refinery.executors.base import Attempt, Unit


def square(number: int) -> int:
    return number * number


def process(number: int) -> tuple[int, int]:
    return number, os.getpid()


def fail_on_three(argument: tuple[int, str]) -> int:
    number, folder = argument
    with (Path(folder) / f"tried-{number}").open("a") as file:
        file.write("x")
    if number == 3:
        raise InputError(f"unit {number}", "cannot be used", "try another")
    return number


def die_once(argument: tuple[int, str]) -> int:
    number, folder = argument
    mark = Path(folder) / f"died-{number}"
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_for_the_moment(argument: tuple[int, str]) -> int:
    number, folder = argument
    mark = Path(folder) / f"failed-{number}"
    if number == 2 and not mark.exists():
        mark.touch()
        raise StorageError("s3://bucket/a", "no answer")
    return number


def wait_for(argument: tuple[int, str]) -> str:
    """Tells on which node it began, then waits until the folder says go, to this unit or to all."""
    import ray

    number, folder = argument
    node = ray.get_runtime_context().get_node_id()
    (Path(folder) / f"began-{number}-{node}").touch()
    while not ((Path(folder) / "go").exists() or (Path(folder) / f"go-{number}").exists()):
        time.sleep(0.01)
    return str(node)


def beat(argument: tuple[int, str]) -> None:
    """Tells its process and works on and on."""
    number, folder = argument
    (Path(folder) / f"beat-{number}").write_text(str(os.getpid()))
    while True:
        time.sleep(0.01)


def score(argument: tuple[Any, str]) -> list[float]:
    """What a measurer gives for a text."""
    from refinery.text.batch import TextBatch

    measurer, text = argument
    found: list[float] = measurer(TextBatch.from_texts([text])).column(0).to_pylist()
    return found


def reserved(_: object) -> int:
    """Bytes that Ray has set aside for this worker."""
    import ray

    return int(ray.get_runtime_context().get_assigned_resources()["memory"])


def eat(argument: tuple[str, int]) -> int:
    """Takes memory until it is killed, or until it has so many bytes; each attempt leaves a mark."""
    folder, size = argument
    with (Path(folder) / "tried").open("a") as file:
        file.write("x")
    held = [bytearray(os.urandom(1 << 12) * (1 << 14)) for _ in range(size >> 26)]
    time.sleep(1)
    return len(held)


def threads(_: object) -> tuple[int, str]:
    import polars

    return polars.thread_pool_size(), os.environ["OMP_NUM_THREADS"]


def mark_machine(folder: str) -> None:
    with (Path(folder) / "prepared").open("a") as file:
        file.write("x")


class Seen:
    """Every attempt that run_units tells the end of: unit, attempt, how it ended."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, int, Attempt]] = []

    def __call__(self, unit: Unit[Any], attempt: int, ended: Attempt | None) -> None:
        if ended is not None:
            self.attempts.append((unit.name, attempt, ended))

    @property
    def results(self) -> list[Any]:
        """What attempts gave that did not fail."""
        outcomes = [ended.outcome for _, _, ended in self.attempts]
        return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
