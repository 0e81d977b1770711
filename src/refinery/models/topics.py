"""Topics of a corpus: clusters of its documents by their words, so that a selection can be spread over them.

A sample's documents are TF-IDF rows (refinery.text.features) over the words and pairs of neighbours that most tell
documents apart: those of MOST_SHARE of the documents at most, among those in Latin letters and among the others, of
LEAST_DOCUMENTS at least, and of these the TERMS with the greatest document frequency x idf^2. Spherical k-means makes
the clusters (refinery.models.spherical); a document belongs to that of the nearest center.

The file is an .npz of `format`, int64 [version, bits, most words of a document], `buckets`, uint32 (terms,),
`inverse`, float32 (terms,), idf by term, and `centers`, float32 (terms, clusters). It is read without pickle.
`card.md` has the topics with their terms for people, `topics.json` the same for programs.
"""

from __future__ import annotations

import io
import json
import mmap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.definition.trainings import TopicTraining
from refinery.errors import DefinitionError
from refinery.models.draw import Drawn
from refinery.models.model_file import read_once
from refinery.models.npz import Form
from refinery.models.spherical import Rows, cluster
from refinery.models.topic_names import name_topics
from refinery.shuffle.records import Tables
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.text.batch import TextBatch
from refinery.text.features import BITS, MOST_BITS, Features, features, frequencies, inverse_of_counts, weigh
from refinery.text.prepare import prepare

MODEL, CARD, TOPICS = "model.npz", "card.md", "topics.json"
FORMAT = 1  # raised when words, hashes or weighting change
MOST_WORDS = 1024  # of a document: what it is about it says early
TERMS = 8192
MOST_SHARE, LEAST_DOCUMENTS = 0.5, 3
READ_BYTES = 128 << 20  # of memory that `write_texts` takes
_EXAMPLE = pa.schema([("hash", pa.uint64()), ("text", pa.large_string())])
_BLOCK_BYTES = 32 << 20
_ROOM, _COPIES = 256 << 20, 8  # of memory: at least, and times the texts of the sample
_FORM = Form(
    kind="a topic model",
    version=FORMAT,
    numbers=3,
    arrays=("buckets", "inverse", "centers"),
    most_bytes=1 << 27,
    hint="make one with `models: {NAME: {topics: {from: STAGE}}}`",
)


@dataclass(frozen=True)
class TopicModel:
    """buckets: uint32 (terms,); inverse: float32 (terms,); centers: float32 (terms, clusters)."""

    buckets: NDArray[np.uint32]
    inverse: NDArray[np.float32]
    centers: NDArray[np.float32]
    bits: int = BITS
    most_words: int = MOST_WORDS

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """By bucket its idf, 0 where it is no term, and its row among the centers, -1 where it is none."""
        inverse, terms = np.zeros(1 << self.bits, np.float32), np.full(1 << self.bits, -1, np.int32)
        inverse[self.buckets], terms[self.buckets] = self.inverse, np.arange(len(self.buckets))
        return inverse, terms

    def rows(self, found: Features) -> Rows:
        """Features as rows of length 1 over the terms."""
        inverse, terms = self._tables
        return Rows(found, weigh(found, inverse), terms)

    def assign(self, prepared: TextBatch) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The topic of texts that `refinery.text.prepare.prepare` has made, and the cosine with its center.

        -1 and 0 for a text without a term.
        """
        return self.rows(features(prepared, self.bits, self.most_words)).nearest(self.centers)

    def content(self) -> bytes:
        """The model's file."""
        file = io.BytesIO()
        version = np.array([FORMAT, self.bits, self.most_words], np.int64)
        np.savez(file, format=version, buckets=self.buckets, inverse=self.inverse, centers=self.centers)
        return file.getvalue()


def texts_in(folder: Place, writers: int) -> Tables:
    """Where so many units write what is drawn."""
    return Tables.create(folder, _EXAMPLE, writers=writers, block_bytes=_BLOCK_BYTES)


def write_texts(texts: Tables, drawn: Drawn) -> int:
    """Writes what is drawn of a shard, prepared; gives the bytes."""
    size = 0
    with texts.writer(drawn.number) as writer:
        for hashes, batch in drawn.texts():
            column = prepare(batch).to_arrow()
            writer.write(pa.Table.from_arrays([pa.array(hashes), column], schema=_EXAMPLE))
            size += column.nbytes
    return size


def fit_bytes(training: TopicTraining, texts: int) -> int:
    """Of memory that `fit_texts` takes, about; texts: bytes of them."""
    return _ROOM + _COPIES * texts + 16 * TERMS * training.clusters


