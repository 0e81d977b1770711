"""Runs the benchmarks on real input and compares their figures with the floors in floors.yaml.

    python benchmarks/check.py --english FILE... --labelled FOLDER --work DIR [--only throughput.py ...]

english: Parquet files of English documents (`text`); labelled: a folder as pool.py reads it. Prints every figure
beside its floor; exits 1 when one is missed, a figure is not there or a benchmark fails. Takes an hour, on a machine
that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from harness import Sheet, report
from pydantic import BaseModel, ConfigDict, model_validator

HERE = Path(__file__).parent
FLOORS = HERE / "floors.yaml"
REFINERY = "from refinery.cli import main; main()"


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Floor(Model):
    """A figure by the beginning of its table's title, what stands in its row, and its column; and its bound."""

    table: str
    row: tuple[str, ...]
    column: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Floor:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give one of at_least and at_most")
        return self

    def holds(self, value: float) -> bool:
        """Whether the figure reaches its floor, or keeps below its ceiling."""
        return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0)


class Benchmark(Model):
    """A command with the commands that make its input, and the floors of its figures."""

    before: tuple[tuple[str, ...], ...] = ()
    command: tuple[str, ...]
    floors: tuple[Floor, ...] = ()


def benchmarks() -> tuple[Benchmark, ...]:
    """Those of floors.yaml."""
    return tuple(Benchmark.model_validate(entry) for entry in yaml.safe_load(FLOORS.read_text("utf-8")))


def figure(tables: Sequence[Mapping[str, Any]], floor: Floor) -> float:
    """The figure that a floor is about, of a spread the median; raises LookupError when it is not there."""
    for table in tables:
        if not table["title"].startswith(floor.table) or floor.column not in table["columns"]:
            continue
        for row in table["rows"]:
            value = row[table["columns"].index(floor.column)]
            if value is not None and set(floor.row) <= {cell for cell in row if isinstance(cell, str)}:
                return float(value["median"] if isinstance(value, dict) else value)
    raise LookupError(f"no {floor.column!r} of {', '.join(floor.row)} in {floor.table!r}")


def filled(words: Sequence[str], inputs: Mapping[str, Sequence[str]]) -> list[str]:
    """The words of a command with its inputs in place of their names in braces; several take as many words."""
    found: list[str] = []
    for word in words:
        several = inputs.get(word[1:-1], ()) if word.startswith("{") and word.endswith("}") else ()
        found += several or [word.format(**{name: "".join(values[:1]) for name, values in inputs.items()})]
    return found


def run(words: Sequence[str]) -> None:
    """A benchmark, or a command of refinery's; ends the program when it fails."""
    if words[0] == "refinery":
        command = [sys.executable, "-c", REFINERY, *words[1:]]
    else:
        command = [sys.executable, str(HERE / words[0]), *words[1:]]
    print(f"$ {' '.join(words)}", file=sys.stderr, flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(f"{' '.join(words)} failed with exit code {code}")


def checked(
    benchmark: Benchmark, inputs: Mapping[str, Sequence[str]], found: Path
) -> Iterator[tuple[object, ...]]:
    """Runs a benchmark and gives a row for each of its floors."""
    for words in benchmark.before:
        run(filled(words, inputs))
    run([*filled(benchmark.command, inputs), "--json", str(found)])
    tables = json.loads(found.read_text("utf-8"))["tables"]
    for floor in benchmark.floors:
        bound = f"≥ {floor.at_least:g}" if floor.at_least is not None else f"≤ {floor.at_most:g}"
        try:
            value = figure(tables, floor)
            verdict = "holds" if floor.holds(value) else "MISSED"
        except LookupError:
            value, verdict = None, "NOT THERE"
        yield benchmark.command[0], ", ".join(floor.row), floor.column, value, bound, verdict


def main() -> None:
    parser = argparse.ArgumentParser(description="The benchmarks against their floors.")
    parser.add_argument("--english", nargs="+", default=[], help="Parquet files of English documents")
    parser.add_argument("--labelled", help="folder of Parquet files (id, text, label, lang or bcp47)")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is made; must not exist")
    parser.add_argument("--only", nargs="+", help="benchmarks, by their file")
    parser.add_argument("--json", metavar="FILE", help="also write the table as JSON")
    options = parser.parse_args()
    chosen = [b for b in benchmarks() if not options.only or b.command[0] in options.only]
    if not chosen:
        sys.exit(f"no floor is of {', '.join(options.only)}")
    words = " ".join(word for b in chosen for command in (*b.before, b.command) for word in command)
    labelled = [options.labelled] if options.labelled else []
    for name, given in (("english", options.english), ("labelled", labelled)):
        if f"{{{name}}}" in words and not given:
            sys.exit(f"--{name} is needed for {', '.join(b.command[0] for b in chosen)}")
    options.work.mkdir(parents=True)
    inputs = {"english": options.english, "labelled": labelled, "work": [str(options.work)]}
    rows: list[tuple[object, ...]] = []
    for number, benchmark in enumerate(chosen):
        rows += checked(benchmark, inputs, options.work / f"{number}-{benchmark.command[0]}.json")
    columns = ("benchmark", "of", "figure", "found", "floor", "")
    report("The benchmarks against their floors", [Sheet("Floors", columns, rows)], options.json)
    sys.exit(any(row[-1] != "holds" for row in rows))


if __name__ == "__main__":
    main()
