"""`refinery find`: is this in the corpus? The documents of an output that are like a text, found by their signatures.

The first look-up reads the output once and keeps what it measured in an index: a file beside the output (never in
it), or Redis. The documents that the index proposes are read again and compared by their text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.corpus import as_matrix
from refinery.dedup.lookup import Index, redis_storage, sign
from refinery.report.output_index import (
    Corpus,
    Note,
    fill,
    keys_of,
    open_corpus,
    place_of_key,
    signed_documents,
)
from refinery.report.questions import Question
from refinery.run.layout import LINEAGE
from refinery.sources.read import read_documents
from refinery.storage.place import Place
from refinery.storage.url import redact
from refinery.text.batch import TextBatch
from refinery.text.similarity import jaccard

SHARED = pa.schema([("lineage", LINEAGE)])


@dataclass(frozen=True)
class Match:
    """A document of the output that is like a text.

    exact: their words are the same; similarity: Jaccard of their shingles; estimate: the same by their signatures.
    """

    id: Any
    lineage: dict[str, Any]
    exact: bool
    similarity: float
    estimate: float


@dataclass(frozen=True)
class Answer:
    """The documents that are like a question, the most similar first; near: whether near copies were looked for."""

    question: Question
    near: bool
    matches: tuple[Match, ...]


def find(
    output: Place, questions: Sequence[Question], threshold: float, index: Place | str | None, note: Note
) -> list[Answer]:
    """What of an output is like the questions: of the same words, or with a similarity at the threshold or above.

    index: a file, a Redis URL, or None for `OUTPUT.index`. Raises InputError for what is no finished output.
    """
    corpus = open_corpus(output)
    signed = sign(TextBatch.from_texts([question.text for question in questions]), corpus.minhash)
    if isinstance(index, str):
        there = Index(corpus.minhash, threshold, redis_storage(index), f"refinery{corpus.key}")
        fill(there, corpus, note, redact(index))
    else:
        there = Index(corpus.minhash, threshold)
        file = index or output.with_name(f"{output.name}.index")
        for batch in signed_documents(corpus, file, note):
            mine = batch.filter(pa.array(there.sharing(batch, signed)))
            there.insert(keys_of(mine), mine)
    found = _compare(corpus, questions, signed, there.candidates(signed), threshold)
    near = signed.column("signature").is_valid().to_pylist()
    return [Answer(*one) for one in zip(questions, near, found, strict=True)]


def _compare(
    corpus: Corpus,
    questions: Sequence[Question],
    signed: pa.RecordBatch,
    candidates: Sequence[set[bytes]],
    threshold: float,
) -> list[tuple[Match, ...]]:
    """Reads the candidates and keeps those at the threshold."""
    asked: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))  # shard, row: questions
    for question, keys in enumerate(candidates):
        for key in keys:
            shard, row = place_of_key(key)
            asked[shard][row].append(question)
    near = corpus.minhash
    ours = near.shingle_sets(near.key_texts(TextBatch.from_texts([q.text for q in questions])))
    found: list[dict[tuple[str, ...], Match]] = [{} for _ in questions]  # by lineage: copies are one document
    for shard, rows in sorted(asked.items()):
        wanted = np.array(sorted(rows), np.int64)
        for batch in read_documents(corpus.shards[shard], corpus.spec, carry=SHARED, wanted=wanted):
            texts = TextBatch.from_arrow(batch.text)
            theirs = sign(texts, near)
            pairs = [(q, n) for n, row in enumerate(batch.rows.tolist()) for q in rows[row]]
            similar = _similarities(ours, near.shingle_sets(near.key_texts(texts)), pairs)
            equal = _estimates(signed, theirs, pairs)
            same = _copies(signed, theirs, pairs)
            for (question, n), exact, similarity, estimate in zip(pairs, same, similar, equal, strict=True):
                if exact or similarity >= threshold:
                    lineage = batch.columns.column("lineage")[n].as_py()
                    match = Match(
                        batch.ids[n].as_py(), lineage, exact, 1.0 if exact else similarity, estimate
                    )
                    found[question].setdefault(tuple(lineage.values()), match)
    return [tuple(sorted(matches.values(), key=lambda m: (not m.exact, -m.similarity))) for matches in found]


Sets = tuple[NDArray[np.uint64], NDArray[np.int64]]


def _similarities(ours: Sets, theirs: Sets, pairs: Sequence[tuple[int, int]]) -> list[float]:
    """Exact Jaccard similarity of the shingles of each pair; 0 for two texts without any."""
    hashes = np.concatenate([ours[0], theirs[0]])
    starts = np.concatenate([ours[1][:-1], theirs[1][:-1] + len(ours[0])])
    stops = np.concatenate([ours[1][1:], theirs[1][1:] + len(ours[0])])
    one, other = np.array(pairs, np.int64).T
    found: list[float] = jaccard(hashes, starts, stops, one.copy(), other + len(ours[1]) - 1).tolist()
    return found


def _estimates(ours: pa.RecordBatch, theirs: pa.RecordBatch, pairs: Iterable[tuple[int, int]]) -> list[float]:
    """Share of equal values of the signatures of each pair; 0 where one has none."""
    (one, has_one), (other, has_other) = (as_matrix(b.column("signature"), np.uint32) for b in (ours, theirs))
    return [float((one[q] == other[n]).mean()) if has_one[q] and has_other[n] else 0.0 for q, n in pairs]


def _copies(ours: pa.RecordBatch, theirs: pa.RecordBatch, pairs: Iterable[tuple[int, int]]) -> list[bool]:
    """Whether the words of each pair are the same."""
    one, other = ours.column("content").to_pylist(), theirs.column("content").to_pylist()
    return [one[q] is not None and one[q] == other[n] for q, n in pairs]


def lines_of(answer: Answer, limit: int) -> Iterator[str]:
    """The answer to one question, for people."""
    found = f"{len(answer.matches):,} found" if answer.matches else "not found"
    short = "" if answer.near else " (too short for near copies, which are not looked for)"
    yield f"{answer.question.name}: {found}{short}"
    for match in answer.matches[:limit]:
        where = match.lineage
        how = "the same words" if match.exact else f"estimated {match.estimate:.3f}"
        place = f"{where['source']}, {where['path']}, row {where['row']}"
        yield f"  {match.similarity:.3f} ({how})  {match.id}  {place}"
    if len(answer.matches) > limit:
        yield f"  and {len(answer.matches) - limit:,} more (-n)"


def json_of(answer: Answer, limit: int) -> dict[str, Any]:
    """The same, for programs."""
    return {
        "text": answer.question.name,
        "near": answer.near,
        "found": len(answer.matches),
        "documents": answer.matches[:limit],
    }
