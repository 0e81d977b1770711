"""Flipped bits, cuts and gaps in whatever a run keeps: found and mended, never other data, never a crash."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import ERROR, IDENTICAL
from tests.faults.damage import damage
from tests.faults.repository import FOLDERS, OUTPUTS, clear, content, make_repository, run, start

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small repository and the content of its outputs."""
    folder = make_repository(tmp_path_factory.mktemp("small"), documents=20, shards=2)
    definition = folder / "pipeline.yaml"
    definition.write_text(definition.read_text().replace("400KiB", "12KiB").replace("300KiB", "12KiB"))
    code, err = run(folder)
    assert code == 0, err
    return folder, content(folder)


def keep(folder: Path, snapshot: Path, names: tuple[str, ...]) -> Path:
    """Copies what runs have left."""
    for name in names:
        if (folder / name).exists():
            shutil.copytree(folder / name, snapshot / name)
    return snapshot


def measured(folder: Path, snapshot: Path) -> Path:
    """Everything is measured and decided, nothing written."""
    return keep(folder, snapshot, (".refinery",))


def half_written(folder: Path, snapshot: Path) -> Path:
    """The driver was killed when it had written a few files of an output."""
    clear(folder)
    begun = start(folder)
    assert begun.wait_for(lambda: list(folder.glob("*/.staging-*/data-00001.*.json")))
    begun.kill()
    return keep(folder, snapshot, (".refinery", *FOLDERS))


@pytest.mark.parametrize("left", [measured, half_written])
def test_damaged_files(small, tmp_path, times, seed, outcome, left):
    """One file of some kind is damaged at a time: the run ends well with the same bytes, or says what is wrong."""
    folder, expected = small
    snapshot = left(folder, tmp_path / "snapshot")
    count = len(times(25))
    command = [sys.executable, "-m", "tests.faults.damage", folder, snapshot, f"{seed}", f"{count}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60 + 2 * count
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (told[-1:], done.stderr)
    wrong = []
    for before, after in zip(told[::2], told[1::2], strict=True):
        how = "bit flipped" if before["damage"].startswith("flip") else "cut, emptied, gone"
        fault = f"{how}: {before['kind']}"
        if after["code"] == 0 and after["content"] == expected:
            outcome(fault, IDENTICAL)
        elif after["code"] in {1, 2} and "error: " in after["err"] and "Traceback" not in after["err"]:
            outcome(fault, ERROR)
        else:
            different = [n for n, value in expected.items() if after["content"].get(n) != value]
            wrong.append((before, after["code"], after["err"], different))
            outcome(fault, "wrong")
    assert not wrong, f"{len(wrong)} of {count}, the first: {wrong[0]}"


def test_half_of_the_work_folder_is_damaged(tmp_path, times, seed, outcome):
    """Whatever befell many files at once, and however many, is mended in one run."""
    folder = make_repository(tmp_path, documents=20, shards=12)
    code, err = run(folder)
    assert code == 0, err
    expected = content(folder)
    for number in times(1):
        for output in OUTPUTS:
            shutil.rmtree(folder / output)
        chosen = random.Random(f"{seed} {number}")
        files = sorted(f for f in (folder / ".refinery").rglob("*") if f.is_file() and f.name != ".lock")
        for file in chosen.sample(files, len(files) // 2):
            damage(file, chosen)
        code, err = run(folder)
        assert code == 0, err
        assert content(folder) == expected
        outcome("half of the work folder's files at once", IDENTICAL)


@pytest.mark.parametrize("name", ["manifest.json", "data-00000.parquet", "decisions-00000.parquet"])
def test_an_output_that_was_cut_is_made_again(small, outcome, name):
    """Sizes are compared by each run; the sums in the manifest are there to find a flipped bit."""
    folder, expected = small
    clear(folder)
    assert run(folder)[0] == 0
    for cut in (b"", b"{}", None):
        file = folder / ("unique" if name.startswith("data") else "unique.records") / name
        if cut is None:
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-3] if cut else b"")
        code, err = run(folder)
        assert code == 0, err
        assert content(folder) == expected
        outcome("cut, emptied, gone: finished output", IDENTICAL)


def test_a_finished_output_can_be_checked_with_its_manifest(small, seed):
    """The sums in the manifest are those of sha256sum."""
    folder, _ = small
    assert run(folder)[0] == 0
    for file in json.loads((folder / "unique.records" / "manifest.json").read_text())["files"]:
        found = subprocess.run(
            ["sha256sum", folder / "unique" / file["path"]], capture_output=True, check=True
        )
        assert found.stdout.decode().split()[0] == file["sha256"]
