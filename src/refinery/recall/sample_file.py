"""The sample of recall: documents drawn of seeds and pool, with all that rounds look at, so that none reads a text.

Units write rows of the documents that are drawn; one unit puts them in order, seeds first, by the hash of (seed,
identity). A seed that is there twice, by its words, counts once; a document of the pool with the words of a seed is
the seed and no find: it is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from refinery.models.card import SourceCounts
from refinery.models.draw import Drawn
from refinery.models.train import Written
from refinery.recall.counts import COUNTS, POOL, SEEDS, SampleCounts, refuse
from refinery.recall.sample import Sample
from refinery.shuffle.records import Tables
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch
from refinery.text.features import Features, features
from refinery.text.hashing import text_hashes
from refinery.text.prepare import prepare

SAMPLE = "sample.parquet"
HEAD = 300  # characters of a text that people are shown
_FEATURES = [("buckets", pa.list_(pa.uint32())), ("counts", pa.list_(pa.uint16()))]
_ABOUT = [
    ("hash", pa.uint64()), ("source", pa.string()), ("id", pa.string()), ("host", pa.string()),
    ("language", pa.string()), ("head", pa.large_string()),
]  # fmt: skip
_ROW = pa.schema([("seed", pa.bool_()), ("text", pa.uint64()), *_ABOUT, *_FEATURES])
_BLOCK_BYTES = 32 << 20
_WRITE_ROWS = 1 << 12
READ_BYTES = 4 * _BLOCK_BYTES  # of memory of a unit that writes rows


@dataclass(frozen=True)
class SampleFile:
    """What lies in a sample's file, the seeds first: rows of _ROW without features, and what rounds work on."""

    about: pl.DataFrame
    sample: Sample


def rows_in(folder: Place, writers: int) -> Tables:
    """Where so many units write rows."""
    return Tables.create(folder, _ROW, writers=writers, block_bytes=_BLOCK_BYTES)


def write_rows(rows: Tables, drawn: Drawn) -> Written:
    """Writes what is drawn of a shard."""
    from refinery.filters.language import Settings, build

    language = build(Settings())
    found, start, size = drawn.documents(), 0, 0
    named = drawn.shard.columns(["id", "host"]).take(pa.array(found["position"]))
    with rows.writer(drawn.number) as writer:
        for texts in drawn.shard.texts(found["position"]):
            here = slice(start, start + len(texts))
            about = {
                "hash": pa.array(found["hash"][here]),
                "source": pa.repeat(pa.scalar(drawn.shard.source), len(texts)),
                **{name: named[name][here].cast(pa.string()).combine_chunks() for name in ("id", "host")},
                "language": language(texts)["lang"],
                "head": pc.utf8_slice_codeunits(texts.to_arrow(), 0, HEAD),
            }
            made = _rows(drawn.part == SEEDS, prepare(texts), about)
            writer.write(made)
            start, size = start + len(texts), size + made.nbytes
    return Written(len(found), size)


def _rows(seeds: bool, prepared: TextBatch, about: Mapping[str, pa.Array]) -> pa.Table:
    """Rows of _ROW."""
    found = features(prepared, pieces=True)
    bounds = pa.array(found.bounds.astype(np.int32))
    columns = {
        "seed": pa.repeat(pa.scalar(seeds), len(prepared)),
        "text": pa.array(text_hashes(prepared)),
        **about,
        "buckets": pa.ListArray.from_arrays(bounds, pa.array(found.buckets)),
        "counts": pa.ListArray.from_arrays(bounds, pa.array(found.counts)),
    }
    return pa.table([columns[name] for name in _ROW.names], _ROW)


def collect(
    rows: Tables, counts: tuple[SourceCounts, ...], names: Mapping[str, Sequence[str]], folder: Place
) -> Sequence[str]:
    """Writes SAMPLE and COUNTS of the rows that units wrote; names: of stages and sources by part.

    Raises DefinitionError for seeds and a pool by which nothing can be recalled.
    """
    table = pl.DataFrame(pl.from_arrow(rows.read()))
    order = table.select("seed", "hash", "text", entries=pl.col("buckets").list.len().cast(pl.Int64))
    order = order.with_row_index("row").sort(["hash", "row"])
    filled = order.filter(pl.col("entries") > 0)
    seeds = filled.filter("seed").unique("text", keep="first", maintain_order=True)
    pool = filled.filter(~pl.col("seed")).unique("hash", keep="first", maintain_order=True)
    found = pool.filter(~pl.col("text").is_in(seeds["text"].implode()))
    chosen = pl.concat([seeds, found])
    parts = {SEEDS: seeds, POOL: found}
    languages = {part: dict(Counter(table["language"][of["row"]])) for part, of in parts.items()}
    about = SampleCounts(
        drawn=counts,
        seeds=len(seeds),
        pool=len(found),
        copies=len(pool) - len(found),
        empty=len(order) - len(filled),
        entries=int(chosen["entries"].sum()),
        languages={part: dict(sorted(of.items())) for part, of in languages.items()},
    )
    refuse(about, names)
    with TableWriter(folder / SAMPLE, _ROW, scratch=True) as writer:
        for some in chosen.select("row").iter_slices(_WRITE_ROWS):
            writer.write(table[some["row"]].to_arrow().cast(_ROW))
    commit_bytes(folder / COUNTS, about.model_dump_json(indent=1).encode(), scratch=True)
    return [SAMPLE, COUNTS]


def read_sample(folder: Place) -> SampleFile:
    """A sample; raises DamagedFile."""
    table = read_table(folder / SAMPLE)
    about = pl.DataFrame(table.drop_columns([name for name, _ in _FEATURES]))
    bounds = np.zeros(table.num_rows + 1, np.int64)
    np.cumsum(pc.list_value_length(table["buckets"]).to_numpy(), out=bounds[1:])
    entries = []
    for name, _ in _FEATURES:  # one after the other, so that no more than one of them is there twice
        entries.append(np.concatenate([part.flatten().to_numpy() for part in table[name].chunks]))
        table = table.drop_columns(name)
    found = Features(bounds, *entries)
    hosts = about["host"].rank("dense").fill_null(0).cast(pl.Int32).to_numpy() - 1
    return SampleFile(about, Sample(found, about["hash"].to_numpy(), about["seed"].to_numpy(), hosts))
