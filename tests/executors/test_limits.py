"""What this process may take: limits are set for real in processes of their own."""

import errno
import os
import resource
import subprocess
import sys

import pytest

from refinery.errors import InputError
from refinery.executors.limits import memory, shortage, workers_within

GIB = 1 << 30


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/job/step\n", {"job/memory.max": "2147483648", "job/step/memory.max": "max"}, 2 * GIB),
        ("0::/of/the/host\n", {"memory.max": "1073741824"}, GIB),
        ("4:cpu,memory:/job\n", {"memory/job/memory.limit_in_bytes": "3221225472"}, 3 * GIB),
        ("4:memory:/job\n0::/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, 0),
        ("7:cpuset:/job\n", {"job/memory.max": "1"}, 0),
    ],
)
def test_the_least_limit_of_all_groups_above_holds(tmp_path, groups, files, limit):
    """Of cgroups v1 and v2, on the host and in a container, which sees its own group as the root."""
    for name, content in files.items():
        file = tmp_path / "mounted" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "cgroup").write_text(groups)
    assert memory(tmp_path / "cgroup", tmp_path / "mounted") == limit


def test_without_cgroups_there_is_no_limit(tmp_path):
    """As on macOS."""
    assert memory(tmp_path / "none", tmp_path) == 0


def test_memory_for_no_worker_is_refused():
    """The message says how much is needed; a limit of one worker's memory has one."""
    assert workers_within(GIB) == workers_within(2 * GIB) == workers_within(4 * GIB, 2 * GIB) == 1
    assert workers_within(5 * GIB, 2 * GIB) == 2
    with pytest.raises(InputError, match=r"limit of this container or job is 512 MiB \(at least 1024 MiB"):
        workers_within(GIB // 2)


def test_shortages_are_told_in_words_and_nothing_else_is():
    """Memory, threads and open files; a mistake of the program stays a traceback."""
    assert "out of memory: no more could be allocated" in str(shortage(MemoryError()))
    assert "no more threads" in str(shortage(RuntimeError("can't start new thread")))
    assert "too many open files: the limit is" in str(shortage(OSError(errno.EMFILE, "Too many open files")))
    assert shortage(RuntimeError("a bug")) is None
    assert shortage(OSError(errno.ENOENT, "none")) is None


def limited(kind: int, limit: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from refinery.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={key: value for key, value in os.environ.items() if not key.endswith("_THREADS")},
        preexec_fn=lambda: resource.setrlimit(kind, (limit, limit)),
    )


def test_a_run_takes_what_one_gibibyte_of_address_space_has(data_repository):
    """`ulimit -v`, as batch systems set it; less is refused at once."""
    file = data_repository / "pipeline.yaml"
    done = limited(resource.RLIMIT_AS, GIB, "run", file, "--workers", 1, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    refused = limited(resource.RLIMIT_AS, GIB // 2, "check", file)
    assert refused.returncode == 2
    assert "ulimit -v: 512 MiB of address space" in refused.stderr


def test_too_few_open_files_are_told_in_words(data_repository):
    """`ulimit -n`; no traceback."""
    done = limited(resource.RLIMIT_NOFILE, 12, "run", data_repository / "pipeline.yaml", "--workers", 2, "-q")
    assert done.returncode == 1
    assert "oo many open files" in done.stderr
    assert "Traceback" not in done.stderr
