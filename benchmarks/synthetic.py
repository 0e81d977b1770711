"""Corpora of signatures for benchmarks/scale.py: made from document numbers, with duplicates that are known.

Document i is one of a hundred of a block; members of a cluster are strewn over the corpus. A signature of similarity
J to its cluster has each value of it with probability J, as MinHash does, so equal hashes are Binomial(112, J).
Texts, where pairs are verified, are made from the same numbers: 204 words, of which a member has others at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.bands import bands_of, recall
from refinery.dedup.corpus import DedupShard
from refinery.dedup.settings import Near
from refinery.shuffle.records import Records
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch
from refinery.text.hashing import K1, K2

NUM_PERM = 112
NEAR = Near(similarity=0.8, num_perm=NUM_PERM)
BANDS = bands_of(NEAR)
BLOCK = 100
SHARD_DOCUMENTS = 100_000
BATCH_DOCUMENTS = 25_000
WORDS = 204  # 200 shingles
WORD_BYTES = 9
TEXT_BATCH = 2048


@dataclass(frozen=True)
class Corpus:
    """kind: `mixed` (see `members`), `key` (all in one bucket, else unlike), `signature` (all the same), `template`
    (all at similarity 0.97 to one page)."""

    kind: str
    documents: int

    @property
    def stride(self) -> int:
        """Step from a place to the number of the document there, prime to the number of documents."""
        step = int(self.documents * 0.6180339887) | 1
        while np.gcd(step, self.documents) != 1:
            step += 2
        return step


@dataclass(frozen=True)
class ShardUnit:
    """One shard's documents start:stop by place, written to `place`."""

    corpus: Corpus
    place: Path
    start: int
    stop: int


@dataclass(frozen=True)
class Documents:
    """A shard's documents as dedup sees them; start: the place of the first one."""

    corpus: Corpus
    start: int
    rows: int
    name: str
    source: str = "synthetic"
    earlier: bool = False

    @property
    def arrived(self) -> int:
        """All of them."""
        return self.rows

    def texts(self, rows: NDArray[np.int64]) -> Iterator[TextBatch]:
        """Texts of documents by position, made anew."""
        numbers = (self.start + rows) * self.corpus.stride % self.corpus.documents
        for start in range(0, len(numbers), TEXT_BATCH):
            here = numbers[start : start + TEXT_BATCH]
            if self.corpus.kind == "mixed":
                cluster, _, similarity = members(here)
            else:
                alone = self.corpus.kind == "key"
                cluster, similarity = (
                    here if alone else np.zeros(len(here), np.int64),
                    np.full(len(here), 0.97),
                )
            changed = np.where(similarity < 0.95, 10, np.where(similarity < 1, 1, 0))  # J = 0.905, 0.99
            data = np.empty((len(here), WORDS, WORD_BYTES), np.uint8)
            spell(cluster, here, changed, data)
            yield TextBatch(data.reshape(-1), np.arange(len(here) + 1) * (WORDS * WORD_BYTES))


@dataclass(frozen=True)
class Expected:
    """Removed documents, exact and near, and the spread (standard deviation) of the latter."""

    exact: int
    near: float
    spread: float


def expected(corpus: Corpus) -> Expected:
    """What dedup should remove: clusters of known sizes, pairs with the promised recall."""
    if corpus.kind == "key":
        return Expected(0, 0, 0)
    if corpus.kind != "mixed":
        return Expected(0, corpus.documents - 1, 0)
    blocks = corpus.documents / BLOCK
    found = recall(0.9, BANDS.count, BANDS.rows)
    # five places of five-member clusters at 0.995, of which all but one go; two pairs at 0.9
    return Expected(int(blocks * 5), blocks * (4 + 2 * found), (blocks * 2 * found * (1 - found)) ** 0.5)


def members(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Of each document number: its cluster, its content (exact copies share it), its similarity to the cluster.

    Of a hundred: 80 alone, 5 pairs of copies, a cluster of five at 0.995, two pairs at 0.9, one alone.
    """
    role = numbers % BLOCK
    base = numbers - role
    cluster, content, similarity = numbers.copy(), numbers.copy(), np.ones(len(numbers))
    copies = (role >= 85) & (role < 90)
    cluster[copies] = content[copies] = numbers[copies] - 5
    five = (role >= 90) & (role < 95)
    cluster[five], similarity[five] = base[five] + 90, 0.995
    pairs = (role >= 95) & (role < 99)
    cluster[pairs] = base[pairs] + 95 + (role[pairs] - 95) // 2 * 2
    similarity[pairs & (role % 2 == 0)] = 0.9  # the other one is the page itself
    return cluster, content, similarity


def numbers_of(corpus: Corpus, start: int, stop: int) -> NDArray[np.int64]:
    """The document numbers at places start:stop."""
    return np.arange(start, stop) * corpus.stride % corpus.documents


def write_shard(unit: ShardUnit) -> int:
    """Writes a shard's entries (content, signature, a preference, tokens and a ranking); gives the bytes."""
    schema = pa.schema(
        [
            ("content", pa.binary(16)),
            ("signature", pa.binary(4 * NUM_PERM)),
            ("arrives", pa.bool_()),
            ("prefer_0", pa.uint64()),
            ("tokens", pa.int64()),
        ]
    )
    with TableWriter(unit.place, schema) as writer:
        for start in range(unit.start, unit.stop, BATCH_DOCUMENTS):
            numbers = numbers_of(unit.corpus, start, min(start + BATCH_DOCUMENTS, unit.stop))
            content, signatures = _keys(unit.corpus, numbers)
            size = len(numbers)
            random = np.empty((size, 2), np.uint64)
            hashes(numbers, 3, random)
            columns = [
                pa.Array.from_buffers(schema.field(0).type, size, [None, pa.py_buffer(content)]),
                pa.Array.from_buffers(schema.field(1).type, size, [None, pa.py_buffer(signatures)]),
                pa.array(np.ones(size, np.bool_)),
                pa.array(random[:, 0]),
                pa.array((random[:, 1] % np.uint64(2000)).astype(np.int64)),
            ]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))
    return unit.place.stat().st_size


