"""One pipeline on every executor and storage: the same bytes, and what each takes.

    python benchmarks/everywhere.py PIPELINE.yaml

Runs the definition, each time from nothing, with 1 and 2 local workers, on a Ray cluster of three node processes,
and with sources, work folder and output on an S3 server (SeaweedFS), local and on Ray. Prints seconds and the SHA-256
over the data files, the decisions and the rejects; exits 1 when any differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from harness import Sheet, machine, report

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.s3_server import S3Server, running

NODES = 3


@dataclass(frozen=True)
class Variant:
    """A way to run the definition."""

    name: str
    options: tuple[str, ...]
    on_s3: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run took and gave."""

    seconds: float
    documents: int
    data: str  # SHA-256 over the data files
    decisions: str  # SHA-256 over decisions and rejects


@contextmanager
def ray_cluster() -> Iterator[str]:
    """A cluster of node processes with one processor each; gives its address."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        for _ in range(NODES - 1):
            cluster.add_node(num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()


def upload(server: S3Server, definition: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Copies the sources to a new bucket; gives the definition that reads them there."""
    bucket = server.new_bucket()
    client = server.client()
    sources = {}
    for name, source in content["sources"].items():
        pattern = source["path"]
        for file in sorted(definition.parent.glob(pattern)):
            key = str(file.relative_to(definition.parent))
            client.put_object(Bucket=bucket.removeprefix("s3://"), Key=key, Body=file.read_bytes())
        sources[name] = {**source, "path": f"{bucket}/{pattern}"}
    return {**content, "sources": sources}


def run(definition: Path, content: dict[str, Any], variant: Variant, folder: str) -> Outcome:
    """One run from nothing, its outputs and work folder below `folder` (a path or a URL)."""
    outputs = {n: {**o, "path": f"{folder}/out/{n}"} for n, o in content["outputs"].items()}
    file = definition.with_name(f".everywhere-{os.getpid()}.yaml")
    file.write_text(yaml.safe_dump({**content, "outputs": outputs}, sort_keys=False), encoding="utf-8")
    refinery = Path(sys.executable).with_name("refinery")
    command = [str(refinery), "run", str(file), "-q", "--work", f"{folder}/work"]
    started = time.perf_counter()
    try:
        environment = os.environ | variant.environment
        subprocess.run([*command, *variant.options], check=True, env=environment)
    finally:
        file.unlink()
    seconds = time.perf_counter() - started
    return outcome(seconds, [output["path"] for output in outputs.values()], variant)


def outcome(seconds: float, outputs: Sequence[str], variant: Variant) -> Outcome:
    """Hashes of what a run wrote, in the order of names."""
    data, decisions, documents = hashlib.sha256(), hashlib.sha256(), 0
    for output in outputs:
        for name, content in sorted(files(output, variant).items()):
            if name.startswith("data-"):
                data.update(content)
            elif name in {"decisions.parquet", "rejects.parquet"}:
                decisions.update(content)
            elif name == "manifest.json":
                documents += yaml.safe_load(content)["kept"]["documents"]
    return Outcome(seconds, documents, data.hexdigest(), decisions.hexdigest())


def files(output: str, variant: Variant) -> dict[str, bytes]:
    """The files of an output folder."""
    if not variant.on_s3:
        return {file.name: file.read_bytes() for file in Path(output).iterdir() if file.is_file()}
    return S3Server(variant.environment["AWS_ENDPOINT_URL"]).objects(output)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("definition", type=Path)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    definition = options.definition.resolve()
    content = yaml.safe_load(definition.read_text(encoding="utf-8"))
    rows: list[tuple[str, Outcome]] = []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="everywhere-")))
        server = stack.enter_context(running(scratch / "s3"))
        on_s3 = upload(server, definition, content)
        environment = server.environment()
        os.environ.update(environment)  # the nodes' processes inherit it
        address = stack.enter_context(ray_cluster())
        on_ray = ("--executor", "ray", "--address", address)
        variants = (
            Variant("1 local worker", ("--executor", "local", "--workers", "1")),
            Variant("2 local workers", ("--executor", "local", "--workers", "2")),
            Variant(f"Ray, {NODES} nodes of one processor", on_ray),
            Variant("S3, 2 local workers", ("--executor", "local", "--workers", "2"), True, environment),
            Variant(f"S3, Ray, {NODES} nodes", on_ray, True, environment),
        )
        for number, variant in enumerate(variants):
            folder = server.new_bucket() if variant.on_s3 else str(scratch / f"run-{number}")
            rows.append((variant.name, run(definition, on_s3 if variant.on_s3 else content, variant, folder)))
            print(f"{variant.name}: {rows[-1][1]}", file=sys.stderr)
            if not variant.on_s3:
                shutil.rmtree(folder)
    sheet = Sheet(
        f"{definition.name} from nothing, each from the same sources",
        ("run", "seconds", "documents kept", "SHA-256 of the data", "SHA-256 of decisions and rejects"),
        [(name, round(o.seconds, 1), o.documents, o.data[:16], o.decisions[:16]) for name, o in rows],
    )
    report(f"refinery everywhere, {machine()}", [sheet], options.json)
    sys.exit(len({(o.data, o.decisions) for _, o in rows}) != 1)


if __name__ == "__main__":
    main()
