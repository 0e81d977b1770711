"""A changed threshold: everything is measured once, then one rule is changed and the same command run again.

    python benchmarks/threshold.py --documents 1000000 --workers 2

Two definitions over one work folder, each run with one threshold and then with another. `rules` screens by language
and signals and writes what is left, some twentieth, so that its time is that of deciding and not of rewriting text;
`whole` lets a quarter pass, and goes on with exact and near dedup and a token budget. Every document has a row in
the decisions of both. Outputs are not shuffled: what is written in the sources' order is kept where it is the same.
Seconds are those of the command from its start to its end; phases are the manifest's, the steps of a verb added up;
`start and end` is what no phase accounts for.

The corpus is made of sentences from the documentation that is on every machine (refinery demo), drawn at random, 20 a
document; of a hundred documents four are copies of another and four differ from one in a sentence. `--data FOLDER`
takes Parquet files with a `text` column in its place.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from harness import Sheet, data_files, report
from whole_runs import REFINERY

from refinery.demo import make_repository
from refinery.storage.marks import records_of

FILE_DOCUMENTS = 50_000
SENTENCES = 20  # a document, about
COPIES, NEAR = (1, 3, 5, 7), (11, 13, 15, 17)  # of a hundred documents, those that are like the one before
TITLES = {"whole": "with dedup and select", "rules": "rules alone"}
WORDS = {"whole": (450, 440), "rules": (570, 560)}  # the thresholds of the rule that is changed

DEFINITION = """
refinery: 1
name: {name}
sources:
  crawl: {{path: "{data}"}}
stages:
  screened:
    from: crawl
    measure: [language, signals]
    keep:
      - english: "lang = 'en' AND lang_score >= 0.3"
      - long_enough: "words >= {words}"
      - prose: "alpha_word_ratio >= 0.5 AND mean_word_length BETWEEN 2 AND 12"
      - not_repetitive: "dup_10gram_char_frac_greedy <= 0.3 AND dup_line_frac <= 0.5"
{more}outputs:
  {output}: {{from: {output}, path: "{folder}/{name}", shuffle: null}}
"""
VERBS = """  unique:
    from: screened
    dedup: {exact: true, near: {similarity: 0.8}}
  corpus:
    from: unique
    select: {tokens: TOKENS, by: words}