def _keys(corpus: Corpus, numbers: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    content = np.empty((len(numbers), 2), np.uint64)
    signatures = np.empty((len(numbers), NUM_PERM), np.uint32)
    if corpus.kind == "mixed":
        cluster, same, similarity = members(numbers)
    else:
        cluster = np.zeros(len(numbers), np.int64) if corpus.kind != "key" else numbers
        same = numbers
        similarity = np.full(len(numbers), 0.97 if corpus.kind == "template" else 1.0)
    hashes(same, 1, content)
    sign(cluster, numbers, similarity, signatures)
    if corpus.kind == "key":
        signatures[:, : BANDS.rows] = 7
    return content, signatures


def shards(corpus: Corpus, folder: Path) -> tuple[list[ShardUnit], list[DedupShard]]:
    """What has to be written, and the shards as dedup sees them then."""
    units = [
        ShardUnit(corpus, folder / f"{n:05}.parquet", start, min(start + SHARD_DOCUMENTS, corpus.documents))
        for n, start in enumerate(range(0, corpus.documents, SHARD_DOCUMENTS))
    ]
    documents = [Documents(corpus, u.start, u.stop - u.start, u.place.name) for u in units]
    return units, [DedupShard(d, u.place) for d, u in zip(documents, units, strict=True)]


@njit(cache=True, nogil=True)
def _mix(a, b):  # type: ignore[no-untyped-def]
    h = (np.uint64(a) + np.uint64(1)) * K1 ^ (np.uint64(b) + np.uint64(7)) * K2
    h = (h ^ h >> np.uint64(32)) * K1
    h = (h ^ h >> np.uint64(29)) * K2
    return h ^ h >> np.uint64(32)


@njit(cache=True, nogil=True)
def hashes(numbers, salt, found):  # type: ignore[no-untyped-def]
    """Fills found, uint64 (numbers, any), with hashes of each number."""
    for i in range(numbers.shape[0]):
        for k in range(found.shape[1]):
            found[i, k] = _mix(numbers[i], salt * 1000 + k)


@njit(cache=True, nogil=True)
def sign(clusters, numbers, similarity, found):  # type: ignore[no-untyped-def]
    """Signatures, uint32: each value is the cluster's with probability similarity[i], else the document's own."""
    for i in range(numbers.shape[0]):
        for k in range(found.shape[1]):
            own = _mix(numbers[i], 5000 + k)
            if np.float64(own >> np.uint64(11)) / 2.0**53 < similarity[i]:
                found[i, k] = np.uint32(_mix(clusters[i], 9000 + k) & np.uint64(0xFFFFFFFF))
            else:
                found[i, k] = np.uint32(_mix(numbers[i], 13000 + k) & np.uint64(0xFFFFFFFF))


@njit(cache=True, nogil=True)
def spell(clusters, numbers, changed, data):  # type: ignore[no-untyped-def]
    """Writes texts of words of eight letters; the last `changed[i]` words are the document's own."""
    words = data.shape[1]
    for i in range(numbers.shape[0]):
        for word in range(words):
            own = word >= words - changed[i]
            h = _mix(numbers[i], 21000 + word) if own else _mix(clusters[i], 17000 + word)
            for letter in range(8):
                data[i, word, letter] = 97 + (h >> np.uint64(4 * letter) & np.uint64(15))
            data[i, word, 8] = 32


def write_ranked(ranked: Records, unit: tuple[int, ShardUnit]) -> None:
    """Writes a shard's documents as select ranks them."""
    number, shard = unit
    table = read_table(shard.place, ["tokens", "prefer_0"])
    records = np.empty(table.num_rows, ranked.form)
    records["document"] = np.arange(shard.start, shard.stop)
    records["tokens"] = table.column("tokens").to_numpy()
    records["keys"][:, 0] = table.column("prefer_0").to_numpy()
    ranked.write(number, records)
