"""The ensemble of several scores, from one definition."""

from pathlib import Path

import polars as pl

from refinery.executors.local import InProcess, ProcessPool
from refinery.run.run import execute
from refinery.watch.events import CacheChecked, Event
from tests.conftest import output_hashes, write_parquet
from tests.models.domains import MEDICAL, OTHER, documents
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: tiny
sources:
  seeds: {path: seeds.parquet}
  crawl: {path: "crawl/*.parquet"}
models:
  words: {importance: {positive: seeds, raw: crawl}}
  scores: {quantiles: {from: scored, columns: [importance, shortness], buckets: 10}}
stages:
  scored:
    from: crawl
    measure: [{importance: {model: words}}]
    derive: {shortness: "0 - bytes"}
    keep: [some: "bytes > 30"]
  best:
    from: scored
    derive: {best: "greatest(quantile_of('scores', importance), quantile_of('scores', shortness))"}
    keep: [top: "best >= 8 AND quantile_of('scores', importance) > 2"]
outputs:
  best: {from: best, path: out, measurements: [importance, shortness, best]}
  all: {from: scored, path: all, measurements: [importance, shortness]}
"""


def run(folder: Path, workers: int = 1) -> set[str]:
    """Runs the definition; gives what was not there."""
    made: set[str] = set()

    def listen(event: Event) -> None:
        if isinstance(event, CacheChecked) and event.missing:
            made.add(f"{event.of.name} {event.result}")

    execute(plan_of(folder / "pipeline.yaml"), ProcessPool(workers) if workers > 1 else InProcess(), listen)
    return made


def repository(folder: Path) -> Path:
    (folder / "crawl").mkdir(parents=True)
    texts = {"seeds": documents(MEDICAL, 40, 1), "crawl/a": documents(OTHER, 120, 2)}
    texts["crawl/b"] = [*documents(MEDICAL, 30, 3), "too short"]
    for name, found in texts.items():
        rows = [{"id": f"{name}-{n}", "text": text} for n, text in enumerate(found)]
        write_parquet(folder / f"{name}.parquet", rows)
    (folder / "pipeline.yaml").write_text(DEFINITION)
    return folder


def test_the_greatest_bucket_of_scores_decides(tmp_path: Path) -> None:
    """As counted by hand of what the stage keeps; the same bytes with more workers; a run again has nothing to do."""
    folder = repository(tmp_path / "a")
    run(folder)
    every = pl.read_parquet(folder / "all/data-*.parquet")
    places = [
        (every[name].rank("min").cast(pl.Int64) - 1) * 10 // len(every)
        for name in ("importance", "shortness")
    ]
    expected = every.with_columns(best=pl.max_horizontal(places), on_topic=places[0])
    expected = expected.filter(pl.col("best") >= 8, pl.col("on_topic") > 2)
    found = pl.read_parquet(folder / "out/data-*.parquet")
    assert 0 < len(found) < len(every) == 150
    assert dict(zip(found["id"], found["best"], strict=True)) == dict(
        zip(expected["id"], expected["best"], strict=True)
    )
    assert run(folder) == set()
    run(other := repository(tmp_path / "b"), workers=2)
    assert output_hashes(folder / "out") == output_hashes(other / "out")
