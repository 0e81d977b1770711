"""kill -9 of the driver and of workers, at moments that nothing chose: the same command then gives the same bytes."""

import json
import os
import random
import resource
import signal

import pytest

from tests.faults.conftest import IDENTICAL
from tests.faults.repository import LOGGED, clear, content, ends_well, start


def killed(folder, workers, chosen) -> bool:
    """Kills a run at some moment of its work; False when it had ended before."""
    begun = start(folder, workers=workers)
    in_time = begun.reach(chosen.randrange(LOGGED))
    begun.kill()
    return in_time


@pytest.mark.parametrize("workers", [1, 2])
def test_the_driver_is_killed_and_the_run_goes_on(disturbed, times, seed, outcome, workers):
    """At any moment, with any number of workers, once or twice in a row."""
    folder, expected = disturbed
    for number in times(2):
        chosen = random.Random(f"{seed} {workers} {number}")
        clear(folder)
        assert killed(folder, workers, chosen)
        if number % 4 == workers % 2:
            killed(folder, workers, chosen)
        ends_well(folder, expected, start(folder, workers=workers))
        outcome(f"driver killed, {workers} worker{'s' * (workers > 1)}", IDENTICAL)


def test_another_number_of_workers_goes_on_with_a_half_finished_run(disturbed, times, seed, outcome):
    """One after two and two after one."""
    folder, expected = disturbed
    for number in times(2):
        chosen = random.Random(f"{seed} {number}")
        clear(folder)
        before = 1 + number % 2
        assert killed(folder, before, chosen)
        ends_well(folder, expected, start(folder, workers=3 - before))
        outcome(f"driver of {before} killed, then {3 - before}", IDENTICAL)


@pytest.mark.parametrize(
    ("sent", "space"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGTERM, 3 << 29)]
)
def test_a_run_is_stopped(disturbed, times, seed, outcome, sent, space):
    """Ctrl-C, or what batch systems send, under `ulimit -v` too: it says so, with exit code 130, and goes on."""
    folder, expected = disturbed
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (space, space))} if space else {}
    for number in times(1):
        workers = 1 + (number + (sent == signal.SIGTERM)) % 2
        chosen = random.Random(f"{seed} {sent} {number}")
        clear(folder)
        begun = start(folder, workers=workers, **limit)
        assert begun.reach(1 + chosen.randrange(LOGGED))
        begun.process.send_signal(sent)
        code, err = begun.finish()
        assert (code, err) == (130, "Stopped. Run the same command again to go on from here.\n")
        assert (
            json.loads((folder / ".refinery/pipelines/disturbed/status.json").read_text())["state"]
            == "stopped"
        )
        ends_well(folder, expected, start(folder, workers=workers))
        outcome(f"{sent.name}{' under ulimit -v' * bool(space)}, then again", IDENTICAL)


def test_a_worker_is_killed(disturbed, times, seed, outcome):
    """At any moment: the run itself starts another and ends well."""
    folder, expected = disturbed
    for number in times(2):
        chosen = random.Random(f"{seed} {number}")
        clear(folder)
        begun = start(folder, workers=2)
        assert begun.wait_for(lambda begun=begun: begun.workers)
        assert begun.reach(chosen.randrange(LOGGED))
        for worker in begun.workers[: 1 + number % 2]:
            os.kill(worker, signal.SIGKILL)
        code, err = begun.finish()
        assert code == 0, err
        assert content(folder) == expected
        outcome("worker killed", IDENTICAL)


def test_a_worker_is_killed_between_its_commit_and_its_answer(disturbed, times, outcome):
    """It dies as soon as the record of a shard lies there: the shard is measured again, to the same bytes."""
    folder, expected = disturbed
    for number in times(1):
        clear(folder)
        begun = start(folder, workers=2)
        records = (folder / ".refinery" / "shards").glob
        count = 1 + 2 * (number % 3)
        begun.wait_for(lambda records=records, count=count: len(list(records("*/*/record.json"))) >= count)
        for worker in begun.workers:
            os.kill(worker, signal.SIGKILL)
        code, err = begun.finish()
        assert code == 0, err
        assert content(folder) == expected
        outcome("worker killed after its commit", IDENTICAL)


def test_workers_end_with_a_killed_driver(disturbed, seed, outcome):
    """Nobody goes on writing into the work folder."""
    folder, expected = disturbed
    begun = start(folder, workers=2)
    begun.wait_for(lambda: len(begun.workers) == 2)
    begun.wait_for(lambda: list((folder / ".refinery").rglob(".*.tmp")))
    workers = begun.workers
    begun.kill()
    for worker in workers:
        gone(worker)
    ends_well(folder, expected, start(folder, workers=2))
    outcome("driver killed, workers end", IDENTICAL)


def gone(worker: int) -> None:
    """Waits for the end of a process that is no child of ours."""
    try:
        handle = os.pidfd_open(worker)
    except ProcessLookupError:
        return
    import select

    assert select.select([handle], [], [], 10)[0], f"process {worker} still runs"
    os.close(handle)
