"""Where compiled kernels are kept: a copy of the package that cannot be written, run without a home."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import refinery
from refinery.text import kernel_cache

CODE = "from refinery.text.lines import *; from numba import config; print(config.CACHE_DIR)"
WITHOUT_POWER = [
    "setpriv",
    "--bounding-set=-dac_override",
    "--inh-caps=-dac_override",
]  # root obeys modes then
NAME = f"refinery-kernels-{os.getuid()}"


def cache_of(package: Path, temporary: Path, **environment: str) -> str:
    """The folder that Numba uses for the copy, in a process that may write the folder for temporary files alone."""
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may write anything, and there is no setpriv")
    done = subprocess.run(
        [*(WITHOUT_POWER if os.getuid() == 0 else []), sys.executable, "-c", CODE],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(package),
            "HOME": str(package),
            "TMPDIR": str(temporary),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def installed(tmp_path):
    """A copy of the package whose folders cannot be written, and a folder for temporary files."""
    package, temporary = tmp_path / "lib", tmp_path / "tmp"
    copied = package / "refinery"
    shutil.copytree(Path(refinery.__file__).parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    temporary.mkdir()
    folders = [package, copied, *(path for path in copied.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield package, temporary
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_install_without_a_home_keeps_its_kernels(installed):
    """In one folder of the user's below that for temporary files."""
    package, temporary = installed
    assert cache_of(package, temporary) == str(temporary / NAME)
    assert (temporary / NAME).stat().st_mode & 0o777 == 0o700


def test_the_folder_is_told_as_long_as_nothing_lies_in_it(tmp_path, monkeypatch):
    """One for temporary files alone; how to have one that stays is told with it."""
    folder = tmp_path / NAME
    folder.mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    assert kernel_cache.note().startswith(f"compiled kernels are kept in {folder}; set NUMBA_CACHE_DIR")
    (folder / "kernel.nbi").touch()
    assert not kernel_cache.note()
    for other in (str(tmp_path), ""):
        monkeypatch.setenv("NUMBA_CACHE_DIR", other)
        assert not kernel_cache.note()


def test_a_folder_that_others_may_write_is_not_used(installed):
    """What lies there would be run."""
    package, temporary = installed
    (temporary / NAME).mkdir()
    (temporary / NAME).chmod(0o777)
    found = Path(cache_of(package, temporary))
    assert found.parent == temporary
    assert found.name not in {"", NAME}


def test_what_the_user_sets_stands(installed):
    """NUMBA_CACHE_DIR."""
    package, temporary = installed
    mine = temporary / "mine"
    mine.mkdir()
    assert cache_of(package, temporary, NUMBA_CACHE_DIR=str(mine)) == str(mine)
