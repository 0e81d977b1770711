"""What commands import: what is slow to import is imported by those alone that need it."""

import os
import subprocess
import sys

import pytest

SLOW = (
    "import sys, atexit; atexit.register(lambda: print(*sorted({NAMES} & {*sys.modules}), file=sys.stderr))"
)
CALL = "; sys.argv[0] = 'refinery'; from refinery.cli import main; main()"


def imported(*arguments: object, names: set[str]) -> tuple[int, str]:
    """The exit code of a command, and which of the modules it has imported."""
    code = SLOW.replace("NAMES", ", ".join(map(repr, names))) + CALL
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.splitlines()[-1]


def test_a_check_of_json_lines_imports_no_pandas(tmp_path):
    """Though Arrow would, to make an array of their values."""
    (tmp_path / "a.jsonl").write_text('{"text": "A text."}')
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "refinery: 1\nname: p\nsources: {s: {path: a.jsonl}}\nstages: {all: {from: s}}\n"
        "outputs: {all: {from: all, path: out}}\n"
    )
    assert imported("check", file, names={"pandas"}) == (0, "")


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_check_and_a_run_with_nothing_to_do_import_little(data_repository, refinery, verb):
    """Neither kernels, nor a cluster, nor what is for stores alone or there by chance (pandas); a check no lock."""
    file = data_repository / "pipeline.yaml"
    for path in data_repository.rglob("*.*"):
        os.utime(path, (0, 0))  # what was written in this very moment is noted again by the next run
    assert refinery("run", file, "-q")[0] == 0
    names = {"numba", "llvmlite", "ray", "pandas", "asyncio", "fsspec", "scipy"}
    names |= {"filelock"} if verb == "check" else set()
    assert imported(verb, file, names=names) == (0, "")
