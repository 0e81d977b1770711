"""A driver stopped past its lease, as on a suspended laptop or a paused machine, while another takes over."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import orjson
import pytest

from refinery.errors import RunError
from refinery.run.folder import finish, held, staging
from refinery.run.manifest import Manifest, OutputFile
from refinery.storage.commit import commit_bytes
from refinery.storage.place import place_of
from tests.fault_proxy import faulty

EVERY, AFTER = 1.2, 3.0  # seconds; ages are told in whole ones


def replace(folder, content, still_held, ready=lambda: None):
    """Stages two files and gives them to `finish`."""
    staged = staging(folder, content)
    for name in ("data-00000.parquet", "decisions.parquet"):
        commit_bytes(staged / name, content.encode())
    data, decisions = (
        OutputFile(path=n, rows=1, bytes=4, sha256="") for n in ("data-00000.parquet", "decisions.parquet")
    )
    ready()
    manifest = Manifest.model_construct(fingerprint=content, files=(data,), decisions=decisions, rejects=None)
    finish(folder, staged, manifest, still_held)


def driver(url):
    """The first driver, in a process of its own."""

    def ready():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()

    try:
        with held(place_of(url), EVERY, AFTER) as still_held:
            replace(place_of(url), "aaaa", still_held, ready)
    except RunError as error:
        sys.exit(str(error))


def take_over(folder, stack):
    """Holds the folder as soon as the first driver's lease is old."""
    ends = time.monotonic() + 30
    while True:
        try:
            return stack.enter_context(held(folder, EVERY, AFTER))
        except RunError as error:
            assert "another run is working here" in str(error)
            assert time.monotonic() < ends


@pytest.mark.parametrize("moment", ["before it begins", "while files are copied"])
def test_a_driver_stopped_past_its_lease_changes_nothing(moment, bucket, s3_server):
    """Another takes over and finishes, then it goes on: it ends with an error, the output is the other's."""
    url = f"{bucket}/out"
    with faulty(s3_server) as proxy:
        words = [sys.executable, "-c", f"from {__name__} import driver; driver({url!r})"]
        process = subprocess.Popen(
            words,
            env={**os.environ, **s3_server.environment(proxy.endpoint)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "ready\n"
        if moment == "while files are copied":
            proxy.kinds, proxy.methods, proxy.path, proxy.every = ("503",), ("PUT",), "/out/data-", 1
            process.stdin.write("\n")
            process.stdin.flush()
            while process.poll() is None and not proxy.faults:
                time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        proxy.every = 0
        with contextlib.ExitStack() as stack:
            still_held = take_over(place_of(url), stack)
            replace(place_of(url), "bbbb", still_held)
            process.send_signal(signal.SIGCONT)
            _, told = process.communicate("\n", timeout=60)
            still_held()
            stored = s3_server.objects(url)
    assert process.returncode == 1
    assert f"{url}: this run was stopped: " in told
    assert set(stored) == {".lock", "data-00000.parquet", "decisions.parquet", "manifest.json"}
    assert stored["data-00000.parquet"] == stored["decisions.parquet"] == b"bbbb"
    assert orjson.loads(stored["manifest.json"])["fingerprint"] == "bbbb"
