"""Which documents of a corpus are like a text: a MinHashLSH index of datasketch over the corpus's signatures.

Signatures are those that dedup measures, which are datasketch's own, so they go into its index and its storages as
they are. Beside the bands stands a table of content hashes, for copies that are too short to have a signature. What
comes out are candidates: who asks compares the texts.

datasketch takes some 50 microseconds and, in memory, 6 kB a document. An index in memory, which is made for the
questions at hand, is therefore given only the documents that share a bucket with one of them (`sharing`): it answers
the same, and a corpus of any size is one pass over 0.5 kB a document. An index in a storage of datasketch's (Redis,
Cassandra) holds all documents and is there the next time.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.dedup.bands import LOOKUP_RECALL, split_for_recall
from refinery.dedup.content import SCHEMA, Content
from refinery.dedup.corpus import as_matrix
from refinery.dedup.minhash import MinHash
from refinery.errors import InputError, StorageError
from refinery.storage.url import redact, without_secrets
from refinery.text.batch import TextBatch
from refinery.text.minhash import band_keys

MEMORY: Mapping[str, Any] = {"type": "dict"}
BUFFER = 10_000  # keys that are sent to a storage together


def signed_schema(minhash: MinHash) -> pa.Schema:
    """content (16 bytes) and signature (4 * num_perm bytes), each NULL for a document that is too short for it."""
    return pa.schema([*SCHEMA, minhash.schema.field("signature")])


def sign(texts: TextBatch, minhash: MinHash) -> pa.RecordBatch:
    """What documents are looked up by, a row each; see `signed_schema`."""
    columns = [Content(minhash.fold)(texts).column("content"), minhash(texts).column("signature")]
    return pa.RecordBatch.from_arrays(columns, schema=signed_schema(minhash))


class Index:
    """Keys (bytes) of documents by the buckets of their signatures and by their content."""

    def __init__(
        self, minhash: MinHash, threshold: float, storage: Mapping[str, Any] = MEMORY, name: str = "refinery"
    ) -> None:
        """storage: a `storage_config` of datasketch's; name: of the index there, letters and digits.

        Raises StorageError when the storage does not answer, InputError when a package for it is not installed.
        """
        self.bands, self.rows = split_for_recall(threshold, minhash.num_perm, LOOKUP_RECALL)
        self._minhash = minhash
        self._kind = str(storage["type"])
        _require(self._kind)
        from datasketch import MinHashLSH
        from datasketch.storage import unordered_storage

        basename = f"{name}x{self.bands}x{self.rows}".encode()
        config = {**storage, "basename": basename}
        with self._answering():
            self._near = MinHashLSH(
                num_perm=minhash.num_perm,
                params=(self.bands, self.rows),
                storage_config=config,
                prepickle=False,
            )
            self._copies = unordered_storage(config, name=basename + b"_content")
            self._whole = unordered_storage(config, name=basename + b"_whole")

    @property
    def is_whole(self) -> bool:
        """Whether every document of a corpus has been put in, by this process or another."""
        with self._answering():
            return bool(self._whole.has_key(b"whole"))

    def finish(self) -> None:
        """Says that every document is in."""
        with self._answering():
            self._whole.insert(b"whole", b"1")

    def insert(self, keys: Sequence[bytes], signed: pa.RecordBatch) -> None:
        """Puts documents in; what is in already may come again."""
        contents = signed.column("content").to_pylist()
        with self._answering(), self._near.insertion_session(buffer_size=BUFFER) as near:
            for key, signature in self._signatures(keys, signed):
                near.insert(key, signature, check_duplication=False)
            for key, content in zip(keys, contents, strict=True):
                if content is not None:
                    self._copies.insert(content, key, buffer=True)
            self._copies.empty_buffer()

    def candidates(self, signed: pa.RecordBatch) -> list[set[bytes]]:
        """For each text the keys of the documents that share a bucket or the content with it."""
        contents = signed.column("content").to_pylist()
        with self._answering():
            found = [set(self._copies.get(one)) if one is not None else set() for one in contents]
            for number, signature in self._signatures(range(len(found)), signed):
                found[number].update(self._near.query(signature))
        return found

    def sharing(self, signed: pa.RecordBatch, questions: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which documents may be a candidate for one of the questions, bool; no other will be."""
        copies = pc.is_in(signed.column("content"), questions.column("content").drop_null())
        found: NDArray[np.bool_] = copies.to_numpy(zero_copy_only=False).copy()
        ours, measured = self._buckets(signed)
        theirs, asked = self._buckets(questions)
        for band in range(self.bands):
            found |= measured & np.isin(ours[:, band], theirs[asked, band])
        return found

    def _buckets(self, signed: pa.RecordBatch) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """A number for each document and band, the same for the same bucket, and which documents have any."""
        matrix, measured = as_matrix(signed.column("signature"), np.uint32)
        return band_keys(matrix, np.arange(self.bands) * self.rows, self.rows), measured

    def _signatures(self, keys: Sequence[Any], signed: pa.RecordBatch) -> Iterator[tuple[Any, Any]]:
        """Keys of the documents that have a signature, with that as datasketch knows it."""
        from datasketch import LeanMinHash

        matrix, measured = as_matrix(signed.column("signature"), np.uint32)
        for key, row in zip(compress(keys, measured), matrix[measured], strict=True):
            yield key, LeanMinHash(seed=self._minhash.seed, hashvalues=row, scheme="affine32")

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Tells in words that a storage does not answer."""
        try:
            yield
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in {"redis", "cassandra"}:
                raise
            raise StorageError(self._kind, f"does not answer: {without_secrets(str(error))}") from None


def redis_storage(url: str) -> dict[str, Any]:
    """The `storage_config` of datasketch's for a Redis URL (redis://, rediss://, unix://).

    Raises InputError when the URL is none that redis knows, or redis is not installed.
    """
    _require("redis")
    from redis.connection import SSLConnection, UnixDomainSocketConnection, parse_url

    try:
        settings = dict(parse_url(url))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise InputError(redact(url), str(error)) from None
    kind = settings.pop("connection_class", None)
    if kind is SSLConnection:
        settings["ssl"] = True
    elif kind is UnixDomainSocketConnection:
        settings["unix_socket_path"] = settings.pop("path")
    return {"type": "redis", "redis": settings}


def _require(kind: str) -> None:
    package = {"redis": "redis", "cassandra": "cassandra-driver"}.get(kind)
    if package and importlib.util.find_spec(package.partition("-")[0]) is None:
        hint = "pip install 'refinery[redis]'" if kind == "redis" else f"pip install {package}"
        raise InputError(f"an index in {kind}", f"needs the package {package}", hint)
