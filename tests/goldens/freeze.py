"""Runs the definitions and writes what came of every document: `python -m tests.goldens.freeze [NAME ...]`.

Do so only where another result is meant, and read the difference: every line of it is a document judged otherwise.
Definitions called `NAME.1`, `NAME.2` run one after the other over the same work folder.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from tests.goldens import corpus, facts

HERE = Path(__file__).parent
DEFINITIONS = HERE / "definitions"
RESULTS = HERE / "results"
MODELS = HERE / "models"
SCENARIOS = sorted({file.name.split(".")[0] for file in DEFINITIONS.glob("*.yaml")})


def results(scenario: str, folder: Path, workers: int = 1) -> dict[str, str]:
    """Runs a scenario's definitions in `folder`; gives by definition what its golden must hold."""
    repository(folder)
    found = {}
    with costly_measurer(folder):
        for file in definitions(scenario):
            refinery("run", "-q", "--workers", workers, folder / file.name)
            found[file.stem] = golden(folder / file.name)
    return found


def definitions(scenario: str) -> list[Path]:
    """The definitions of a scenario, in the order in which they run."""
    return sorted(file for file in DEFINITIONS.glob("*.yaml") if file.name.split(".")[0] == scenario)


def repository(folder: Path) -> None:
    """The sources, models, rule sets and definitions."""
    shutil.copytree(DEFINITIONS, folder, dirs_exist_ok=True)
    shutil.copytree(MODELS, folder / "models")
    corpus.make(folder)


def golden(definition: Path) -> str:
    """The facts of every output, as JSON with a line for each row."""
    found = {
        name: {"decisions": facts.decisions(output), "documents": facts.documents(output)}
        for name, output in sorted(facts.outputs(definition).items())
    }
    blocks = [
        f' "{name}": {{\n'
        + ",\n".join(f'  "{kind}": [\n{_lines(rows)}\n  ]' for kind, rows in kinds.items())
        + "\n }"
        for name, kinds in found.items()
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def _lines(rows: list[list[object]]) -> str:
    return ",\n".join("   " + json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)


@contextmanager
def costly_measurer(folder: Path) -> Iterator[None]:
    """Offers tests/run/costly_measurer.py as an installed package would."""
    package = folder / "installed" / "costly-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: costly\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(
        "[refinery.measurers]\ncostly = tests.run.costly_measurer\n", encoding="utf-8"
    )
    with mock.patch.object(sys, "path", [*sys.path, os.fspath(package.parent)]):
        yield


def refinery(*arguments: object) -> None:
    """The command line, in this process; AssertionError where it fails."""
    from refinery.cli import main

    with mock.patch.object(sys, "argv", ["refinery", *map(str, arguments)]):
        try:
            main()
        except SystemExit as ended:
            assert not ended.code, f"{' '.join(sys.argv)}: exit code {ended.code}"


def main() -> None:
    """Writes the goldens anew."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scenarios", nargs="*", default=SCENARIOS, metavar="NAME")
    arguments.add_argument("--workers", type=int, default=1)
    given = arguments.parse_args()
    for scenario in given.scenarios:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in results(scenario, Path(folder), given.workers).items():
                (RESULTS / f"{name}.json").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
