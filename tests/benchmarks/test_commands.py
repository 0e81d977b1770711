"""Every command of benchmarks/ runs on a tiny input, is documented, and makes the figures that floors are about.

The commands are started once, two at a time.
"""

import importlib.util
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pydoc_data.topics import topics

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from check import FLOORS, Benchmark, Floor, benchmarks, figure, filled
from peers import ENVIRONMENTS, SKIPPED

from tests.conftest import CHINESE

FOLDER = Path(__file__).parents[2] / "benchmarks"
README = (FOLDER / "README.md").read_text("utf-8")
REFINERY = "from refinery.cli import main; main()"


# The smallest work that each command does.
COMMANDS = {
    "pool.py": "{0}/pool --data {0}/data --near 60 --exact 40 --footers 6 --shards 4",
    "quality.py": "{0}/pool {0}/pool/out/medical-en --domain medical",
    "everywhere.py": "{0}/pool/medical-en.yaml --nodes 1",
    "throughput.py": "{0}/data/medical.parquet --limit 40 --repeats 1 --warm --memory --memory-bytes 100000 "
    "--buckets 1000 --cache {0}/throughput",
    "packs.py": "judge {0}/data/medical.parquet",
    "peers.py": "{0}/data/medical.parquet --limit 20 --repeats 1 --here --buckets 1000 --cache {0}/peers",
    "html_extraction.py": "",
    "rule_losses.py": "medical=en={0}/data/medical.parquet --spam films=en={0}/data/films.parquet --documents 8",
    "calibration.py": "medical=en={0}/data/medical.parquet --sets gopher --documents 60 --splits 2",
    "cleaning.py": "--trusted {0}/data/medical.parquet",
    "recall.py": "medical={0}/data/medical.parquet~{0}/data/films.parquet --seeds 20 --draws 2 --least 5",
    "recall_pool.py": "medical={0}/data/medical.parquet~{0}/data/films.parquet --gigabytes 0.001 --share 0.2 --here "
    "--seeds 20 --buckets 1000 --work {0}/recall_pool",
    "methods.py": "{0}/english.parquet --label medical --seeds 40 --draws 1 --repeats 1",
    "language.py": "medical=en={0}/data/medical.parquet --pieces 4",
    "privacy.py": "{0}/data/medical.parquet --plants 8",
    "decontamination.py": "--english {0}/data/medical.parquet {0}/data/films.parquet --plants 4 --repeats 1 --here",
    "copies.py": "--english {0}/data/medical.parquet --documents 3",
    "passages.py": "--gigabytes 0.0003 0.0006 --workers 1 --work {0}/passages",
    "scale.py": "--documents 0.004 0.008 --buckets 0.003 --workers 1 --work {0}/scale",
    "many_files.py": "--files 4 6 8 --documents 3 --workers 1",
    "scaling.py": "{0}/pool/medical-en.yaml --copies 1 --repeats 1 --most 1 --units 50",
}
OTHERS = {
    "train": "train relevance --positive {0}/pool/train/medical/positive "
    "--negative {0}/pool/train/medical/negative --out {0}/pool/models/medical",
    "run": "run {0}/pool/medical-en.yaml --workers 1 --quiet",
}
# One after the other, beside each other; those of the first need its pool and its run.
LANES = (
    ("pool.py", "train", "run", "quality.py", "scaling.py", "everywhere.py"),
    (
        "throughput.py",
        "peers.py",
        "html_extraction.py",
        "rule_losses.py",
        "calibration.py",
        "cleaning.py",
        "recall.py",
        "recall_pool.py",
        "methods.py",
        "language.py",
        "privacy.py",
        "packs.py",
        "decontamination.py",
        "copies.py",
        "passages.py",
        "scale.py",
        "many_files.py",
    ),
)
APART = {"threshold.py": "test_threshold.py", "check.py": "test_commands.py"}  # whose tests start them


