"""What commands import: what is slow to import is imported by those alone that need it."""

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


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_check_and_a_run_with_nothing_to_do_import_little(data_repository, refinery, verb):
    """Neither kernels, nor a cluster, nor what is for stores alone or there by chance (pandas); a check no lock."""
    file = data_repository / "pipeline.yaml"
    assert refinery("run", file, "-q")[0] == 0
    names = {"numba", "llvmlite", "ray", "pandas", "asyncio", "fsspec", "scipy"}
    names |= {"filelock"} if verb == "check" else set()
    assert imported(verb, file, names=names) == (0, "")
