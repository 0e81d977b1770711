"""Two pipelines over one crawl and in one work folder at once: what both need is made once, whoever is killed."""

import json
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.conftest import IDENTICAL
from tests.faults.repository import COMMAND, PIPELINE, clear, content, leftovers, lines_logged, run, start

OTHER = ("other-unique", "other-chosen")
# The stages are the same, so all is shared but the choice and what is written.
SECOND = (
    PIPELINE.replace("name: disturbed", "name: other")
    .replace("tokens: 150K", "tokens: 100K")
    .replace("path: unique", "path: other-unique")
    .replace("path: chosen", "path: other-chosen")
)
SHARED = {"measure", "decide", "dedup"}  # first words of phases


@pytest.fixture
def shared(disturbed):
    """The repository, a second definition, what the outputs of both must hold, and nothing that runs have left."""
    folder, expected = disturbed
    (folder / "other.yaml").write_text(SECOND)
    code, err = start(folder, "--work", "alone", definition="other.yaml").finish()
    assert code == 0, err
    expected = [expected, content(folder, OTHER)]
    forget(folder)
    return folder, expected


def forget(folder: Path) -> None:
    clear(folder)
    for name in (*OTHER, "alone"):
        shutil.rmtree(folder / name, ignore_errors=True)


def units(folder: Path) -> Counter[tuple[str, str]]:
    """How often each unit of what both pipelines need ended well, in all runs."""
    ended: Counter[tuple[str, str]] = Counter()
    for log in (folder / ".refinery").glob("pipelines/*/logs/*.jsonl"):
        for line in map(json.loads, log.read_bytes().splitlines()):
            if line["event"] == "unit_ended" and line["phase"].split()[0] in SHARED:
                stage = line["of"][0]["name"]
                ended[f"{line['phase']} {stage}", line["unit"]] += stage != "chosen"
    return +ended


def both(folder: Path):
    return [start(folder, definition=name) for name in ("pipeline.yaml", "other.yaml")]


def well(folder, expected):
    assert [content(folder), content(folder, OTHER)] == expected
    assert leftovers(folder) == []
    assert list((folder / ".refinery" / "claims").iterdir()) == []


def test_what_two_pipelines_need_is_made_once(shared, times, outcome):
    """Each shard is measured and decided on by one of them, and so is dedup; the bytes are those of each alone."""
    folder, expected = shared
    for _ in times(1):
        forget(folder)
        for begun in both(folder):
            code, err = begun.finish()
            assert code == 0, err
        well(folder, expected)
        made = units(folder)
        assert {phase.split()[0] for phase, _ in made} == SHARED
        assert set(made.values()) == {1}
        assert len([unit for phase, unit in made if phase.startswith("measure ")]) == 8
        outcome("two pipelines at once", IDENTICAL)


@pytest.mark.parametrize("moment", ["measure", "dedup", "any"])
def test_one_of_two_pipelines_is_killed(shared, times, seed, outcome, moment):
    """While it makes what both need: the other takes that over and ends well, and so does the same command then."""
    folder, expected = shared
    for number in times(1):
        chosen = random.Random(f"{seed} {moment} {number}")
        forget(folder)
        names = ["pipeline.yaml", "other.yaml"]
        chosen.shuffle(names)
        killed, other = (start(folder, definition=name) for name in names)
        lines = lines_logged(folder) + chosen.randrange(1, 200)
        there = {
            "measure": lambda: list((folder / ".refinery").glob("shards/*/*/.measured-*.tmp")),
            "dedup": lambda: list((folder / ".refinery").glob("pipelines/*/verbs/*/dedup/*")),
            "any": lambda lines=lines: lines_logged(folder) > lines,
        }
        killed.wait_for(there[moment])
        killed.kill()
        code, err = other.finish()
        assert code == 0, err
        code, err = start(folder, definition=names[0]).finish()
        assert code == 0, err
        well(folder, expected)
        outcome("one of two pipelines killed", IDENTICAL)


def test_clean_takes_nothing_from_a_run_of_another_pipeline(shared, outcome):
    """Again and again while it goes on; what nobody needs goes meanwhile."""
    folder, expected = shared
    forget(folder)
    definition = folder / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("words >= 30", "words >= 25"))
    assert run(folder)[0] == 0
    old = set((folder / ".refinery").glob("shards/*/*/decided-*"))
    definition.write_text(PIPELINE)
    begun = start(folder, definition="other.yaml")
    begun.wait_for((folder / ".refinery" / "pipelines" / "other" / "needs.json").exists)
    cleaned = 0
    while begun.process.poll() is None:
        command = [*COMMAND, "clean", "--force", "pipeline.yaml"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        cleaned += 1
    code, err = begun.finish()
    assert code == 0, err
    assert cleaned
    assert content(folder, OTHER) == expected[1]
    assert not [file for file in old if file.exists()]
    outcome("clean while a run goes on", IDENTICAL)