def fit_texts(texts: Tables, training: TopicTraining, target: Place) -> tuple[str, ...]:
    """Makes the topics of what units wrote; gives the names of the files in `target`. Raises as `fit` does."""
    table = texts.read().sort_by("hash").combine_chunks()
    different = np.unique(table.column("hash").to_numpy(), return_index=True)[1]
    prepared = TextBatch.from_arrow(table.column("text").take(pa.array(different)).combine_chunks())
    model, counts, names = fit(prepared, training)
    commit_bytes(target / MODEL, model.content(), scratch=True)
    topics = [
        {"topic": number, "documents": count, "share": round(count / len(prepared), 6), "terms": terms}
        for number, (count, terms) in enumerate(zip(counts, names, strict=True))
    ]
    content = json.dumps(topics, ensure_ascii=False, indent=1) + "\n"
    commit_bytes(target / TOPICS, content.encode(), scratch=True)
    commit_bytes(target / CARD, render(counts, names, len(prepared), training).encode(), scratch=True)
    return MODEL, TOPICS, CARD


def fit(prepared: TextBatch, training: TopicTraining) -> tuple[TopicModel, list[int], list[list[str]]]:
    """The topics of prepared texts, how many of them are of each, and its terms, the most telling first.

    Raises DefinitionError for fewer texts with terms than clusters.
    """
    if len(prepared) < (needed := max(training.clusters, LEAST_DOCUMENTS)):
        raise DefinitionError(
            f"{training.clusters:,} topics need at least {needed:,} different documents, {len(prepared):,} are "
            "there: give fewer `clusters`, or more documents"
        )
    found = features(prepared, BITS, MOST_WORDS)
    model = TopicModel(*_terms(found, _is_latin(prepared)), np.empty((0, 0), np.float32))
    rows = model.rows(found)
    centers = cluster(rows, len(model.buckets), training.clusters, training.seed)
    if centers.shape[1] < training.clusters:
        raise DefinitionError(
            f"{training.clusters:,} topics of {len(prepared):,} documents: only {centers.shape[1]:,} differ in words "
            f"that {LEAST_DOCUMENTS} of them have; give fewer `clusters`, or more documents"
        )
    model = TopicModel(model.buckets, model.inverse, centers)
    topics, _ = model.rows(found).nearest(centers)
    counts = np.bincount(topics[topics >= 0], minlength=training.clusters).tolist()
    weights = centers * model.inverse[:, None]  # what is rare says most
    return model, counts, name_topics(prepared, model.buckets, weights, BITS, MOST_WORDS)


def _is_latin(prepared: TextBatch) -> NDArray[np.bool_]:
    """Which texts are mostly ASCII."""
    others = np.concatenate([[0], np.cumsum(prepared.data >= 128)])
    found: NDArray[np.bool_] = 2 * np.diff(others[prepared.offsets]) <= np.diff(prepared.offsets)
    return found


def _terms(found: Features, is_latin: NDArray[np.bool_]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """The buckets that are terms, ascending, and their idf."""
    having = frequencies(found)
    inverse = inverse_of_counts(having, len(found))
    worth = having * inverse.astype(np.float64) ** 2
    worth[having < LEAST_DOCUMENTS] = 0
    latin = frequencies(found.take(np.flatnonzero(is_latin)))
    for often, documents in ((latin, is_latin.sum()), (having - latin, (~is_latin).sum())):
        worth[often > max(MOST_SHARE * documents, LEAST_DOCUMENTS)] = 0
    best = np.argsort(-worth, kind="stable")[:TERMS]
    chosen = np.sort(best[worth[best] > 0]).astype(np.uint32)
    return chosen, inverse[chosen]


def render(counts: list[int], names: list[list[str]], documents: int, training: TopicTraining) -> str:
    """The topics as Markdown."""
    from refinery.watch.printable import markdown_code

    rows = (
        f"| {number} | {count:,} | {count / documents:.1%} | {', '.join(map(markdown_code, terms))} |"
        for number, (count, terms) in enumerate(zip(counts, names, strict=True))
    )
    head = [
        "# Topics",
        "",
        f"{len(counts):,} clusters of {documents:,} documents of {', '.join(map(markdown_code, training.from_))} by "
        "their words (spherical k-means over TF-IDF). The column `topic` has the number.",
        "",
        "| topic | documents | share | terms |",
        "| ---: | ---: | ---: | --- |",
    ]
    return "\n".join([*head, *rows, ""])


def load_topics(path: Path, expected: str | None = None) -> TopicModel:
    """The model at `path`, read once a process; raises InputError, see model_file.read_once."""
    return read_once("topics", path, lambda content, _: _parse(content, str(path)), expected)


def _parse(content: bytes | mmap.mmap, place: str) -> TopicModel:
    (bits, most_words), (buckets, inverse, centers) = _FORM.read(content, place)
    good = 0 < bits <= MOST_BITS and 0 < most_words <= 8 * 4096 and buckets.dtype == np.uint32
    good = (
        good and inverse.dtype == centers.dtype == np.float32 and centers.ndim == 2 and centers.shape[1] > 0
    )
    good = good and buckets.shape == inverse.shape == centers.shape[:1]
    if not good or not (
        np.isfinite(inverse).all() and np.isfinite(centers).all() and (buckets < 1 << bits).all()
    ):
        raise _FORM.broken(place, "centers are not finite numbers of terms")
    return TopicModel(buckets, inverse, centers, bits, most_words)