"""


@dataclass(frozen=True)
class Timed:
    """A run: seconds of the command and of its phases, documents read and kept, bytes of text written."""

    seconds: float
    phases: dict[str, float]
    documents: int
    kept: int
    written: int


def sentences(folder: Path) -> pa.Array:
    """Some ten thousand sentences of documentation."""
    make_repository(folder)
    texts = [text for file in sorted(folder.glob("crawl/*.parquet")) for text in _texts(file)]
    parts = (part for text in texts for part in re.split(r"(?<=\.)\s+|\n\n+", text))
    return pa.array([s for part in parts if 60 <= len(s := " ".join(part.split())) <= 300])


def _texts(file: Path) -> list[str]:
    return pq.read_table(file, columns=["text"]).column(0).to_pylist()  # type: ignore[no-any-return]


def make_corpus(folder: Path, documents: int, pool: pa.Array) -> int:
    """Writes documents of the pool's sentences as Parquet files of FILE_DOCUMENTS; gives the bytes of text."""
    folder.mkdir(parents=True)
    size = 0
    for number, start in enumerate(range(0, documents, FILE_DOCUMENTS)):
        count = min(FILE_DOCUMENTS, documents - start)
        random = np.random.default_rng(number)
        lengths = random.integers(SENTENCES // 4, 2 * SENTENCES - SENTENCES // 4, count, endpoint=True)
        place = np.arange(count) % 100
        copied = np.isin(place, (*COPIES, *NEAR))  # each is like the document before it
        lengths[copied] = lengths[np.flatnonzero(copied) - 1]
        ends = np.cumsum(lengths)
        starts = ends - lengths
        like = np.where(copied, np.roll(starts, 1), starts)
        drawn = random.integers(0, len(pool), ends[-1])
        chosen = drawn[np.arange(ends[-1]) + np.repeat(like - starts, lengths)]
        near = np.isin(place, NEAR)
        chosen[ends[near] - 1] = random.integers(0, len(pool), int(near.sum()))
        lists = pa.ListArray.from_arrays(
            pa.array(np.append(0, ends), pa.int32()), pool.take(pa.array(chosen))
        )
        text = pc.binary_join(lists, "\n")
        ids = pa.array([f"{n:09}" for n in range(start, start + count)])
        pq.write_table(
            pa.table({"id": ids, "text": text}), folder / f"{number:05}.parquet", compression="zstd"
        )
        size += int(pc.sum(pc.binary_length(text)).as_py())
    return size


def run(definition: Path, work: Path, output: Path, workers: int) -> Timed:
    """The command, from its start to its end."""
    command = [str(REFINERY), "run", str(definition), "-q", "--work", str(work), "--workers", str(workers)]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return timed(output, time.perf_counter() - started)


def timed(output: Path, seconds: float) -> Timed:
    """What a run that took so many seconds tells in its output's manifest."""
    manifest = json.loads((records_of(output) / "manifest.json").read_bytes())
    phases = {phase: took for phase, took in manifest["seconds"].items() if phase != "total"}
    first = next(iter(manifest["stages"].values()))
    kept = manifest["kept"]
    return Timed(seconds, phases, first["arrived"]["documents"], kept["documents"], kept["bytes"])


def write_definition(folder: Path, data: str, name: str, words: int, tokens: int) -> tuple[Path, Path]:
    """Writes the definition; gives its path and its output's."""
    more, output = (VERBS.replace("TOKENS", str(tokens)), "corpus") if name == "whole" else ("", "screened")
    content = DEFINITION.format(name=name, data=data, words=words, more=more, output=output, folder=folder)
    definition = folder / f"{name}.yaml"
    definition.write_text(content, encoding="utf-8")
    return definition, folder / name


def by_phase(title: str, found: Timed) -> Sheet:
    """Seconds of each phase, the longest first."""
    sums: dict[str, float] = {}
    for phase, took in found.phases.items():
        verb = phase.partition(" ")[0]
        sums[verb if verb in {"dedup", "select"} else phase] = sums.get(verb, 0.0) + took
    rows = sorted(sums.items(), key=lambda pair: -pair[1])
    rows += [("start and end", found.seconds - sum(sums.values())), ("all", found.seconds)]
    told = (
        f"{found.kept:,} of {found.documents:,} documents kept, {found.written / 1e6:,.0f} MB of text written"
    )
    return Sheet(title, ("phase", "seconds"), [(name, round(took, 2)) for name, took in rows], (told,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000, help="of the corpus that is made")
    parser.add_argument(
        "--data", help="folder of Parquet files with a text column, in place of a made corpus"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--work", type=Path, help="folder to make corpus and runs in, kept (default: a temporary one)"
    )
    parser.add_argument("--json", help="write the tables as JSON to this file, - for standard output")
    options = parser.parse_args()
    folder = (options.work or Path(tempfile.mkdtemp(prefix="refinery-threshold-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        benchmark(folder, options)
    finally:
        if options.work is None:
            shutil.rmtree(folder)


def benchmark(folder: Path, options: argparse.Namespace) -> None:
    """Runs both definitions twice and prints what they took."""
    data = Path(options.data).resolve() if options.data else folder / "corpus"
    if not data.exists():
        with tempfile.TemporaryDirectory() as demo:
            make_corpus(data, options.documents, sentences(Path(demo) / "demo"))
    files = data_files([str(data)])
    size = sum(
        int(pc.sum(pc.binary_length(pq.read_table(f, columns=["text"]).column(0))).as_py()) for f in files
    )
    documents = sum(pq.read_metadata(file).num_rows for file in files)
    tokens = size // 50
    sheets = []
    for name, thresholds in WORDS.items():
        for words in thresholds:
            definition, output = write_definition(folder, f"{data}/*.parquet", name, words, tokens)
            found = run(definition, folder / "work", output, options.workers)
            title = "Measured once" if name == "whole" and words == thresholds[0] else "Another threshold"
            if title == "Measured once" or words == thresholds[1]:
                sheets.append(by_phase(f"{title}, {TITLES[name]}", found))
    head = f"A changed threshold: {documents:,} documents, {size / 1e9:.2f} GB of text, {options.workers} workers"
    report(head, sheets, options.json)


if __name__ == "__main__":
    main()
