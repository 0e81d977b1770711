"""Two pipelines over one crawl, with a work folder on an object store that they share."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import PIPELINE, output_hashes

REFINERY = str(Path(sys.executable).with_name("refinery"))


@pytest.fixture
def pair(data_repository, bucket, refinery):
    """Two definitions that differ in their outputs alone, each with the bytes that it writes by itself."""
    expected = {}
    for name in ("tiny", "other"):
        definition = data_repository / f"{name}.yaml"
        text = PIPELINE.replace("name: tiny", f"name: {name}")
        definition.write_text(text.replace("path: out}", f"path: {name}-alone, shuffle: {len(name)}}}"))
        assert refinery("run", definition, "-q", "--work", data_repository / "alone")[0] == 0
        expected[name] = hashes(data_repository / f"{name}-alone")
        definition.write_text(text.replace("path: out}", f"path: {name}-out, shuffle: {len(name)}}}"))
    return data_repository, expected


def hashes(folder):
    return {name: digest for name, digest in output_hashes(folder).items() if name.endswith(".parquet")}


def begin(folder, bucket, name):
    command = [REFINERY, "run", f"{name}.yaml", "-q", "--workers", "1", "--work", f"{bucket}/work"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=os.environ)


def end(folder, process, name, expected):
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert hashes(folder / f"{name}-out") == expected[name]


def claims(s3_server, bucket):
    listed = s3_server.client().list_objects_v2(Bucket=bucket.removeprefix("s3://"), Prefix="work/claims/")
    return [found["Key"] for found in listed.get("Contents", ())]


def measured(s3_server, bucket):
    """How often each shard was measured, by the logs of both pipelines."""
    found = Counter()
    for name, body in s3_server.objects(bucket).items():
        if "/logs/" in name:
            lines = map(json.loads, body.splitlines())
            found.update(
                line["unit"] for line in lines if line["event"] == "unit_ended" and line["phase"] == "measure"
            )
    return found


def test_each_shard_is_measured_once(pair, bucket, s3_server):
    """By one of the two, which run at once; no claim and no lease is left."""
    folder, expected = pair
    begun = {name: begin(folder, bucket, name) for name in expected}
    for name, process in begun.items():
        end(folder, process, name, expected)
    assert set(measured(s3_server, bucket).values()) == {1}
    assert not claims(s3_server, bucket)
    assert not [name for name in s3_server.objects(bucket) if name.endswith(".lock")]


@pytest.mark.faults
def test_what_a_killed_run_claimed_is_taken_over(pair, bucket, s3_server):
    """While it makes what both need; the killed one goes on by the same command."""
    folder, expected = pair
    killed = begin(folder, bucket, "tiny")
    while not claims(s3_server, bucket):
        assert killed.poll() is None
        time.sleep(0.005)
    killed.kill()
    killed.communicate()
    assert claims(s3_server, bucket)
    end(folder, begin(folder, bucket, "other"), "other", expected)
    end(folder, begin(folder, bucket, "tiny"), "tiny", expected)
    assert not claims(s3_server, bucket)
