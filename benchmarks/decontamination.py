"""Benchmark items planted in documents: what `protect` with `overlap` finds, beside datatrove's n-grams.

    python benchmarks/decontamination.py --english ITEMS HOSTS --chinese ITEMS HOSTS [--plants 100] [--here]

ITEMS of English are documents of a question line and an answer (MedQuAD), of Chinese statutes in articles; HOSTS
documents of other text. Of each language questions are made of them: as they are (of eight words or more, and
articles), and multiple-choice ones, with three answers of others beside the right one. Each is planted between two
sentences of a host: whole, cut to the middle 60 %, with its sentences or choices in another order, and with typing
errors, one letter or character in 10 or 30 words (15 or 45 characters). Nobody finds a paraphrase by n-grams. The
other documents are hosts without a plant, and those of ITEMS that no item was made of.
Both see the same documents; datatrove (n_grams 12, as it ships) gets each item as a label, so that all n-grams of it
count, and drops a document for one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import refinery_jobs
from harness import Sheet, Spread, documents, pin_to_one_core, repeat, report, text_bytes
from peers import SKIPPED, Environments, Worker
from planted_items import CHANGES, SENTENCES, Item, make_benchmark

import refinery
from refinery.dedup.items import make_items
from refinery.dedup.overlap import find_grams
from refinery.definition.protections import Overlap
from refinery.filters.registry import measurer
from refinery.text.fold import key_texts

HOST_CHARS = {"en": 3000, "zh": 1000}
LANGUAGES = {"en": "eng", "zh": "cmn"}  # by which datatrove finds spaCy and jieba


@dataclass(frozen=True)
class Document:
    """A text; what was planted in it (an item's number, None: nothing) and how, or which kind of other it is."""

    text: str
    language: str
    item: int | None
    change: str


def plant(host: str, text: str, language: str, rng: random.Random) -> str:
    """The text between two sentences of a part of the host."""
    sentences = [one for one in SENTENCES[language].split(host[: HOST_CHARS[language]]) if one]
    at = rng.randrange(len(sentences) + 1)
    return "\n".join([*sentences[:at], text, *sentences[at:]])


def make_documents(
    items: list[Item], texts: Sequence[str], hosts: Sequence[str], language: str, rng: random.Random
) -> list[Document]:
    """Each item planted in each way, and as many others of both kinds."""
    found = []
    hosts = [host for host in hosts if len(host) > 200]
    for number, item in enumerate(items):
        if item.language == language:
            for change, make in CHANGES.items():
                text = plant(rng.choice(hosts), make(item, rng), language, rng)
                found.append(Document(text, language, number, change))
    planted = len(found)
    used = {item.source for item in items if item.language == language}
    others = [text for number, text in enumerate(texts) if number not in used]
    for kind, pool in (("hosts", hosts), ("documents like those of the items", others)):
        chosen = rng.sample(pool, min(planted // 2, len(pool)))
        found += [Document(text, language, None, kind) for text in chosen]
    return found


def by_refinery(folder: Path, items: list[Item], docs: list[Document]) -> list[int | None]:
    """The item that each document goes for, by a run."""
    rows = [json.dumps({"id": f"q{n}", "text": item.text}) for n, item in enumerate(items)]
    (folder / "items.jsonl").write_text("\n".join(rows), "utf-8")
    table = pa.table({"id": [f"d{n}" for n in range(len(docs))], "text": [one.text for one in docs]})
    pq.write_table(table, folder / "docs.parquet")
    (folder / "pipeline.yaml").write_text(
        "refinery: 1\nname: decontamination\n"
        "protect: {items: {benchmark: items.jsonl, overlap: {}}}\n"
        "sources: {docs: {path: docs.parquet}}\nstages: {all: {from: docs}}\n"
        "outputs: {left: {from: all, path: out}}\n",
        "utf-8",
    )
    made = refinery.run(folder / "pipeline.yaml", workers=1, progress=False)
    decided = made["left"].decisions().select("id", "duplicate_of_id").collect()
    by_id = dict(decided.iter_rows())
    return [by_id[f"d{n}"] and int(by_id[f"d{n}"][1:]) for n in range(len(docs))]


def by_datatrove(python: Path, folder: Path, items: list[Item], docs: list[Document]) -> list[bool]:
    """Which documents datatrove drops, each language with its tokenizer."""
    dropped = [False] * len(docs)
    for language, name in LANGUAGES.items():
        numbers = [n for n, one in enumerate(docs) if one.language == language]
        if not numbers:
            continue
        (folder / "labels.json").write_text(
            json.dumps([i.text for i in items if i.language == language]), "utf-8"
        )
        file = folder / f"{language}.parquet"
        pq.write_table(pa.table({"text": [docs[n].text for n in numbers]}), file)
        options = {"items": str(folder / "labels.json"), "language": name}
        worker = Worker(python, file, "datatrove:decontamination", options)
        for number, (kept, _) in zip(numbers, worker.ask("decide")["decisions"], strict=True):
            dropped[number] = not kept
        worker.close()
    return dropped


def planted_sheet(
    items: list[Item], docs: list[Document], found: list[int | None], theirs: list[bool] | None
) -> Sheet:
    """Of the plants of each kind what share was found."""
    counts: Counter[tuple[object, ...]] = Counter()
    for number, one in enumerate(docs):
        if one.item is None:
            continue
        key = (one.language, items[one.item].kind, one.change)
        counts[key, "plants"] += 1
        counts[key, "found"] += found[number] is not None
        counts[key, "right"] += found[number] == one.item
        counts[key, "theirs"] += bool(theirs and theirs[number])
    keys = dict.fromkeys(key for key, _ in counts)
    rows = []
    for key in keys:
        plants, *others = (counts[key, name] for name in ("plants", "found", "right", "theirs"))
        shares = [round(100 * count / plants, 1) for count in others]
        rows.append((*key, plants, *shares[:2], shares[2] if theirs else SKIPPED))
    columns = ("language", "items", "planted", "plants", "found %", "the right item %", "datatrove %")
    return Sheet("Recall", columns, rows)


def others_sheet(docs: list[Document], found: list[int | None], theirs: list[bool] | None) -> Sheet:
    """Of documents without a plant how many go, and the precision of all that went."""
    rows: list[tuple[object, ...]] = []
    for language, kind in dict.fromkeys((one.language, one.change) for one in docs if one.item is None):
        here = [n for n, one in enumerate(docs) if (one.language, one.change) == (language, kind)]
        gone, other = sum(found[n] is not None for n in here), sum(bool(theirs and theirs[n]) for n in here)
        rows.append((language, kind, len(here), gone, other if theirs else SKIPPED))
    for language in dict.fromkeys(one.language for one in docs):
        here = [n for n, one in enumerate(docs) if one.language == language]
        right = [docs[n].item is not None for n in here]
        ours = _precision([found[n] is not None for n in here], right)
        other_one = _precision([theirs[n] for n in here], right) if theirs else SKIPPED
        rows.append((language, "precision of all that go, %", len(here), ours, other_one))
    columns = ("language", "documents without a plant", "documents", "dropped", "datatrove drops")
    return Sheet("Other documents", columns, rows)


def _precision(gone: list[bool], planted: list[bool]) -> float:
    """Percent of those that go that have a plant."""
    right = sum(a and b for a, b in zip(gone, planted, strict=True))
    return round(100 * right / max(sum(gone), 1), 1)


def speed(items: list[Item], text: pa.ChunkedArray, repeats: int) -> Sheet:
    """MB/s of looking through documents in memory beside that of `signals`, one core."""
    overlap, parts = Overlap(), refinery_jobs.batches(text.combine_chunks())
    keys = key_texts(
        refinery_jobs.batches(pa.array([i.text for i in items], pa.large_string()))[0]
    ).to_arrow()
    known = make_items(overlap, keys, np.arange(len(keys)))
    signals = measurer("signals", {})
    size = text_bytes(text) / 1e6
    rows: list[tuple[object, ...]] = []
    works: dict[str, Callable[[], object]] = {
        "signals": partial(refinery_jobs.measure, [signals], parts),
        "overlap": lambda: [find_grams(overlap, known, part) for part in parts],
    }
    spreads = {name: repeat(work, repeats) for name, work in works.items()}
    for name, spread in spreads.items():
        times = round(spreads["signals"].median / spread.median, 2)
        rows.append((name, Spread(size / spread.high, size / spread.median, size / spread.low), times))
    title = f"Speed: {len(text):,} documents, {size:,.1f} MB, {len(known.hashes):,} n-grams of items"
    return Sheet(title, ("what", "MB/s, median (lowest … highest)", "times as fast as signals"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="What protect with overlap finds of planted items.")
    for language in ("english", "chinese"):
        parser.add_argument(f"--{language}", nargs=2, metavar=("ITEMS", "HOSTS"), help="Parquet with `text`")
    parser.add_argument("--plants", type=int, default=100, help="items of each kind")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--here", action="store_true", help="datatrove of this environment, or none")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "refinery-benchmarks")
    parser.add_argument("--json", metavar="FILE", help="also write the tables as JSON")
    options = parser.parse_args()
    pin_to_one_core()
    rng, items, docs, every = random.Random(1), [], [], []
    for language, given in (("en", options.english), ("zh", options.chinese)):
        if given:
            texts, hosts = ([text for text in documents([file]).to_pylist() if text] for file in given)
            items += make_benchmark(language, texts, options.plants, rng)
            docs += make_documents(items, texts, hosts, language, rng)
            every.append(documents(given, 2000))
    if not docs:
        sys.exit("give --english or --chinese")
    environments = Environments(options.cache, options.here)
    with tempfile.TemporaryDirectory(prefix="refinery-decontamination-") as name:
        folder = Path(name)
        found = by_refinery(folder, items, docs)
        there = environments.has("datatrove")
        theirs = by_datatrove(environments.python("datatrove"), folder, items, docs) if there else None
    text = pa.chunked_array([chunk for one in every for chunk in one.chunks])
    sheets = [
        planted_sheet(items, docs, found, theirs),
        others_sheet(docs, found, theirs),
        speed(items, text, options.repeats),
    ]
    report("Decontamination", sheets, options.json)


if __name__ == "__main__":
    main()
