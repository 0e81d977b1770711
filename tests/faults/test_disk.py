"""Full disks: wherever the room ends, the place is named and what is there is whole; with room the run goes on."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import ERROR
from tests.faults.repository import OUTPUTS, clear, content, leftovers, run

SIZES = (60, 500, 1100, 1400)  # KiB; the whole work folder of the repository takes about 1,600


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a filesystem of so many KiB, or gives the mounted one that size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = False

    def sized(size: int) -> Path:
        nonlocal mounted
        options = f"{'remount,' * mounted}size={size}k"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False)
        if done.returncode and not mounted:
            pytest.skip("mounting a small filesystem is not permitted here")
        assert done.returncode == 0
        mounted = True
        return folder

    yield sized
    if mounted:
        subprocess.run(["umount", folder], check=True)


def full(err: str, folder: Path) -> None:
    """One line that names the folder and the cause."""
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert f"{folder}/" in line, err
    assert "No space left on device" in line, err
    assert "then run the same command again" in line, err
    assert "Traceback" not in err, err


@pytest.mark.parametrize("workers", [1, 2])
def test_the_disk_of_the_work_folder_is_full(disturbed, disk, outcome, workers):
    """In measurements, decisions or dedup, wherever the room ends; sizes grow under the same half-finished run."""
    folder, expected = disturbed
    place = disk(SIZES[0])
    for size in SIZES if workers == 1 else SIZES[1::2]:
        disk(size)
        code, err = run(folder, "--work", place / "work", workers=workers)
        if code == 0:
            clear(folder)
            continue
        assert code == 1, err
        full(err, place)
        assert not list(place.rglob("*.tmp"))
        outcome("disk full: work folder", ERROR)
    disk(64_000)
    code, err = run(folder, "--work", place / "work", workers=workers)
    assert code == 0, err
    assert content(folder) == expected


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.9])
def test_the_disk_of_dedup_is_full(disturbed, disk, outcome, share):
    """Everything is measured; what is left on the disk is a share of what dedup, decisions and verbs need."""
    folder, expected = disturbed
    place = disk(64_000)
    code, err = run(folder, "--work", place / "work")
    assert code == 0, err
    clear(folder)
    for pattern in ("decided-*", "dropped-*"):
        for file in (place / "work").rglob(pattern):
            file.unlink()
    used = int(
        subprocess.run(["du", "-sk", place], capture_output=True, check=True, text=True).stdout.split()[0]
    )
    disk(used + 8 + int(share * 260))
    code, err = run(folder, "--work", place / "work")
    if code:
        full(err, place)
        outcome("disk full: decisions and dedup", ERROR)
    disk(64_000)
    code, err = run(folder, "--work", place / "work")
    assert code == 0, err
    assert content(folder) == expected


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_disk_of_an_output_is_full(disturbed, disk, outcome, output):
    """In the scattered spill, the output's files or its decisions: no manifest, then the same bytes."""
    folder, expected = disturbed
    definition = folder / "pipeline.yaml"
    before = definition.read_text()
    place = disk(64)
    definition.write_text(before.replace(f"path: {output},", f"path: {place / output},"))
    try:
        for size in (64, 300, 500, 650, 800, 1000):
            disk(size)
            code, err = run(folder)
            if code == 0:
                break
            full(err, place)
            assert not list(place.rglob("*.tmp"))
            assert not (place / f"{output}.records" / "manifest.json").exists()
            outcome(f"disk full: output {'with' if output == 'unique' else 'without'} shuffle", ERROR)
        disk(64_000)
        code, err = run(folder)
        assert code == 0, err
        for name in (output, f"{output}.records"):
            (folder / name).symlink_to(place / name)
        same = {name: value for name, value in content(folder).items() if not name.endswith("manifest.json")}
        assert same == {name: value for name, value in expected.items() if name in same}
        assert len(same) == len(expected) - 2
        assert leftovers(folder) == []
    finally:
        for name in (output, f"{output}.records"):
            (folder / name).unlink(missing_ok=True)
        definition.write_text(before)
