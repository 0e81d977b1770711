"""The documents of an output by their signatures: measured once, then kept in a file or in Redis.

Its name, or what stands in it, is made of the output's checksums, so an index is never out of date.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from refinery.dedup.lookup import Index, sign, signed_schema
from refinery.dedup.minhash import MinHash
from refinery.errors import DamagedFile, InputError
from refinery.plan.against import output_source, read_manifest
from refinery.plan.fingerprint import fingerprint
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from refinery.storage.place import Place, exists, unreadable
from refinery.storage.tables import open_table, read_schema
from refinery.storage.url import redact
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch

Note = Callable[[str], None]

INDEX = b"refinery.index"  # metadata of an index file: of what
ROWS = 1 << 14  # of an index file that are looked at together
_REMOVE = "remove it, or give another --index"
_PLACE = struct.Struct(">IQ")  # a document's key in the index: shard and row


@dataclass(frozen=True)
class Corpus:
    """An output, its documents as shards, how they are signed, and a fingerprint of all of it."""

    folder: Place
    documents: int
    spec: SourceSpec
    shards: tuple[Shard, ...]
    minhash: MinHash
    key: str


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
    found = list_shards(spec).shards if spec.path else ()
    shards = tuple(replace(shard, made=()) for shard in found)  # lineage is read, too
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


def signed_documents(corpus: Corpus, file: Place, note: Note) -> Iterator[pa.RecordBatch]:
    """The content of the index file, which is made first if it is not there or is another output's; see `_schema`.

    Raises InputError for a file that is no index.
    """
    if not _is_index_of(corpus, file):
        note(_reading(corpus, redact(str(file))))
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


def fill(index: Index, corpus: Corpus, note: Note, place: str) -> None:
    """Puts every document into an index in a storage; none into one that is whole."""
    if index.is_whole:
        return
    note(_reading(corpus, place))
    for batch in _sign_all(corpus):
        index.insert(keys_of(batch), batch)
    index.finish()


def _reading(corpus: Corpus, place: str) -> str:
    return f"Reading {corpus.documents:,} documents of {redact(str(corpus.folder))} once, for {place}"


def keys_of(batch: pa.RecordBatch) -> list[bytes]:
    """The keys of signed documents in an index."""
    places = zip(batch.column("shard").to_pylist(), batch.column("row").to_pylist(), strict=True)
    return [_PLACE.pack(shard, row) for shard, row in places]


def place_of_key(key: bytes) -> tuple[int, int]:
    """The document's shard, by its number, and its row in it."""
    shard, row = _PLACE.unpack(key)
    return shard, row
