"""One pipeline on every executor and storage: the same bytes, and what each takes.

    python benchmarks/everywhere.py PIPELINE.yaml

Runs the definition, each time from nothing, with 1 and 2 local workers, on a Ray cluster of `--nodes` processes,
and with sources, work folder and output on an S3 server (SeaweedFS), local and on Ray. Prints seconds and the SHA-256
over the data files, the decisions and the rejects; exits 1 when any differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from harness import Sheet, machine, report
from tests.s3_server import S3Server, running
from whole_runs import Outcome, Variant, run


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("definition", type=Path)
    parser.add_argument("--nodes", type=int, default=3, help="of the Ray cluster, of one processor each")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    definition, nodes = options.definition.resolve(), options.nodes
    content = yaml.safe_load(definition.read_text(encoding="utf-8"))
    rows: list[tuple[str, Outcome]] = []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="everywhere-")))
        server = stack.enter_context(running(scratch / "s3"))
        on_s3 = upload(server, definition, content)
        environment = server.environment()
        os.environ.update(environment)  # the nodes' processes inherit it
        variants = (
            Variant("1 local worker", workers=1),
            Variant("2 local workers", workers=2),
            Variant(f"Ray, {nodes} nodes of one processor", nodes=nodes),
            Variant("S3, 2 local workers", workers=2, on_s3=True, environment=environment),
            Variant(f"S3, Ray, {nodes} nodes", nodes=nodes, on_s3=True, environment=environment),
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
        [(name, o.seconds, o.documents, o.data[:16], o.decisions[:16]) for name, o in rows],
    )
    report(f"refinery everywhere, {machine()}", [sheet], options.json)
    sys.exit(len({(o.data, o.decisions) for _, o in rows}) != 1)


if __name__ == "__main__":
    main()
