"""The batch job of docs/cluster.md, as it stands there, on a head node of its own."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import output_hashes
from tests.ray_cluster import ROOT
from tests.s3_server import free_ports

SCRIPTS = Path(sys.executable).parent
STARTS_WITHIN = 60  # seconds


def block() -> list[str]:
    """The commands of the page's first block: two for the token, one for the head node, one for the job."""
    (commands,) = re.findall(
        r"## A batch job\n.*?```sh\n(.*?)```", (ROOT / "docs/cluster.md").read_text(), re.DOTALL
    )
    return commands.splitlines()


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """A home without a token; where `ray` and `refinery` are found; nothing of other clusters."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    home = tmp_path / "home"
    home.mkdir()
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@pytest.fixture
def dashboard(environment) -> Iterator[str]:
    """A head node started by the page's commands, with ports that are free here; gives its dashboard's address."""
    port, page, agent = free_ports(3)
    *token, start, _ = block()
    start += f" --port={port} --dashboard-port={page} --num-cpus=2 --object-store-memory=100000000"
    start += f" --dashboard-agent-listen-port={agent} --block"
    started = subprocess.Popen(
        ["bash", "-ec", "\n".join([*token, f"exec {start}"])],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert answers(f"http://127.0.0.1:{page}/api/version")
        yield f"http://127.0.0.1:{page}"
    finally:
        started.terminate()
        started.wait()


def answers(url: str) -> bool:
    """Whether the dashboard answers, be it to ask for a token; asks until it does."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.2)
    return False


def test_the_pages_job_gives_the_bytes_of_a_local_run(
    data_repository, tmp_path, refinery, environment, dashboard
):
    """`refinery run` in a job finds the cluster by itself, and its output is that of a run here."""
    file = data_repository / "pipeline.yaml"
    assert refinery("run", file, "-q")[0] == 0
    here = output_hashes(data_repository / "out")
    shared = tmp_path / "shared"
    definition = yaml.safe_load(file.read_text())
    definition["sources"]["crawl"]["path"] = str(data_repository / "crawl/*.parquet")
    definition["outputs"]["unique"]["path"] = str(shared / "out")
    job = tmp_path / "job"
    job.mkdir()
    (job / "pipeline.yaml").write_text(yaml.safe_dump(definition))
    *token, _, submit = block()
    submit = submit.replace("/shared/", f"{shared}/").replace("submit", f"submit --address {dashboard}")
    done = subprocess.run(
        ["bash", "-ec", "\n".join([*token, submit])],
        cwd=job,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "succeeded" in done.stdout
    assert output_hashes(shared / "out") == here
    assert (shared / "work/pipelines/tiny/models").is_dir()  # where models lie for the nodes of a cluster
