"""A definition run as a whole by the command line, each time from nothing, and what it left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import harness  # noqa: F401  (makes `tests` importable)
import yaml
from tests.s3_server import S3Server

from refinery.storage.marks import RECORDS

REFINERY = Path(sys.executable).with_name("refinery")
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Variant:
    """A way to run the definition: with local workers, or on a Ray cluster of so many nodes of one processor."""

    name: str
    workers: int = 0
    nodes: int = 0
    on_s3: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run took and gave."""

    seconds: float
    documents: int
    data: str  # SHA-256 over the data files
    decisions: str  # SHA-256 over decisions and rejects


@dataclass(frozen=True)
class Watched:
    """A command that has ended: seconds, its process, and the peaks of resident memory of it and all below, bytes."""

    seconds: float
    process: int
    peaks: Mapping[int, int]


def watch(command: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})) -> Watched:
    """Runs a command to its end and looks at it and all processes below it; SystemExit where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    peaks = {process.pid: 0}
    while process.poll() is None:
        for pid in below(process.pid):
            peaks[pid] = max(peaks.get(pid, 0), peak(pid))
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Watched(time.perf_counter() - started, process.pid, peaks)


def below(pid: int) -> Iterator[int]:
    """A process and those that it and they have started, by any thread (Linux)."""
    yield pid
    try:
        found = [
            int(one)
            for t in Path(f"/proc/{pid}/task").iterdir()
            for one in (t / "children").read_text().split()
        ]
    except OSError:
        return
    for child in found:
        yield from below(child)


def peak(pid: int) -> int:
    """Bytes of a process's peak of resident memory, since its unit began where it is a worker; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) << 10
    except (OSError, ValueError, IndexError):
        return 0


@contextmanager
def ray_cluster(nodes: int) -> Iterator[str]:
    """A cluster of node processes with one processor each; gives its address."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()


@contextmanager
def executor(variant: Variant) -> Iterator[list[str]]:
    """The options that choose it; a cluster is there for this run alone and takes nothing from the others."""
    if not variant.nodes:
        yield ["--executor", "local", "--workers", str(variant.workers)]
        return
    with ray_cluster(variant.nodes) as address:
        yield ["--executor", "ray", "--address", address]


def run(definition: Path, content: dict[str, Any], variant: Variant, folder: str) -> Outcome:
    """One run from nothing, all it writes below `folder` (a path or a URL); the start of a cluster is not timed."""
    outputs = {n: {**o, "path": f"{folder}/out/{n}"} for n, o in content["outputs"].items()}
    file = definition.with_name(f".benchmark-{os.getpid()}.yaml")
    file.write_text(yaml.safe_dump({**content, "outputs": outputs}, sort_keys=False), encoding="utf-8")
    command = [str(REFINERY), "run", str(file), "-q", "--work", f"{folder}/work"]
    try:
        with executor(variant) as options:
            started = time.perf_counter()
            subprocess.run([*command, *options], check=True, env=os.environ | variant.environment)
            seconds = time.perf_counter() - started
    finally:
        file.unlink()
    return outcome(seconds, [output["path"] for output in outputs.values()], variant)


def outcome(seconds: float, outputs: Sequence[str], variant: Variant) -> Outcome:
    """Hashes of what a run wrote, in the order of names."""
    data, decisions, documents = hashlib.sha256(), hashlib.sha256(), 0
    for output in outputs:
        written = files(output, variant) | files(f"{output}{RECORDS}", variant)
        for name, content in sorted(written.items()):
            if name.startswith("data-"):
                data.update(content)
            elif name.startswith(("decisions-", "rejects-")):
                decisions.update(content)
            elif name == "manifest.json":
                documents += yaml.safe_load(content)["kept"]["documents"]
    return Outcome(seconds, documents, data.hexdigest(), decisions.hexdigest())


def files(output: str, variant: Variant) -> dict[str, bytes]:
    """The files of an output folder."""
    if not variant.on_s3:
        return {file.name: file.read_bytes() for file in Path(output).iterdir() if file.is_file()}
    return S3Server(variant.environment["AWS_ENDPOINT_URL"]).objects(output)
