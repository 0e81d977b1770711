"""`refinery find`: is this in the corpus? The documents of an output that are like a text, found by their signatures.

The first look-up reads the output once and keeps what it measured in an index: a file beside the output (never in
it), or Redis. Its name, or what stands in it, is made of the output's checksums, so an index is never out of date.
The documents that the index proposes are read again and compared by their text.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.corpus import as_matrix
from refinery.dedup.lookup import Index, redis_storage, sign, signed_schema
from refinery.dedup.minhash import MinHash
from refinery.errors import DamagedFile, InputError
from refinery.plan.against import output_source, read_manifest
from refinery.plan.fingerprint import fingerprint
from refinery.run.write import LINEAGE
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from refinery.storage.place import Place, exists, unreadable
from refinery.storage.tables import open_table, read_schema
from refinery.storage.url import redact
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch
from refinery.text.shingles import shingle_sets
from refinery.text.similarity import jaccard

Note = Callable[[str], None]

SHARED = pa.schema([("lineage", LINEAGE)])
INDEX = b"refinery.index"  # metadata of an index file: of what
ROWS = 1 << 14  # of an index file that are looked at together
_ROWS = re.compile(r"\.(jsonl|ndjson|parquet)(\.\w+)?$", re.IGNORECASE)  # names of files with a text a row
_NAME = re.compile(
    r"^(\.{0,2}/\S*|\S+/\S+|\S+\.(txt|md|jsonl|ndjson|parquet)(\.\w+)?)$"
)  # of a file, at first sight
_REMOVE = "remove it, or give another --index"
_PLACE = struct.Struct(">IQ")  # a document's key in the index: shard and row


@dataclass(frozen=True)
class Question:
    """A text to look for, and what it is called."""

    name: str
    text: str


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


@dataclass(frozen=True)
class Corpus:
    """An output, its documents as shards, how they are signed, and a fingerprint of all of it."""

    folder: Place
    documents: int
    spec: SourceSpec
    shards: tuple[Shard, ...]
    minhash: MinHash
    key: str


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
        _fill(there, corpus, note, redact(index))
    else:
        there = Index(corpus.minhash, threshold)
        file = index or output.with_name(f"{output.name}.index")
        for batch in _signed_documents(corpus, file, note):
            mine = batch.filter(pa.array(there.sharing(batch, signed)))
            there.insert(_keys(mine), mine)
    found = _compare(corpus, questions, signed, there.candidates(signed), threshold)
    near = signed.column("signature").is_valid().to_pylist()
    return [Answer(*one) for one in zip(questions, near, found, strict=True)]


def questions_of(text: str) -> list[Question]:
    """What `refinery find` is asked: a text, a file of text, one with a text in each row, or `-` for standard input.

    Raises InputError for a file that cannot be read or is no text.
    """
    if text == "-":
        return [Question("standard input", _decoded("standard input", sys.stdin.buffer.read()))]
    try:
        file = Path(text)
        if not file.is_file():
            if file.is_dir() or (_NAME.search(text) and not file.exists()):
                hint = "a text that looks like a file's name is read from standard input: -"
                raise InputError(text, "is a folder" if file.is_dir() else "there is no such file", hint)
            raise ValueError
    except (OSError, ValueError):  # too long for a name, or with characters that no name has
        return [Question(textwrap.shorten(text, 60, placeholder=" …"), _decoded("TEXT", os.fsencode(text)))]
    if not _ROWS.search(file.name):
        try:
            return [Question(text, _decoded(text, file.read_bytes()))]
        except OSError as error:
            raise unreadable(text, error) from None
    spec = SourceSpec("questions", (str(file.absolute()),), on_error="fail")
    return [question for shard in list_shards(spec).shards for question in _rows(shard, spec, text)]


def _rows(shard: Shard, spec: SourceSpec, name: str) -> Iterator[Question]:
    for batch in read_documents(shard, spec):
        for reject in batch.rejects:
            raise InputError(f"{name}, row {reject.row}", f"{reject.reason}: {reject.detail}".rstrip(": "))
        for row, text in zip(batch.rows.tolist(), batch.text.to_pylist(), strict=True):
            yield Question(f"{name}, row {row}", text)


def _decoded(place: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(place, f"not UTF-8 text (byte {error.start})") from None


def open_corpus(output: Place) -> Corpus:
    """The documents that an output's manifest lists, signed as its own dedup did it, if it did; raises InputError."""
    manifest = read_manifest(output, "give the output folder of a finished run")
    spec = output_source("output", output, manifest)
    try:
        settings = [m["settings"] for m in manifest["measurers"].values() if m["name"] == "minhash"]
        minhash = MinHash(**settings[0]) if settings else MinHash()
        key = fingerprint([file["sha256"] for file in manifest["files"]], minhash)
        documents = int(manifest["kept"]["documents"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(redact(str(output)), f"not a run's manifest: {error}") from None
    shards = tuple(replace(shard, made=()) for shard in list_shards(spec).shards)  # lineage is read, too
    return Corpus(output, documents, spec, shards, minhash, key)


def _sign_all(corpus: Corpus) -> Iterator[pa.RecordBatch]:
    """Every document of the output, in order, with its place; see `_schema`."""
    for number, shard in enumerate(corpus.shards):
        for batch in read_documents(shard, corpus.spec):
            signed = sign(TextBatch.from_arrow(batch.text), corpus.minhash)
            place = [pa.array(np.full(len(batch.rows), number, np.uint32)), pa.array(batch.rows)]
            yield pa.RecordBatch.from_arrays([*place, *signed.columns], schema=_schema(corpus))


def _schema(corpus: Corpus) -> pa.Schema:
    columns = [pa.field("shard", pa.uint32()), pa.field("row", pa.int64()), *signed_schema(corpus.minhash)]
    return pa.schema(columns, metadata={INDEX: corpus.key.encode()})


def _signed_documents(corpus: Corpus, file: Place, note: Note) -> Iterator[pa.RecordBatch]:
    """The content of the index file, which is made first if it is not there or is another output's."""
    if not _is_index_of(corpus, file):
        note(
            f"Reading {corpus.documents:,} documents of {redact(str(corpus.folder))} once, for {redact(str(file))}"
        )
        with TableWriter(file, _schema(corpus), scratch=True) as writer:
            for batch in _sign_all(corpus):
                writer.write(batch)
    with open_table(file) as table:
        yield from table.iter_batches(ROWS, use_threads=False)


def _is_index_of(corpus: Corpus, file: Place) -> bool:
    """Raises InputError for a file that is there and no index."""
    if not exists(file):
        return False
    try:
        found = (read_schema(file).metadata or {}).get(INDEX)
    except DamagedFile as error:
        problem = f"not an index, or a damaged one: {error.problem}"
        raise InputError(redact(str(file)), problem, _REMOVE) from None
    except OSError as error:
        raise unreadable(str(file), error) from None
    if found is None:
        raise InputError(redact(str(file)), "not an index", _REMOVE)
    return bool(found == corpus.key.encode())


def _fill(index: Index, corpus: Corpus, note: Note, place: str) -> None:
    if index.is_whole:
        return
    note(f"Reading {corpus.documents:,} documents of {redact(str(corpus.folder))} once, for {place}")
    for batch in _sign_all(corpus):
        index.insert(_keys(batch), batch)
    index.finish()


def _keys(batch: pa.RecordBatch) -> list[bytes]:
    places = zip(batch.column("shard").to_pylist(), batch.column("row").to_pylist(), strict=True)
    return [_PLACE.pack(shard, row) for shard, row in places]


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
            shard, row = _PLACE.unpack(key)
            asked[shard][row].append(question)
    near = corpus.minhash
    ours = shingle_sets(TextBatch.from_texts([q.text for q in questions]), near.words, near.chars)
    found: list[list[Match]] = [[] for _ in questions]
    for shard, rows in sorted(asked.items()):
        wanted = np.array(sorted(rows), np.int64)
        for batch in read_documents(corpus.shards[shard], corpus.spec, carry=SHARED, wanted=wanted):
            texts = TextBatch.from_arrow(batch.text)
            theirs = sign(texts, near)
            pairs = [(q, n) for n, row in enumerate(batch.rows.tolist()) for q in rows[row]]
            similar = _similarities(ours, shingle_sets(texts, near.words, near.chars), pairs)
            equal = _estimates(signed, theirs, pairs)
            same = _copies(signed, theirs, pairs)
            for (question, n), exact, similarity, estimate in zip(pairs, same, similar, equal, strict=True):
                if exact or similarity >= threshold:
                    lineage = batch.columns.column("lineage")[n].as_py()
                    match = Match(
                        batch.ids[n].as_py(), lineage, exact, 1.0 if exact else similarity, estimate
                    )
                    found[question].append(match)
    return [tuple(sorted(matches, key=lambda m: (not m.exact, -m.similarity))) for matches in found]


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
