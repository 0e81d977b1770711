"""A driver stopped past its lease, as on a suspended laptop or a paused machine, while another takes over."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import orjson

from refinery.definition.load import load
from refinery.errors import RunError
from refinery.executors.local import InProcess
from refinery.plan.plan import make_plan
from refinery.plan.resolve import resolve
from refinery.run.folder import finish, staging
from refinery.run.run import execute
from refinery.storage.commit import commit_bytes
from refinery.storage.lock import hold
from refinery.storage.marks import records_of
from refinery.storage.place import place_of
from refinery.watch.events import silent
from refinery.watch.status import FILE
from tests.conftest import PIPELINE
from tests.fault_proxy import faulty

EVERY, AFTER = 1.2, 3.0  # seconds; ages are told in whole ones


def driver(definition, work):
    """A run in a process of its own, with leases of its own times."""
    plan = make_plan(resolve(load(Path(definition))), place_of(work))
    try:
        execute(plan, InProcess(), silent, partial(hold, every=EVERY, after=AFTER))
    except RunError as error:
        sys.exit(str(error))


def replacing(url, content):
    """The end of a run, in a process of its own: two staged files become the output's."""
    try:
        with hold(records_of(place_of(url)), EVERY, AFTER) as still_held:
            replace(place_of(url), content, still_held)
    except RunError as error:
        sys.exit(str(error))


def replace(folder, content, still_held):
    """Stages two files and gives them to `finish`."""
    staged = staging(folder, content)
    data, decisions = "data-00000.parquet", "decisions-00000.parquet"
    for name in (data, decisions):
        commit_bytes(staged / name, content.encode())
    finish(
        folder,
        staged,
        [data],
        [decisions],
        orjson.dumps({"fingerprint": content}),
        {"README.md": ""},
        still_held,
    )


@contextmanager
def stopped(call, s3_server, **where):
    """A process of a function of this module, stopped at its first request that fails as `where` says."""
    with faulty(s3_server, every=1, kinds=("503",), **where) as proxy:
        process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import *; {call}"],
            env={**os.environ, **s3_server.environment(proxy.endpoint)},
            stderr=subprocess.PIPE,
            text=True,
        )
        while process.poll() is None and not proxy.faults:
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        proxy.every = 0
        yield process


def take_over(folder, stack):
    """Holds the folder as soon as the first driver's lease is old."""
    ends = time.monotonic() + 30
    while True:
        try:
            return stack.enter_context(hold(folder, EVERY, AFTER))
        except RunError as error:
            assert "another run is working here" in str(error)
            assert time.monotonic() < ends


def go_on(process):
    """Lets a stopped process go on; what it says at its end."""
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    return told


def test_a_run_stopped_past_its_lease_ends(data_repository, bucket, s3_server):
    """It is told why, and neither the status that the next run has written nor an output is touched."""
    definition = data_repository / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("path: out}", f"path: {bucket}/out}}"))
    own = "work/pipelines/tiny"
    call = f"driver({str(definition)!r}, '{bucket}/work')"
    with (
        stopped(call, s3_server, methods=("PUT",), path="/work/shards/") as process,
        ExitStack() as stack,
    ):
        for name in (own, "out.records"):
            take_over(place_of(f"{bucket}/{name}"), stack)
        commit_bytes(f"{bucket}/{own}/{FILE}", b"of the next run")
        told = go_on(process)
        stored = s3_server.objects(bucket)
    assert any(f"{bucket}/{name}: this run was stopped: " in told for name in (own, "out.records"))
    assert stored[f"{own}/{FILE}"] == b"of the next run"
    assert not [name for name in stored if name.startswith("out/")]
    beside = {name for name in stored if name.startswith("out.records/")}
    assert beside == {"out.records/.lock", "out.records/.refinery-output.json"}


def test_files_are_not_copied_past_the_lease(bucket, s3_server):
    """A driver stopped while it replaces an output, which another has replaced since: the output is the other's."""
    url = f"{bucket}/out"
    call = f"replacing({url!r}, 'aaaa')"
    with (
        stopped(call, s3_server, methods=("PUT",), path="/out/data-") as process,
        ExitStack() as stack,
    ):
        still_held = take_over(records_of(place_of(url)), stack)
        replace(place_of(url), "bbbb", still_held)
        told = go_on(process)
        still_held()
        stored = s3_server.objects(url) | s3_server.objects(f"{url}.records")
    assert f"{url}.records: this run was stopped: " in told
    assert set(stored) == {
        ".lock",
        "README.md",
        "data-00000.parquet",
        "decisions-00000.parquet",
        "manifest.json",
    }
    assert stored["data-00000.parquet"] == stored["decisions-00000.parquet"] == b"bbbb"
    assert orjson.loads(stored["manifest.json"])["fingerprint"] == "bbbb"
