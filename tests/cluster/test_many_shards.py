"""Hundreds of tiny shards on S3, on a cluster whose nodes are killed and joined all along."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.ray_cluster import COMMAND, NODE, end_cluster, start_cluster
from tests.s3_server import S3Server
from tests.tiny_shards import definition, upload

SHARDS, DOCUMENTS = 100, 2
SOURCES = 7  # so that no source has so many files that they are read together
EVERY = 80  # units that end between two changes of the cluster


@pytest.fixture
def shifting(bucket) -> Iterator[object]:
    """A cluster of its own, since workers learn from their node where the store is."""
    made = start_cluster(3)
    yield made
    end_cluster(made)


def outputs(server: S3Server, bucket: str) -> dict[str, bytes]:
    """The files of both outputs but for the manifests, which have times."""
    names = ("chosen", "shuffled", "chosen.records", "shuffled.records")
    found = {name: server.objects(f"{bucket}/{name}") for name in names}
    return {
        f"{o}/{f}": body for o, files in found.items() for f, body in files.items() if f != "manifest.json"
    }


@pytest.mark.faults
def test_nodes_come_and_go_all_along(shifting, bucket, s3_server, refinery, tmp_path):
    """After every so many units a node is killed and another joins: the bytes of a run on this machine alone."""
    upload(bucket, SHARDS, DOCUMENTS, SOURCES)
    here = s3_server.new_bucket()
    for name, out in (("ray", bucket), ("local", here)):
        (tmp_path / f"{name}.yaml").write_text(definition(bucket, out, SHARDS, DOCUMENTS, SOURCES))
    assert refinery("run", tmp_path / "local.yaml", "-q", "--work", tmp_path / "work")[0] == 0
    run = ["run", str(tmp_path / "ray.yaml"), "--json", "--work", f"{bucket}/work", "--executor", "ray"]
    command = [*COMMAND, *run, "--address", shifting.address]
    nodes = sorted(shifting.list_all_nodes(), key=lambda node: node.node_id)
    nodes.remove(shifting.head_node)
    ended, killed, lost, told = 0, 0, 0, []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            event = json.loads(line)["event"] if line.startswith("{") else told.append(line)
            ended += event == "unit_ended"
            lost += event == "unit_failed"
            if event == "unit_ended" and ended % EVERY == 0:
                shifting.remove_node(nodes.pop(0), allow_graceful=False)
                nodes.append(shifting.add_node(wait=False, **NODE))
                killed += 1
    assert process.returncode == 0, told
    assert killed >= 4
    assert lost >= 1
    assert outputs(s3_server, bucket) == outputs(s3_server, here)
