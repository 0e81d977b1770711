"""Real small corpora for the tests, made on the spot: English and Chinese documents, duplicates, broken rows."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from refinery.storage.marks import records_of
from tests.ray_cluster import add_node, cluster, command, executor  # noqa: F401  (fixtures)
from tests.redis_server import redis_url  # noqa: F401  (a fixture)
from tests.s3_server import bucket, proxied, s3_server  # noqa: F401  (fixtures)
from tests.tiny_run import tiny_run  # noqa: F401  (a fixture)

FOLDERS = {"benchmarks", "cluster", "object_storage"}
SERVICES = {"cluster", "add_node", "executor", "command", "s3_server", "bucket", "proxied", "redis_url"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what waits for servers and processes more than it computes, so that it can run beside the others.

    What causes faults is marked as such alone, whatever servers it needs.
    """
    for item in items:
        folders = set(item.path.parts)
        fixtures = set(getattr(item, "fixturenames", ()))
        if "faults" in folders:
            item.add_marker(pytest.mark.faults)
        elif not item.get_closest_marker("faults") and (FOLDERS & folders or SERVICES & fixtures):
            item.add_marker(pytest.mark.services)


# The first call of a kernel compiles it, which no deadline for one example allows for. The examples are the same at
# every run, so that a test fails only for a change; `--hypothesis-profile search` draws other ones, and more.
settings.register_profile("refinery", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("refinery")

SENTENCES = (
    "The patient was treated with a low dose of aspirin and recovered within two weeks.",
    "Doctors recommend regular exercise because it lowers the risk of heart disease.",
    "A blood test can show whether the kidneys of the patient have been damaged.",
    "The company said that its net profit rose to nine million dollars in the quarter.",
    "Traders expect the price of wheat to fall after the report of the government.",
    "The minister told reporters that the new law would be debated in the spring.",
    "She walked along the river to the old mill and waited there for her brother.",
    "Most of the students have read the book that was discussed in the lecture.",
    "The committee will meet with the engineers to look at the plans of the bridge.",
    "It is important that the water be tested before it is used in the garden.",
)
CHINESE = (
    "中华人民共和国公民在法律面前一律平等。",
    "国家尊重和保障人权，任何公民享有宪法和法律规定的权利。",
    "本条例自公布之日起施行，由国务院有关部门负责解释。",
    "人民法院依照法律规定独立行使审判权，不受行政机关的干涉。",
    "当事人对决定不服的，可以在六十日内申请行政复议。",
    "县级以上地方人民政府应当加强对安全生产工作的领导。",
)


def document(seed: int, sentences: int = 12) -> str:
    """An English document of its own: real sentences in an order, with numbers, that no other seed gives."""
    chosen = random.Random(seed)
    lines = []
    for number in range(sentences):
        words = chosen.choice(SENTENCES).rstrip(".").split()
        words.insert(chosen.randrange(1, len(words)), f"{chosen.choice(_WORDS)} {chosen.choice(_WORDS)}")
        words.insert(chosen.randrange(1, len(words)), chosen.choice(_WORDS))
        lines.append(" ".join(words) + f" {seed % 97}{number}.")
    return "\n".join(lines)


_WORDS = tuple(sorted({word.strip(".,").lower() for sentence in SENTENCES for word in sentence.split()}))


def chinese_document(seed: int, sentences: int = 12) -> str:
    """A Chinese document of its own."""
    chosen = random.Random(seed)
    return "\n".join(
        f"第{seed}{n}条　{chosen.choice(CHINESE)}{chosen.choice(CHINESE)}" for n in range(sentences)
    )


def write_parquet(path: Path, rows: list[dict[str, object]]) -> None:
    """Writes rows as one Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


PIPELINE = """
refinery: 1
name: tiny
sources:
  crawl: {path: "crawl/*.parquet"}
stages:
  screened:
    from: crawl
    transform: [normalize]
    measure: [language, signals]
    keep:
      - english: "lang = 'en' AND lang_score >= 0.5"
      - long_enough: "words >= 50"
  unique:
    from: screened
    dedup: {exact: true, near: {similarity: 0.8}}
outputs:
  unique: {from: unique, path: out}
"""


def make_data_repository(folder: Path) -> Path:
    """A data repository: three shards with English, Chinese, short and duplicate documents, and a pipeline."""
    rows: list[dict[str, object]] = [
        {"id": f"en{n}", "text": document(n), "year": 1990 + n} for n in range(40)
    ]
    rows += [{"id": f"zh{n}", "text": chinese_document(n), "year": 2000 + n} for n in range(10)]
    rows += [{"id": f"short{n}", "text": f"Only a few words, number {n}.", "year": None} for n in range(5)]
    rows += [{"id": f"copy{n}", "text": document(n) + "\r\n\r\n", "year": 2020} for n in range(6)]
    for number in range(3):
        write_parquet(folder / "crawl" / f"{number}.parquet", rows[number::3])
    (folder / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    return folder


@pytest.fixture
def data_repository(tmp_path) -> Path:
    """A data repository of the test's own."""
    return make_data_repository(tmp_path)


@pytest.fixture
def refinery(capfd, monkeypatch) -> Callable[..., tuple[int, str, str]]:
    """Calls the command line in this process: (exit code, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        from refinery.cli import main

        if arguments[0] == "run" and "--workers" not in arguments:
            arguments = (*arguments, "--workers", 1)  # a pool takes seconds to start; tests of it ask for one
        monkeypatch.setattr("sys.argv", ["refinery", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def output_hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file that a run wrote for good, the manifest (with its times) left out."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for place in (folder, records_of(folder))
        for file in sorted(place.rglob("*"))
        if file.is_file() and file.name != "manifest.json"
    }


def decisions(folder: Path) -> dict[str, dict[str, object]]:
    """The decisions by document id."""
    return {str(row["id"]): row for row in read_files(folder, "decisions").to_pylist()}


def read_files(folder: Path, kind: str) -> pa.Table:
    """The rows of an output's files of one kind: data, decisions or rejects."""
    files = folder.rglob("*.parquet") if kind == "data" else records_of(folder).glob(f"{kind}-*.parquet")
    return pa.concat_tables(map(read_parquet, sorted(files)))


def read_parquet(file: Path) -> pa.Table:
    """The rows of a file, which is closed then: `pq.read_table` returns while threads of Arrow may have it open."""
    with pq.ParquetFile(file) as opened:
        return opened.read()
