"""Corpora for the dedup tests: texts in shards, measured and deduplicated in this process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from refinery.dedup.content import Content
from refinery.dedup.corpus import Corpus, DedupShard
from refinery.dedup.minhash import MinHash
from refinery.dedup.outcomes import NEAR
from refinery.dedup.run import dedup
from refinery.dedup.settings import Near, Settings
from refinery.filters.ranking import rank_keys
from refinery.filters.verb import DROPPED_RECORD, Outcome
from refinery.shuffle import partition
from refinery.storage.write import write_table
from refinery.text.batch import TextBatch
from refinery.text.shingles import shingle_sets

Place = tuple[int, int]  # shard, row


@dataclass(frozen=True)
class Kept:
    """What a document was removed for."""

    place: Place
    near: bool
    similarity: float


def near(similarity: float = 0.8, **settings: int) -> Near:
    return Near.model_validate({"similarity": similarity, **settings})


def numbered(
    folder: Path | None, documents: int, size: int, *, earlier: int = 0, preferences: tuple[str, ...] = ()
) -> Corpus:
    """So many documents, `size` a partition."""
    return Corpus(folder, documents, earlier, preferences, 112, size, 1000)


SETTINGS = Settings(exact=True, near=near())


@dataclass(frozen=True)
class Documents:
    """A shard's documents, of which all arrive; their texts are a column of a Parquet file."""

    path: Path | None
    rows: int
    earlier: bool = False
    source: str = "source"

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def arrived(self) -> int:
        return self.rows

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size

    def arrives(self) -> np.ndarray:
        return np.ones(self.rows, np.bool_)

    def texts(self, rows: np.ndarray) -> Iterator[TextBatch]:
        """Three at a time."""
        texts = pq.read_table(self.path, columns=["text"]).column(0).combine_chunks().cast(pa.large_string())
        for start in range(0, len(rows), 3):
            yield TextBatch.from_arrow(texts.take(pa.array(rows[start : start + 3])))


def write_entries(
    path: Path, columns: dict[str, Any], *, earlier: bool = False, source: str = "source", **options: int
) -> DedupShard:
    """A shard whose entries and texts are these columns, `prefer_` ones as numbers of which the least is best."""
    count = len(next(iter(columns.values())))
    columns = {"arrives": pa.array([True] * count, pa.bool_())} | columns
    for name in columns:
        if name.startswith("prefer_"):
            numbers = pa.chunked_array([pa.array(columns[name], pa.float64())])
            columns[name] = rank_keys(numbers, descending=False, missing="last")[:, 0]
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    write_table(path, table.to_batches(), table.schema, **options)
    return DedupShard(Documents(path, count, earlier, source), path)


def in_order(_name, function, units, **_) -> list[Any]:
    return [function(unit) for unit in units]


def backwards(_name, function, units, **_) -> list[Any]:
    return [function(unit) for unit in reversed(units)][::-1]


def write_shard(
    path: Path,
    texts: Sequence[str | None],
    prefer: Sequence[Sequence[float | None]] = (),
    *,
    earlier: bool = False,
    source: str = "source",
    num_perm: int = 112,
) -> DedupShard:
    """Measures texts and writes them as a shard's entries."""
    batch = TextBatch.from_arrow(pa.array(texts, pa.large_string()))
    columns = {"text": pa.array(texts, pa.large_string()), "content": Content()(batch).column("content")}
    columns["signature"] = MinHash(num_perm=num_perm)(batch).column("signature")
    for number, values in enumerate(prefer):
        columns[f"prefer_{number}"] = values
    return write_entries(path, columns, earlier=earlier, source=source)


def run(
    folder: Path, shards: Sequence[DedupShard], settings: Settings = SETTINGS, map_units=in_order
) -> dict[Place, Kept]:
    """Every removed document and the kept one recorded for it, after checking what holds for every run."""
    result = dedup(shards, settings, map_units=map_units, work=folder / "work")
    removed = removed_of(result, shards)
    assert not any(kept.place in removed for kept in removed.values()), "a kept document was removed itself"
    assert not any(shards[shard].documents.earlier for shard, _ in removed), (
        "one of an earlier corpus was removed"
    )
    return removed


def records_of(result: Outcome) -> np.ndarray:
    """The records of all removed documents, ascending."""
    size, found = result.partition_documents, [np.empty(0, DROPPED_RECORD)]
    for number in range(result.dropped.partitions):
        found.append(result.dropped.read(number))
        assert (found[-1]["document"] // size == number).all()
    records = np.concatenate(found)
    assert (np.diff(records["document"]) > 0).all(), "a document is removed once"
    return records


def removed_of(result: Outcome, shards: Sequence[DedupShard]) -> dict[Place, Kept]:
    """Every removed document and its kept one, by shard and row."""
    starts = np.cumsum([0, *(shard.documents.rows for shard in shards)])

    def place(document: int) -> Place:
        here = int(np.searchsorted(starts, document, "right")) - 1
        return here, document - int(starts[here])

    return {
        place(document): Kept(place(kept), rule == NEAR, similarity)
        for document, rule, kept, similarity in records_of(result).tolist()
    }


def of_texts(folder: Path, texts: Sequence[str | None], settings: Settings = SETTINGS) -> dict[int, Kept]:
    """One shard: removed rows and their kept ones."""
    shards = [write_shard(folder / "0.parquet", texts)]
    return {row: kept for (_, row), kept in run(folder, shards, settings).items()}


def jaccard(one: str, other: str) -> float:
    """Exact Jaccard similarity of the shingles of two texts."""
    sets = [set(shingle_sets(TextBatch.from_texts([text]), 5, 8)[0].tolist()) for text in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def words(count: int, seed: int) -> list[str]:
    """Random words of a large vocabulary, so that no two documents share a shingle by chance."""
    return [f"w{number}" for number in np.random.default_rng(seed).integers(0, 10**9, count)]


def pair(similarity: float, seed: int, shingles: int = 200) -> tuple[str, str]:
    """Two texts of about `shingles` shingles each whose sets have about this Jaccard similarity.

    Their first part is the same; with c shared shingles of n each, J = c / (2n - c).
    """
    shared = round(2 * shingles * similarity / (1 + similarity))
    common, one, other = (
        words(shared + 4, seed),
        words(shingles - shared, seed + 1),
        words(shingles - shared, seed + 2),
    )
    return " ".join(common + one), " ".join(common + other)


def set_partitions(monkeypatch, size: int) -> None:
    """Partitions of this size in bytes, whatever the corpus."""
    monkeypatch.setattr(partition, "LEAST_BYTES", size)
    monkeypatch.setattr(partition, "MOST_BYTES", size)
