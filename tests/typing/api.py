"""Code as users write it, which is type-checked with the sources and never run: what is wrong must be found."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import assert_type

import pandas as pd
import polars as pl
import pyarrow as pa
from datasketch import MinHash

import refinery


def tables(polars: pl.DataFrame, pandas: pd.DataFrame, arrow: pa.Table, batch: pa.RecordBatch) -> None:
    """The same kind of table comes out."""
    assert_type(refinery.measure(polars, ["language", {"relevance": {"model": Path("m.bin")}}]), pl.DataFrame)
    assert_type(refinery.measure(pandas, "language", text="body"), pd.DataFrame)
    assert_type(refinery.keep(polars, ["gopher", {"long": "words >= 50"}]), pl.DataFrame)
    assert_type(refinery.derive(polars, {"a_line": "words / lines"}), pl.DataFrame)
    assert_type(refinery.decide(pandas, {"long": "words >= 50"}), pd.DataFrame)
    assert_type(refinery.dedup(polars, near={"similarity": 0.9}, prefer=["date DESC"]), pl.DataFrame)
    assert_type(refinery.duplicates(polars), pl.DataFrame)
    assert_type(refinery.transform(pandas, ["normalize"]), pd.DataFrame)
    refinery.dedup(arrow, by="pmid", missing="last")
    refinery.measure(batch, [])


def texts(lines: Iterator[str]) -> None:
    """Texts are measured and compared too."""
    refinery.measure(["one", None], "size").column("tokens")
    refinery.dedup(lines).sort_by("text")
    assert_type(refinery.minhash(["one"], num_perm=64), list[MinHash])


def batches(polars: pl.DataFrame) -> None:
    """A measurer is a function of tables."""
    measured: Callable[[pl.DataFrame], pl.DataFrame] = refinery.measurer("language")
    measured(polars)


def runs(file: Path) -> None:
    """Definitions come as paths, loaded, or built in Python."""
    pipeline = refinery.Pipeline(
        name="tiny",
        sources={"crawl": {"path": "crawl/*.parquet"}},
        stages={"unique": {"from": "crawl", "dedup": {"near": {}}}},
        outputs={"unique": {"from": "unique", "path": file}},
    )
    assert_type(refinery.load(file, roots={"data": "s3://bucket"}), refinery.Definition)
    assert_type(refinery.check(pipeline), refinery.Plan)
    assert_type(refinery.plan(str(file), work="w"), refinery.Plan)
    assert_type(refinery.results(refinery.plan(file)), pl.DataFrame)
    outputs = refinery.run(pipeline, workers=4, executor="local", progress=print)
    assert_type(outputs, dict[str, refinery.Output])
    assert_type(outputs["unique"].decisions(), pl.LazyFrame)
    assert_type(outputs["unique"].manifest.kept.documents, int)
    try:
        refinery.run(pipeline)
    except refinery.DefinitionError as error:
        assert_type(error.problems, tuple[str, ...])


def models(polars: pl.DataFrame, file: Path) -> None:
    """A model is trained on tables, texts and files."""
    card = refinery.train(polars, ["a text"], file, precision=0.95, epochs=3)
    assert_type(card.at_half.precision, float)
    refinery.train(file, [file, file], "out", text="body")


def wrong(polars: pl.DataFrame, file: Path) -> None:
    """What could not work is told by the checker."""
    refinery.measure(3, ["language"])  # type: ignore[call-overload]
    refinery.measure(polars, [3])  # type: ignore[list-item]
    refinery.measure(polars)  # type: ignore[call-overload]
    refinery.keep(3, "gopher")  # type: ignore[call-overload]
    refinery.keep(polars, 3)  # type: ignore[call-overload]
    refinery.dedup(polars, similarity=0.8)  # type: ignore[call-overload]
    refinery.dedup(polars, near=0.8)  # type: ignore[call-overload]
    refinery.train(polars, polars, file, epoch=3)  # type: ignore[call-arg]
    refinery.run(file, executor="cloud")  # type: ignore[arg-type]
    refinery.Pipeline(name="tiny")  # type: ignore[call-arg]
    refinery.mesure(polars)  # type: ignore[attr-defined]
