"""Mixes a pool of raw documents with known labels and planted duplicates, and the pipelines that refine it.

    python benchmarks/pool.py OUT --data FOLDER

FOLDER holds Parquet files with the columns `id` (unique in its file), `text` and `label` (the domain; all files
whose labels are language codes, having a column `bcp47`, count as one domain `languages`). Licences stay with
the data: nothing here ships a document. OUT gets

    crawl/part-NNN.parquet|.jsonl.gz|.jsonl.zst   id, text: the pool, shuffled
    truth.parquet        id, label, language, kind, planted_of, jaccard, style: what each document really is
    train/DOMAIN/{positive,negative}/*.parquet    text for a relevance model; no document of it is in the pool
    medical-en.yaml, legal-zh.yaml                pipelines over the pool; models in models/DOMAIN

kind is original, exact (a byte-identical copy), near (an edited copy, `jaccard` = its true similarity to
`planted_of`) or footer (a short body under a long footer that all of its kind share: alike, yet below 0.8).
The same seed and data give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from harness import Sheet, data_files, report
from planting import jaccard, near_copy, shingles

DOMAINS = ("medical", "legal")
TRAIN_SHARE = 0.25
TRUTH = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.string()),
        ("language", pa.string()),
        ("kind", pa.string()),
        ("planted_of", pa.string()),
        ("jaccard", pa.float64()),
        ("style", pa.string()),
    ]
)


@dataclass(frozen=True)
class Document:
    """One document of the pool with what is true about it."""

    id: str
    text: str
    label: str
    language: str
    kind: str = "original"
    planted_of: str | None = None
    jaccard: float | None = None
    style: str | None = None


def read(folder: str, limit: int | None) -> list[Document]:
    """All documents of the folder's Parquet files, in order; `limit` takes as many of each file."""
    found: list[Document] = []
    for file in data_files([folder]):
        table = pq.read_table(file)
        names = table.schema.names
        language = "bcp47" if "bcp47" in names else "lang"
        for row in table.slice(0, limit).to_pylist():
            label = "languages" if language == "bcp47" else row["label"]
            found.append(Document(f"{file.stem}/{row['id']}", row["text"], label, row.get(language) or "und"))
    return [replace(document, label=_domain(document)) for document in found]


def _domain(document: Document) -> str:
    # The general file's labels are its own topics; all that is no domain of ours is `general`.
    return document.label if document.label in {*DOMAINS, "tcm", "tech", "languages"} else "general"


def split(documents: list[Document], rng: random.Random) -> tuple[list[Document], list[Document]]:
    """(pool, training): a share of every domain is set aside for training."""
    shuffled = rng.sample(documents, len(documents))
    cut = int(len(shuffled) * TRAIN_SHARE)
    return shuffled[cut:], shuffled[:cut]


