"""refinery's side of every comparison: its measurers by name, over batches cut by bytes as a run cuts them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jobs import Job, Options

from refinery.filters.measurer import Measurer
from refinery.text.batch import TextBatch

BATCH_BYTES = 8 << 20
FUSED = "fused"
DEFINITION = """\
refinery: 1
name: benchmark
sources:
  crawl: {{path: {path}}}
stages:
  corpus:
    from: crawl
    measure: [language, signals, {{relevance: {{model: {{file: {model}}}}}}}]
    dedup: {{exact: true, near: {{similarity: 0.8, num_perm: 112}}}}
outputs:
  corpus: {{from: corpus, path: out}}
"""


def definition(folder: Path, source: str, relevance_model: str) -> Path:
    """Writes the pipeline that every benchmark measures with: all that medical-en needs of every document."""
    file = folder / "benchmark.yaml"
    content = DEFINITION.format(path=json.dumps(source), model=json.dumps(relevance_model))
    file.write_text(content, encoding="utf-8")
    return file


def measurers(relevance_model: str) -> dict[str, Measurer]:
    """The measurers of that pipeline's one pass, by name, as a plan makes them."""
    from refinery.definition.load import load
    from refinery.plan.resolve import resolve

    with tempfile.TemporaryDirectory() as folder:
        graph = resolve(load(definition(Path(folder), "crawl/*.parquet", relevance_model)))
    return {measurement.measurer.name: measurement.measurer for measurement in graph.measurements("crawl")}


def batches(text: pa.Array) -> list[TextBatch]:
    """The documents in runs of about BATCH_BYTES."""
    whole = TextBatch.from_arrow(text)
    found: list[TextBatch] = []
    low, last = 0, len(whole)
    while low < last:
        high = int(np.searchsorted(whole.offsets, whole.offsets[low] + BATCH_BYTES, "right")) - 1
        high = min(max(high, low + 1), last)
        found.append(TextBatch(whole.data, whole.offsets[low : high + 1]))
        low = high
    return found


def measure(measurers: Sequence[Measurer], parts: Sequence[TextBatch]) -> list[list[pa.RecordBatch]]:
    """All measurers on each batch in turn, which is what the measure pass does with text in memory."""
    return [[one(part) for one in measurers] for part in parts]


def table(measurers: Sequence[Measurer], parts: Sequence[TextBatch]) -> pa.Table:
    """All columns side by side, one row a document."""
    columns: dict[str, list[pa.Array]] = {}
    for found in measure(measurers, parts):
        for batch in found:
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                columns.setdefault(name, []).append(column)
    return pa.table({name: pa.chunked_array(chunks) for name, chunks in columns.items()})


def rule_verdicts(text: pa.Array, rule_set: str, options: Options) -> list[Any]:
    """[kept, first rule that failed] of every document, for one rule set, whatever its language scope."""
    import polars as pl

    from refinery.filters import rules

    chosen = rules.resolve_rules([rule_set], measured=())
    frame = pl.from_arrow(table([measurers(options["relevance_model"])["signals"]], batches(text)))
    assert isinstance(frame, pl.DataFrame)
    failed = rules.evaluate(frame, chosen)["first_failed"]
    return [
        [index is None, "" if index is None else chosen[index].name.partition(".")[2]] for index in failed
    ]


def language_verdicts(text: pa.Array, options: Options) -> list[Any]:
    """[kept, label and score] of the rule lang = 'en' AND lang_score >= 0.65."""
    found = table([measurers(options["relevance_model"])["language"]], batches(text))
    pairs = zip(found["lang"].to_pylist(), found["lang_score"].to_pylist(), strict=True)
    return [[lang == "en" and score >= 0.65, f"{lang} {score:.2f}"] for lang, score in pairs]


def make_job(name: str, text: pa.Array, options: Options) -> Job:
    """A measurer by name, `fused`, `hashes` (signatures of ready shingle hashes) or `rules:SET` (decisions only)."""
    if name == "hashes":
        return _signatures(text, options)
    if name == "rules:language":
        return Job(lambda _: None, decide=lambda: language_verdicts(text, options))
    if name.startswith("rules:"):
        return Job(lambda _: None, decide=lambda: rule_verdicts(text, name.removeprefix("rules:"), options))
    parts = batches(text)
    every = measurers(options["relevance_model"])
    chosen = list(every.values()) if name == FUSED else [every[name]]

    def decide() -> list[Any]:
        return [list(row.values()) for row in table(chosen, parts).to_pylist()]

    return Job(lambda _: measure(chosen, parts), decide=decide)


def _signatures(hashes: pa.Array, options: Options) -> Job:
    from refinery.text.minhash import signatures_of_hashes

    values, bounds = hashes.values.to_numpy(), hashes.offsets.to_numpy()
    num_perm, seed = options["num_perm"], options["seed"]
    return Job(
        lambda _: signatures_of_hashes(values, bounds, num_perm, seed),
        decide=lambda: signatures_of_hashes(values, bounds, num_perm, seed).tolist(),
    )
