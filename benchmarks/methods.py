"""How well each method that needs examples ranks the documents of a topic among others of the same source and style.

    python benchmarks/methods.py FILE --label WORD,WORD [--seeds 50 200] [--draws 3] [--repeats 5] [--json FILE]

FILE is Parquet with `text` and `label`, words; the topic are documents whose label has one of the words. A draw takes
seeds at random and hides the rest of the topic in the pool, all others of the source; a run makes a model of each
kind of seeds and pool and measures the pool. Average precision, means over draws; then the speed of each on a core,
with the models of the last draw, beside that of the signals.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
from harness import Sheet, Spread, pin_to_one_core, report

import refinery
from refinery.models.metrics import average_precision

METHODS = (
    "relevance",
    "recalled",
    "importance_per_token",
    "cross_entropy_difference",
    "term_density",
    "nearest",
)
SIGNALS = "words"  # a column of theirs
FILE = "methods.yaml"
DEFINITION = f"""\
refinery: 1
name: methods
sources:
  seeds: {{path: seeds.parquet}}
  pool: {{path: pool.parquet}}
models:
  fasttext: {{train: {{positive: seeds, negative: pool, held_out: 30%}}}}
  recalled: {{recall: {{seeds: seeds, pool: pool}}}}
  resampling: {{importance: {{positive: seeds, raw: pool}}}}
  grams: {{ngram: {{positive: seeds, raw: pool}}}}
  lexicon: {{terms: {{positive: seeds, negative: pool}}}}
  like: {{nearest: {{positive: seeds, raw: pool}}}}
stages:
  scored:
    from: pool
    measure:
      - signals
      - relevance: {{model: fasttext}}
      - relevance: {{model: recalled, as: recalled}}
      - importance: {{model: resampling}}
      - cross_entropy: {{model: grams}}
      - terms: {{model: lexicon}}
      - nearest: {{model: like}}
outputs:
  scored: {{from: scored, path: out, measurements: [{", ".join(METHODS)}]}}
"""


def draw(table: pl.DataFrame, seeds: int, number: int, folder: Path) -> dict[str, float]:
    """Average precision by method, of a run in a folder; table: id, text and hit."""
    chosen = np.random.default_rng(number).choice(table.filter("hit")["id"].to_numpy(), seeds, replace=False)
    is_seed = pl.col("id").is_in(chosen.tolist())
    folder.mkdir()
    table.filter(is_seed).drop("hit").write_parquet(folder / "seeds.parquet")
    table.filter(~is_seed).drop("hit").write_parquet(folder / "pool.parquet")
    (folder / FILE).write_text(DEFINITION, encoding="utf-8")
    refinery.run(folder / FILE)
    scored = pl.read_parquet(folder / "out" / "*.parquet").with_columns(pl.col("id").cast(pl.Int64))
    scored = scored.join(table.select("id", "hit"), "id", maintain_order="left")
    truth = scored["hit"].to_numpy()
    return {name: average_precision(scored[name].fill_null(-np.inf).to_numpy(), truth) for name in METHODS}


def speeds(folder: Path, repeats: int) -> Sheet:
    """What `refinery compare` times, of the scores of a run and of its signals."""
    columns = (SIGNALS, *METHODS)
    found = [refinery.compare(columns=columns, run=folder / FILE).speeds for _ in range(repeats)]
    rows = []
    for name in columns:
        of_signals = Spread.of([one[name] / one[SIGNALS] for one in found])
        rows.append((name, Spread.of([one[name] / 1e6 for one in found]), of_signals))
    note = f"median (lowest … highest) of {repeats}, each beside the signals' of the same call"
    return Sheet("Speed on a core", ("column", "MB/s", "of the signals'"), rows, (note,))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--label", required=True, help="words of the topic's labels, by commas")
    parser.add_argument("--source", help="of the column `source`, if the file has several")
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="of what is timed")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    pin_to_one_core()
    wanted = options.label.split(",")
    table = pl.read_parquet(options.file)
    if options.source:
        table = table.filter(pl.col("source") == options.source)
    hit = pl.col("label").str.split(" ").list.eval(pl.element().is_in(wanted)).list.any()
    table = table.select("text", hit=hit.fill_null(value=False)).with_row_index("id")
    table = table.with_columns(pl.col("id").cast(pl.Int64))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for seeds in options.seeds:
            found: dict[str, list[float]] = defaultdict(list)
            for number in range(options.draws):
                folder = Path(name, f"{seeds}-{number}")
                for column, value in draw(table, seeds, number, folder).items():
                    found[column].append(value)
            rows += [
                (seeds, column, float(np.mean(one)), float(np.std(one))) for column, one in found.items()
            ]
        timed = speeds(folder, options.repeats)
    ranked = Sheet(options.label, ("seeds", "column", "average precision", "deviation"), rows)
    report("Methods that rank by examples", [ranked, timed], options.json)


if __name__ == "__main__":
    main()