def write_data(folder: Path) -> None:
    """Real English text, pages of Python's help in pieces, of two labels by their names, and made-up Chinese."""
    pieces: dict[str, list[str]] = {"medical": [], "films": []}
    for name, text in sorted(topics.items()):
        found, piece = pieces["medical" if name < "m" else "films"], ""
        for paragraph in text.split("\n\n"):
            piece += paragraph + "\n\n"
            if len(piece) > (400, 400, 1000)[len(found) % 3]:
                found.append(piece)
                piece = ""
    pieces["legal"] = ["".join(random.Random(i).choices(CHINESE, k=25)) for i in range(40)]
    folder.mkdir()
    for label, texts in pieces.items():
        columns = {"id": [f"{n}" for n in range(len(texts))], "text": texts, "label": [label] * len(texts)}
        pq.write_table(pa.table({**columns, "lang": ["xx"] * len(texts)}), folder / f"{label}.parquet")
    english = [pq.read_table(folder / f"{label}.parquet") for label in ("medical", "films")]
    pq.write_table(pa.concat_tables(english), folder.parent / "english.parquet")


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    done: "subprocess.CompletedProcess[str]"
    json: Path

    @property
    def tables(self) -> list[dict]:
        return json.loads(self.json.read_text("utf-8"))["tables"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Iterator[dict[str, "Future[Ran]"]]:
    """All commands by name, as they end."""
    folder = tmp_path_factory.mktemp("benchmarks")
    write_data(folder / "data")
    found: dict[str, Future[Ran]] = {name: Future() for lane in LANES for name in lane}

    def run(name: str) -> Ran:
        out = folder / f"{name}.json"
        program = [FOLDER / name, "--json", out] if name in COMMANDS else ["-c", REFINERY]
        words = ({**COMMANDS, **OTHERS}[name]).format(folder).split()
        command = [sys.executable, *program, *words]
        return Ran(subprocess.run(command, capture_output=True, text=True, check=False, timeout=900), out)

    def run_all(lane: tuple[str, ...]) -> None:
        for name in lane:
            try:
                found[name].set_result(run(name))
            except Exception as error:
                found[name].set_exception(error)

    with ThreadPoolExecutor(len(LANES)) as pool:
        list(map(partial(pool.submit, run_all), LANES))
        yield found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_runs(name, ran):
    """It ends well and leaves its tables as JSON, each with rows."""
    found = ran[name].result()
    assert found.done.returncode == 0, found.done.stderr[-3000:]
    assert found.tables
    assert all(table["rows"] for table in found.tables), [t["title"] for t in found.tables if not t["rows"]]


def test_scale_finds_what_was_planted(ran):
    """Removals are as expected at each size, and nothing is left behind."""
    found = ran["scale.py"].result()
    tables = found.tables
    assert [row[-1].partition(": ")[2] for row in tables[0]["rows"]] == ["as expected"] * 2
    assert tables[0]["rows"][0][0] == 4000
    assert {"Fit", "What follows", "Dedup of one bucket"} <= {table["title"] for table in tables}
    assert not list((found.json.parent / "scale").iterdir())


def test_recall_over_a_pool_tells_of_the_whole_run(ran):
    """What it found of the topic, its seconds by phase, its processes; the filter, or that it is not there."""
    found = ran["recall_pool.py"].result().tables
    pool, side, phases, memory = (table["rows"] for table in found)
    assert side[0][0] == "refinery recall"
    assert side[0][5] * side[0][6] == pytest.approx(side[0][7] * dict(pool)["documents of the topic medical"])
    assert {"measure", "read sample", "round 1", "measure arrived", "dedup", "write", "all"} <= {
        row[0] for row in phases
    }
    assert [row[0] for row in memory][:2] == ["driver", "below it"]
    assert all(megabytes > 1 for _, megabytes in memory)
    beside = len(side) == 2
    assert beside == bool(importlib.util.find_spec("datatrove"))
    assert beside or any(SKIPPED in note for note in found[1]["notes"])


def test_a_peer_that_is_not_installed_is_told(ran):
    """In the table and on standard error; the others have run."""
    found = ran["peers.py"].result()
    there = {name for name in ENVIRONMENTS if importlib.util.find_spec(name)}
    versions = dict(found.tables[0]["rows"])
    assert {"datasketch", "fasttext"} <= there
    assert {name for name in ENVIRONMENTS if versions[name] == SKIPPED} == ENVIRONMENTS.keys() - there
    for name in ENVIRONMENTS.keys() - there:
        assert f"{name} {SKIPPED}" in found.done.stderr


def lacking(command: str, floor: Floor) -> bool:
    """Whether no tiny run here has the figure: nothing is compiled in one, or the peer is not installed."""
    named = f"{floor.table} {' '.join(floor.row)}"
    peers = {"datatrove:": "datatrove", "Agreement": "datatrove", "rensa:": "rensa"}
    return (
        command in APART
        or "compilation" in named
        or any(word in named and not importlib.util.find_spec(peer) for word, peer in peers.items())
    )


FLOORED = [(b.command[0], floor) for b in benchmarks() for floor in b.floors]


@pytest.mark.parametrize(
    ("command", "floor"), [pytest.param(*one, id=f"{one[0]} {', '.join(one[1].row)}") for one in FLOORED]
)
def test_every_figure_with_a_floor_is_there(command, floor, ran):
    """The tiny runs have it, or its words stand in the code where the tiny run cannot have it."""
    if lacking(command, floor):
        source = "".join(file.read_text("utf-8") for file in FOLDER.glob("*.py"))
        assert all(f'"{word}"' in source for word in (*floor.row, floor.column))
    else:
        assert isinstance(figure(ran[command].result().tables, floor), float)


def test_every_benchmark_with_floors_is_a_command_with_such_options():
    """floors.yaml names commands of benchmarks/ and of refinery's."""
    assert yaml.safe_load(FLOORS.read_text("utf-8"))
    for one in benchmarks():
        for words in (*one.before, one.command):
            assert words[0] == "refinery" or (FOLDER / words[0]).exists()


def programs() -> dict[str, str]:
    """The files of benchmarks/ that can be started, with their text."""
    found = {file.name: file.read_text("utf-8") for file in sorted(FOLDER.glob("*.py"))}
    return {name: text for name, text in found.items() if 'if __name__ == "__main__"' in text}


def test_every_program_is_run_here_or_by_one_that_is():
    """A new benchmark needs its line in COMMANDS, or a test that starts it; workers say who starts them."""
    workers = {
        name
        for name, text in programs().items()
        if re.search(r"started by (peers|recall_pool|throughput)\.py", text)
    }
    assert workers == {"fasttext_filter_worker.py", "peer_worker.py", "measure_worker.py"}
    assert programs().keys() - workers == COMMANDS.keys() | APART.keys()
    for name, test in APART.items():
        assert name in Path(__file__).with_name(test).read_text("utf-8")


def test_every_command_is_documented():
    """Each stands in benchmarks/README.md with what it shows."""
    for name in (*COMMANDS, *APART):
        assert re.search(rf"^\| `python benchmarks/{name}[^`]*` \| .+ \|$", README, re.MULTILINE), name


TABLES = [{"title": "Speeds: 3 documents", "columns": ["what", "kind", "MB/s"], "rows": [
    ["a", "x", 1.5], ["a", "y", {"low": 1, "median": 2.5, "high": 9}], ["b", "x", None],
]}]  # fmt: skip


def floor(row: tuple[str, ...], column: str = "MB/s", **bound: float) -> Floor:
    return Floor(table="Speeds", row=row, column=column, **(bound or {"at_least": 1}))


def test_a_figure_is_found_by_table_row_and_column():
    """Of a spread the median; nothing else is taken for it."""
    assert figure(TABLES, floor(("a", "x"))) == 1.5
    assert figure(TABLES, floor(("a", "y"))) == 2.5
    for missing in (floor(("b",)), floor(("c",)), floor(("a",), "seconds")):
        with pytest.raises(LookupError, match="no "):
            figure(TABLES, missing)


def test_floors_and_ceilings():
    """At the bound is good enough; a floor has just one."""
    assert floor(("a",), at_least=2).holds(2.0) and not floor(("a",), at_least=2).holds(1.99)
    assert floor(("a",), at_most=0).holds(0.0) and not floor(("a",), at_most=0).holds(0.01)
    with pytest.raises(ValueError, match="one of at_least and at_most"):
        floor(("a",), at_least=1, at_most=2)


def test_inputs_take_the_place_of_their_names():
    """Several files become several words; a folder may be the beginning of a path."""
    inputs = {"english": ["a b", "c"], "work": ["w"], "labelled": []}
    assert filled(["x.py", "{english}", "--to", "{work}/out"], inputs) == [
        "x.py",
        "a b",
        "c",
        "--to",
        "w/out",
    ]


def test_the_check_fails_under_a_floor(ran, tmp_path, monkeypatch, capsys):
    """It runs the benchmark and compares; its exit code is not 0 when a figure is below its floor or not there."""
    import check

    words = COMMANDS["pool.py"].format(ran["pool.py"].result().json.parent).split()  # its data is there

    def ended(*bounds: Floor) -> tuple[int, str]:
        command = ("pool.py", "{work}/pool", *words[1:])
        monkeypatch.setattr(check, "benchmarks", lambda: (Benchmark(command=command, floors=bounds),))
        monkeypatch.setattr(sys, "argv", ["check.py", "--work", str(tmp_path / f"work-{len(bounds)}")])
        with pytest.raises(SystemExit) as error:
            check.main()
        return int(error.value.code), capsys.readouterr().out

    good = Floor(table="The pool", row=("medical",), column="documents", at_least=1)
    assert ended(good)[0] == 0
    missed = good.model_copy(update={"at_least": 1e9})
    code, out = ended(good, missed, good.model_copy(update={"row": ("absent",)}))
    assert code == 1
    assert re.findall("holds|MISSED|NOT THERE", out) == ["holds", "MISSED", "NOT THERE"]


def test_the_check_says_what_it_needs(tmp_path, monkeypatch):
    """Inputs that are not given, a benchmark without floors, one that fails."""
    import check

    def ended(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["check.py", "--work", str(tmp_path / "work"), *arguments])
        with pytest.raises(SystemExit) as error:
            check.main()
        return str(error.value.code)

    assert "--english is needed" in ended("--only", "throughput.py")
    assert "no floor is of absent.py" in ended("--only", "absent.py")
    monkeypatch.setattr(check, "benchmarks", lambda: (Benchmark(command=("scale.py", "--absent")),))
    assert "scale.py --absent" in ended()
