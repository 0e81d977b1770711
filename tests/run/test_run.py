"""The whole run: the same bytes whatever happens on the way."""

import os
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from refinery.api.runs import plan as make_plan
from refinery.executors.local import InProcess
from refinery.run.run import execute
from refinery.storage.lock import LOCK
from refinery.storage.marks import records_of
from refinery.watch.events import silent
from tests.conftest import PIPELINE, document, output_hashes, write_parquet


@pytest.mark.parametrize("shuffle", ["", ", shuffle: 7"])
def test_one_and_two_workers_write_the_same_bytes(data_repository, refinery, shuffle):
    """Worker count never shows in the output, shuffled or not."""
    text = PIPELINE.replace("path: out}", f"path: out, shard_bytes: 10000{shuffle}}}")
    for workers in (1, 2):
        (data_repository / f"p{workers}.yaml").write_text(text.replace("out,", f"out{workers},"))
        code, _, err = refinery(
            "run",
            data_repository / f"p{workers}.yaml",
            "--workers",
            workers,
            "--work",
            data_repository / f"w{workers}",
            "-q",
        )
        assert code == 0, err
    first = output_hashes(data_repository / "out1")
    assert first == output_hashes(data_repository / "out2")
    assert len(first) > 4


def test_a_second_run_computes_nothing(data_repository, refinery):
    """Unchanged, the same command touches no file of the work folder or the output."""
    for path in data_repository.rglob("*.parquet"):
        os.utime(path, (0, 0))  # what was written in this very moment is noted again by the next run
    refinery("run", data_repository / "pipeline.yaml", "-q")

    def times() -> dict[str, int]:
        return {str(f): f.stat().st_mtime_ns for f in data_repository.rglob("*") if f.is_file()}

    before = times()
    code, _, err = refinery("run", data_repository / "pipeline.yaml")
    assert code == 0
    assert "up to date" in err
    changed = {name for name, time in times().items() if before.get(name) != time}
    assert {Path(name).name for name in changed} <= {".refinery-output.json"}


def test_the_executor_is_closed_while_the_folders_are_held(data_repository):
    """What still runs when a run ends must not write into the folders of the next."""
    plan = make_plan(data_repository / "pipeline.yaml")
    held = []

    class Watched(InProcess):
        def close(self):
            for folder in (plan.own, records_of(plan.graph.output_paths["unique"])):
                lock = FileLock(folder / LOCK, timeout=0)
                try:
                    lock.acquire()
                except Timeout:
                    held.append(folder)
                else:
                    lock.release()

    execute(plan, Watched(), silent)
    assert held == [plan.own, records_of(plan.graph.output_paths["unique"])]


def test_a_run_that_stops_in_a_verb_leaves_no_scratch(data_repository, refinery):
    """When one document would remove too much of a source, the files between units go with the run."""
    rows = [{"id": f"same{n}", "text": document(7, 40) + f" {n}."} for n in range(1200)]
    write_parquet(data_repository / "crawl" / "same.parquet", rows)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "guards: {duplicates_of_one: 20%}" in err
    own = data_repository / ".refinery" / "pipelines" / "tiny"
    assert not [file for name in ("verbs", "units") for file in (own / name).rglob("*")]
