"""How well each method that needs examples ranks the documents of a topic among others of the same source and style.

    python benchmarks/methods.py FILE --label WORD,WORD [--seeds 50 200] [--draws 3] [--json FILE]

FILE is Parquet with `text` and `label`, words; the topic are documents whose label has one of the words. A draw takes
seeds at random and hides the rest of the topic in the pool, all others of the source; a run makes a model of each
kind of seeds and pool and measures the pool. Average precision, means over draws.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
from harness import Sheet, report

import refinery
from refinery.models.metrics import average_precision

METHODS = {
    "relevance": "train: {positive: seeds, negative: pool, held_out: 30%}",
    "importance_per_token": "importance: {positive: seeds, raw: pool}",
    "cross_entropy_difference": "ngram: {positive: seeds, raw: pool}",
    "term_density": "terms: {positive: seeds, negative: pool}",
}
DEFINITION = """\
refinery: 1
name: methods
sources:
  seeds: {path: seeds.parquet}
  pool: {path: pool.parquet}
models:
"""


def definition() -> str:
    """A pipeline that measures the pool by all methods."""
    measurers = ("relevance", "importance", "cross_entropy", "terms")
    models = "".join(f"  {name}: {{{how}}}\n" for name, how in zip(measurers, METHODS.values(), strict=True))
    uses = ", ".join(f"{{{name}: {{model: {name}}}}}" for name in measurers)
    outputs = f"outputs: {{scored: {{from: scored, path: out, measurements: [{', '.join(METHODS)}]}}}}\n"
    return f"{DEFINITION}{models}stages:\n  scored:\n    from: pool\n    measure: [{uses}]\n{outputs}"


def draw(table: pl.DataFrame, seeds: int, number: int) -> dict[str, float]:
    """Average precision by method; table: id, text and hit."""
    chosen = np.random.default_rng(number).choice(table.filter("hit")["id"].to_numpy(), seeds, replace=False)
    is_seed = pl.col("id").is_in(chosen.tolist())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table.filter(is_seed).drop("hit").write_parquet(folder / "seeds.parquet")
        table.filter(~is_seed).drop("hit").write_parquet(folder / "pool.parquet")
        (folder / "methods.yaml").write_text(definition(), encoding="utf-8")
        refinery.run(folder / "methods.yaml")
        scored = pl.read_parquet(folder / "out" / "*.parquet").with_columns(pl.col("id").cast(pl.Int64))
    scored = scored.join(table.select("id", "hit"), "id", maintain_order="left")
    truth = scored["hit"].to_numpy()
    return {name: average_precision(scored[name].fill_null(-np.inf).to_numpy(), truth) for name in METHODS}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--label", required=True, help="words of the topic's labels, by commas")
    parser.add_argument("--source", help="of the column `source`, if the file has several")
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    wanted = options.label.split(",")
    table = pl.read_parquet(options.file)
    if options.source:
        table = table.filter(pl.col("source") == options.source)
    hit = pl.col("label").str.split(" ").list.eval(pl.element().is_in(wanted)).list.any()
    table = table.select("text", hit=hit.fill_null(value=False)).with_row_index("id")
    rows = []
    for seeds in options.seeds:
        found: dict[str, list[float]] = defaultdict(list)
        for number in range(options.draws):
            for name, value in draw(table.with_columns(pl.col("id").cast(pl.Int64)), seeds, number).items():
                found[name].append(value)
        rows += [(seeds, name, float(np.mean(one)), float(np.std(one))) for name, one in found.items()]
    columns = ("seeds", "column", "average precision", "deviation")
    report("Methods that rank by examples", [Sheet(options.label, columns, rows)], options.json)


if __name__ == "__main__":
    main()