def plant(pool: list[Document], near: int, exact: int, rng: random.Random) -> Iterator[Document]:
    """Copies of the pool's documents: `near` and `exact` of each domain, half as many of the rest together."""
    for label in (*DOMAINS, None):
        wanted = pool if label is None else [document for document in pool if document.label == label]
        share = 2 if label is None else 1
        others = [d for d in wanted if label or d.label in {"general", "tech"}]
        others = rng.sample(others, len(others))
        copied, others = others[: exact // share], others[exact // share :]  # nothing is planted twice
        fitting = [d for d in others if 900 <= len(d.text.encode()) <= 40_000]
        for number, source in enumerate(rng.sample(fitting, min(near // share, len(fitting)))):
            copy = near_copy(source.text, rng.uniform(0.5, 0.98), rng)
            yield replace(
                source,
                id=f"near/{label}/{number:05d}",
                text=copy.text,
                kind="near",
                planted_of=source.id,
                jaccard=copy.jaccard,
                style=copy.style,
            )
        for number, source in enumerate(copied):
            copy_id = f"exact/{label}/{number:05d}"
            yield replace(source, id=copy_id, kind="exact", planted_of=source.id, jaccard=1.0, style="bytes")


def footers(pool: list[Document], count: int, rng: random.Random) -> Iterator[Document]:
    """Short bodies under one long shared footer: pairs have a similarity of about 0.7."""
    for label in DOMAINS:
        sources = [document for document in pool if document.label == label]
        if len(sources) < 2:
            continue
        long, body = (1000, 90) if label == "legal" else (1900, 190)
        footer = max(sources, key=lambda d: len(d.text)).text[-long:]
        used: set[str] = set()
        number = 0
        for source in rng.sample(sources, len(sources)):
            start = rng.randrange(max(1, len(source.text) - 2 * body))
            own = source.text[start : start + 2 * body].strip()
            found = shingles(own)
            if number == count or not found or 5 * len(found & used) > len(found):
                continue  # bodies that are alike would make pairs above the threshold
            used |= found
            document_id = f"footer/{label}/{number:05d}"
            yield replace(source, id=document_id, text=f"{own}\n\n{footer}", kind="footer")
            number += 1


def write_crawl(folder: Path, documents: list[Document], shards: int) -> None:
    """The pool in shards of three formats."""
    folder.mkdir(parents=True)
    for number in range(shards):
        part = documents[number::shards]
        path = folder / f"part-{number:03d}"
        if number % 4 < 2:
            texts = pa.array([d.text for d in part], pa.large_string())
            table = pa.table({"id": [d.id for d in part], "text": texts})
            pq.write_table(table, path.with_suffix(".parquet"), compression="zstd", row_group_size=2000)
            continue
        rows = ({"id": d.id, "text": d.text} for d in part)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        if number % 4 == 2:
            path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(lines, 6, mtime=0))
        else:
            path.with_suffix(".jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))


def read_crawl(folder: Path) -> dict[str, str]:
    """Texts of a pool by id."""
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            texts.update(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
            continue
        raw = file.read_bytes()
        content = (
            gzip.decompress(raw) if file.suffix == ".gz" else zstandard.ZstdDecompressor().decompress(raw)
        )
        rows = map(json.loads, content.splitlines())  # bytes: U+2028 inside a text ends no line
        texts.update((row["id"], row["text"]) for row in rows)
    return texts


def write_training(out: Path, training: list[Document], limit: int) -> None:
    """Positive and negative documents of each domain."""
    for domain in DOMAINS:
        for name, wanted in (("positive", True), ("negative", False)):
            texts = [d.text for d in training if (d.label == domain) == wanted][:limit]
            folder = out / "train" / domain / name
            folder.mkdir(parents=True)
            pq.write_table(
                pa.table({"text": pa.array(texts, pa.large_string())}), folder / "part-000.parquet"
            )


def write_truth(file: Path, documents: list[Document]) -> None:
    columns = {field.name: [getattr(d, field.name) for d in documents] for field in TRUTH}
    pq.write_table(pa.table(columns, schema=TRUTH), file)


def write_pipelines(out: Path) -> None:
    """The two definitions, beside the pool."""
    for name, rules in PIPELINES.items():
        domain, language = name.split("-")
        text = TEMPLATE.format(name=name, domain=domain, language=language, rules=rules)
        (out / f"{name}.yaml").write_text(text, encoding="utf-8")


TEMPLATE = """\
refinery: 1
name: {name}
sources:
  crawl: {{path: "crawl/part-*"}}
stages:
  screened:
    from: crawl
    transform: [normalize]
    measure: [language, signals]
    keep:
{rules}
  relevant:
    from: screened
    measure: [{{relevance: {{model: {{file: models/{domain}}}}}}}]
    keep:
      - on_topic: "relevance >= 0.5"
  corpus:
    from: relevant
    dedup: {{exact: true, near: {{similarity: 0.8}}, prefer: ["relevance DESC"]}}
outputs:
  corpus: {{from: corpus, path: out/{name}}}
"""
PIPELINES = {
    "medical-en": """\
      - english: "lang = 'en' AND lang_score >= 0.65"
      - gopher
      - {rules: fineweb, without: [line_punct_ratio]}""",
    "legal-zh": """\
      - chinese: "lang = 'zh' AND lang_score >= 0.65"
      - zh""",
}


def overview(documents: list[Document]) -> Sheet:
    """Documents by domain and kind."""
    kinds = ("original", "exact", "near", "footer")
    labels = sorted({document.label for document in documents})
    rows: list[tuple[object, ...]] = []
    for label in labels:
        here = [document for document in documents if document.label == label]
        size = sum(len(document.text.encode()) for document in here) / 1e6
        rows.append(
            (label, len(here), round(size, 1), *(sum(d.kind == kind for d in here) for kind in kinds))
        )
    return Sheet("The pool", ("domain", "documents", "MB", *kinds), rows, tuple(_footer_notes(documents)))


def _footer_notes(documents: list[Document]) -> Iterator[str]:
    for label in DOMAINS:
        sets = [shingles(d.text) for d in documents if d.kind == "footer" and d.label == label][:40]
        values = sorted(jaccard(one, other) for one, other in combinations(sets, 2))
        if values:
            middle = values[len(values) // 2]
            yield f"{label} with a shared footer: Jaccard {middle:.3f} (median), {values[-1]:.3f} (most alike pair)"


def main() -> None:
    parser = argparse.ArgumentParser(description="Mixes a benchmark pool with planted duplicates.")
    parser.add_argument("out", type=Path, help="folder to write; must not exist")
    parser.add_argument(
        "--data", required=True, help="folder of Parquet files (id, text, label, lang or bcp47)"
    )
    parser.add_argument("--near", type=int, default=1200, help="edited copies of each domain")
    parser.add_argument("--exact", type=int, default=200, help="byte-identical copies of each domain")
    parser.add_argument(
        "--footers", type=int, default=300, help="documents of each domain that share a footer"
    )
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--limit", type=int, help="documents taken of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="also write the table as JSON")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    pool, training = split(read(options.data, options.limit), rng)
    pool += [*plant(pool, options.near, options.exact, rng), *footers(pool, options.footers, rng)]
    pool = rng.sample(pool, len(pool))
    options.out.mkdir(parents=True)
    write_crawl(options.out / "crawl", pool, options.shards)
    write_truth(options.out / "truth.parquet", pool)
    write_training(options.out, training, 3000)
    write_pipelines(options.out)
    report(f"{len(pool):,} documents in {options.out}", [overview(pool)], options.json)


if __name__ == "__main__":
    main()
