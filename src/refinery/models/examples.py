"""Examples to train and to judge a model on: read, freed of repeats, split without near-duplicates across."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from refinery.models.style import STYLE, style
from refinery.text.batch import TextBatch
from refinery.text.minhash import band_keys, signatures_of_hashes
from refinery.text.prepare import prepare
from refinery.text.shingles import shingle_sets
from refinery.text.similarity import flatten, unite_near

# Jaccard of shingles from which on two examples stay on one side: far below what dedup removes.
SIMILARITY = 0.5
_BANDS, _ROWS = 16, 2  # finds a pair of Jaccard 0.5 with probability 1 - (1 - 0.5**2)**16 = 0.99
# Candidates of one bucket compared with each example, so that a shared footer costs linear work.
_NEIGHBOURS = 20


# source: where a document is from; style: see models.style
EXAMPLE = pa.schema(
    [
        ("text", pa.large_string()),
        ("positive", pa.bool_()),
        ("source", pa.string()),
        ("style", pa.list_(pa.float32(), len(STYLE))),
    ]
)
Sourced = Iterable[tuple[str, TextBatch]]  # documents as they are read, and where they are from


@dataclass(frozen=True)
class Examples:
    """Prepared texts, whether each is positive, where it is from, and what was dropped on the way.

    source: number of each in `sources`, int64; style: float32 (texts, STYLE); read: documents of the negative and of
    the positive class; contradictory: texts found in both.
    """

    texts: TextBatch
    positive: NDArray[np.bool_]
    source: NDArray[np.int64]
    sources: tuple[str, ...]
    style: NDArray[np.float32]
    read: tuple[int, int]
    contradictory: int

    def take(self, chosen: NDArray[np.bool_]) -> Examples:
        """Those that are chosen, of the same sources."""
        texts = TextBatch.from_arrow(self.texts.to_arrow().filter(pa.array(chosen)))
        part = self.positive[chosen], self.source[chosen], self.style[chosen]
        return replace(self, texts=texts, positive=part[0], source=part[1], style=part[2])

    def texts_of(self, positive: bool) -> TextBatch:
        """The texts of a class."""
        return self.take(self.positive == positive).texts


def example_columns(texts: TextBatch, positive: bool, source: str) -> list[pa.Array]:
    """Columns of EXAMPLE of documents as they are read."""
    styles = pa.FixedSizeListArray.from_arrays(style(texts).ravel(), len(STYLE))
    labels = (pa.repeat(pa.scalar(value), len(texts)) for value in (positive, source))
    return [prepare(texts).to_arrow(), *labels, styles]


def read_texts(paths: Sequence[str | Path], text: str) -> Iterator[TextBatch]:
    """The text column of Parquet or JSON Lines files, folders, globs or URLs, batch by batch, as read."""
    from refinery.sources.documents import SourceSpec
    from refinery.sources.read import read_documents
    from refinery.sources.shards import list_shards

    places = tuple(str(path) if "://" in str(path) else str(Path(path).absolute()) for path in paths)
    spec = SourceSpec("examples", places, text=text, on_error="fail")
    for shard in list_shards(spec).shards:
        for documents in read_documents(shard, spec):
            yield TextBatch.from_arrow(documents.text)


def read_sourced(paths: Sequence[str | Path], text: str) -> Iterator[tuple[str, TextBatch]]:
    """As `read_texts`, each path being a source."""
    for path in paths:
        for batch in read_texts([path], text):
            yield str(path), batch


def read_examples(positive: Sequence[str | Path], negative: Sequence[str | Path], text: str) -> Examples:
    """Reads and prepares both classes of files; drops what `choose_examples` drops."""
    return prepare_examples(read_sourced(positive, text), read_sourced(negative, text))


def prepare_examples(positive: Sourced, negative: Sourced) -> Examples:
    """Prepares both classes; drops what `choose_examples` drops."""
    tables = [EXAMPLE.empty_table()]
    for wanted, batches in ((True, positive), (False, negative)):
        tables += [
            pa.Table.from_arrays(example_columns(batch, wanted, source), schema=EXAMPLE)
            for source, batch in batches
        ]
    return choose_examples(pl.DataFrame(pl.from_arrow(pa.concat_tables(tables))))


def choose_examples(prepared: pl.DataFrame) -> Examples:
    """Of EXAMPLE the first of each text; no empty ones, and none that both classes have."""
    read = int((~prepared["positive"]).sum()), int(prepared["positive"].sum())
    named = prepared.filter(pl.col("text") != "").group_by("text", maintain_order=True)
    found = named.agg(
        pl.first("source", "style"), positive=pl.col("positive").any(), both=pl.col("positive").n_unique() > 1
    )
    kept = found.filter(~pl.col("both"))
    sources = sorted(kept["source"].unique())
    number = kept["source"].replace_strict(sources, range(len(sources)), return_dtype=pl.Int64)
    return Examples(
        texts=TextBatch.from_arrow(kept["text"].to_arrow().cast(pa.large_string())),
        positive=kept["positive"].to_numpy(),
        source=number.to_numpy(),
        sources=tuple(sources),
        style=kept["style"].to_numpy().reshape(len(kept), len(STYLE)),
        read=read,
        contradictory=len(found) - len(kept),
    )


def near_groups(texts: TextBatch) -> NDArray[np.int64]:
    """A number for each text, equal for near-duplicates and whatever a chain of them connects.

    Candidates by MinHash bands of shingles (5 words or 8 characters), settled by the exact Jaccard similarity.
    """
    hashes, bounds = shingle_sets(texts, 5, 8)
    signatures = signatures_of_hashes(hashes.astype(np.uint32), bounds, _BANDS * _ROWS, seed=1)
    signatures.flags.writeable = False
    keys = band_keys(signatures, np.arange(_BANDS) * _ROWS, _ROWS)
    parent = np.arange(len(texts), dtype=np.int64)
    documents = np.flatnonzero(np.diff(bounds))  # those that have a shingle
    for band in range(_BANDS):
        order = documents[np.argsort(keys[documents, band], kind="stable")]
        unite_near(parent, order, keys[order, band], hashes, bounds, SIMILARITY, _NEIGHBOURS)
    flatten(parent)
    return parent


def hold_out(
    groups: NDArray[np.int64], positive: NDArray[np.bool_], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which examples are held out: whole groups, in a seeded order, until each class has its share."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    needed = np.stack(
        [np.bincount(group[positive == kind], minlength=len(first)) for kind in (False, True)], 1
    )
    appearing = np.argsort(first)  # groups in the order of their first examples
    order = appearing[np.random.default_rng(seed).permutation(len(first))]
    room = np.array([share * float(np.sum(positive == kind)) for kind in (False, True)])
    held = np.zeros(len(first), np.bool_)
    take_groups(order, needed, room, held)
    return held[group]


@njit(cache=True, nogil=True)
def take_groups(order, needed, room, held):  # type: ignore[no-untyped-def]
    """Holds groups out in this order, int64 (groups,), each that has room: its examples of both classes fit.

    needed: int64 (groups, 2), examples by class; room: float64 (2,), what is left; held: bool (groups,), written.
    """
    for group in order:
        if needed[group, 0] <= room[0] and needed[group, 1] <= room[1]:
            held[group] = True
            room[0] -= needed[group, 0]
            room[1] -= needed[group, 1]
