"""Documents with one 128-bit hash, of columns, key text or signature: of each the preferred one stands for all.

Each partition of documents finds its own copies and writes, of each hash, the preferred document, by hash; a unit a
partition of hashes finds the copies among those. So a hash that a million documents share costs no more than a record
a partition of documents. Copies of key texts are exact duplicates. Copies of signatures are treated as one document
until the end, so that a million near-identical pages cost no more than a million pairs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus, Partition, as_matrix, read_column, read_entries, read_within
from refinery.dedup.sorting import look_up, preferred_order, shared_keys, starts_of
from refinery.shuffle.partition import partition_count, partition_of
from refinery.shuffle.records import REQUEST, Records
from refinery.shuffle.units import MapUnits
from refinery.text.minhash import band_keys

COPY = np.dtype([("document", np.int64), ("preferred", np.int64)])


@dataclass(frozen=True)
class Hashes:
    """Of one column of the entries: the preferred document of each hash, and the copies within each partition."""

    column: str
    preferred: Records  # hash_dtype, partitioned by hash
    within: Records  # COPY, of each partition of documents


@dataclass(frozen=True)
class Copies:
    """Of each partition of documents: its copies, and the requests for what becomes of those that they copy."""

    pairs: Records  # COPY
    requests: Records  # REQUEST, partitioned as documents are

    def __enter__(self) -> Copies:
        return self

    def __exit__(self, *_: object) -> None:
        self.pairs.remove()
        self.requests.remove()


def hash_dtype(corpus: Corpus) -> np.dtype[Any]:
    """A 128-bit hash, its document and the document's preferences."""
    return corpus.with_preferences(("high", np.uint64), ("low", np.uint64), ("document", np.int64))


def find_copies_by(corpus: Corpus, partitions: Sequence[Partition], map_units: MapUnits) -> Copies:
    """Documents that share the key `by` with a preferred one."""
    [(_, within, between)] = _find_pairs(corpus, partitions, ["by"], (), map_units)
    made = _make_room(corpus, "by")
    with within, between:
        map_units(
            "dedup copies by columns",
            partial(write_copies_by, corpus, within, between, made),
            range(corpus.partitions),
        )
    return made


def find_copies(
    corpus: Corpus,
    partitions: Sequence[Partition],
    exact: bool,
    signature: bool,
    map_units: MapUnits,
    gone: tuple[Records, ...] = (),
) -> tuple[Copies, Copies, int]:
    """Copies of key texts, and of signatures among the others, each as far as wanted; and how many of the latter.

    gone: copies, which are left out.
    """
    columns = [column for column, wanted in (("content", exact), ("signature", signature)) if wanted]
    pairs = _find_pairs(corpus, partitions, columns, gone, map_units)
    made = _make_room(corpus, "exact"), _make_room(corpus, "signature")
    write = partial(write_copies, corpus, pairs, *made)
    same = sum(map_units("dedup copies", write, range(corpus.partitions)))
    for _, within, other in pairs:
        within.remove()
        other.remove()
    return *made, int(same)


def _make_room(corpus: Corpus, name: str) -> Copies:
    return Copies(
        corpus.records(f"{name}-pairs", COPY),
        corpus.records(f"{name}-requests", REQUEST, partitions=corpus.partitions),
    )


def _find_pairs(
    corpus: Corpus,
    partitions: Sequence[Partition],
    columns: Sequence[str],
    gone: tuple[Records, ...],
    map_units: MapUnits,
) -> list[tuple[str, Records, Records]]:
    """Of each column the copies within partitions of documents and between them."""
    dtype = hash_dtype(corpus)
    count = partition_count(corpus.documents, dtype, corpus.partition_bytes)
    hashes = [
        Hashes(
            column,
            corpus.records(f"{column}-hashes", dtype, partitions=count),
            corpus.records(f"{column}-within", COPY),
        )
        for column in columns
    ]
    if hashes:
        map_units("dedup hashes", partial(write_hashes, corpus, hashes, gone), partitions)
    found = []
    for one in hashes:
        between = corpus.records(f"{one.column}-between", COPY, partitions=corpus.partitions, writers=count)
        with one.preferred:
            find = partial(find_between, corpus, one.preferred, between)
            map_units(f"dedup copies of {one.column}", find, range(count))
        found.append((one.column, one.within, between))
    return found


def write_hashes(
    corpus: Corpus, hashes: Sequence[Hashes], gone: tuple[Records, ...], partition: Partition
) -> None:
    """Writes the copies within a partition of documents, and the preferred documents by hash; gone: left out."""
    left, prefer = read_entries(corpus, partition)
    for copies in gone:
        left[copies.read_written(partition.number)["document"] - partition.first] = False
    for target in hashes:
        pairs, preferred = _split(_read_hashes(corpus, partition, target.column, left, prefer))
        target.within.write(partition.number, pairs)
        numbers = partition_of(preferred["high"], target.preferred.partitions)
        target.preferred.write(partition.number, preferred, numbers)


def _read_hashes(
    corpus: Corpus,
    partition: Partition,
    column: str,
    left: NDArray[np.bool_],
    prefer: NDArray[np.uint64],
) -> NDArray[Any]:
    found: list[NDArray[Any]] = [np.empty(0, hash_dtype(corpus))]
    whole = np.zeros(2, np.int64)  # two different hashes of the whole signature
    within = read_within(corpus, partition) if column == "signature" else None
    for document, values in read_column(partition, column):
        at = document - partition.first
        if column == "signature":
            matrix, valid = as_matrix(values, np.uint32)
            hashes = band_keys(matrix, whole, corpus.num_perm)
            if within is not None:
                hashes ^= within[at : at + len(hashes)]
        else:
            hashes, valid = as_matrix(values, np.uint64)
        rows = np.flatnonzero(valid & left[at : at + len(valid)])
        records: NDArray[Any] = np.empty(len(rows), found[0].dtype)
        records["high"], records["low"] = hashes[rows, 0], hashes[rows, 1]
        records["document"], records["prefer"] = document + rows, prefer[at + rows]
        found.append(records)
    return np.concatenate(found)


def _split(records: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """COPY, ascending, of all but the preferred document of each hash, and the records of the preferred ones."""
    records = records[np.argsort(records["high"])]
    shared = shared_keys(records["high"])
    alone, records = records[~shared], records[shared]
    records = records[preferred_order(records, records["low"], records["high"])]
    first = starts_of(records["high"], records["low"])
    preferred = records[first]
    pairs = np.empty(len(records) - len(preferred), COPY)
    pairs["document"] = records["document"][~first]
    pairs["preferred"] = preferred["document"][np.cumsum(first) - 1][~first]
    return pairs[np.argsort(pairs["document"])], np.concatenate([alone, preferred])


def find_between(corpus: Corpus, preferred: Records, between: Records, partition: int) -> None:
    """Writes the copies among the preferred documents of a partition of hashes, by partition of documents."""
    pairs, _ = _split(preferred.read(partition))
    between.write(partition, pairs, corpus.partition_of(pairs["document"]))


def write_copies(
    corpus: Corpus,
    found: Sequence[tuple[str, Records, Records]],
    exact: Copies,
    signature: Copies,
    partition: int,
) -> int:
    """Writes a partition's copies, and requests what becomes of those that they copy; gives those of signatures.

    found: of each column the copies within partitions of documents and between them.
    """
    pairs = {column: _join(within, between, partition) for column, within, between in found}
    none = np.empty(0, COPY)
    contents, signatures = pairs.get("content", none), pairs.get("signature", none)
    known, _ = look_up(contents["document"], signatures["document"])
    signatures = signatures[~known]
    _write(corpus, exact, partition, contents)
    _write(corpus, signature, partition, signatures)
    return int((signatures["document"] >= corpus.earlier).sum())


def write_copies_by(
    corpus: Corpus, within: Records, between: Records, target: Copies, partition: int
) -> None:
    """Writes a partition's copies by columns, and requests what becomes of those that they copy.

    Those of an earlier corpus stay, to be compared by their texts.
    """
    own = _join(within, between, partition)
    _write(corpus, target, partition, own[own["document"] >= corpus.earlier])


def _write(corpus: Corpus, target: Copies, partition: int, own: NDArray[Any]) -> None:
    target.pairs.write(partition, own)
    copied = np.unique(own["preferred"][own["document"] >= corpus.earlier])
    copied = copied[copied >= corpus.earlier]  # those of an earlier corpus are kept
    requests = np.empty(len(copied), REQUEST)
    requests["document"], requests["partition"] = copied, partition
    target.requests.write(partition, requests, corpus.partition_of(copied))


def _join(within: Records, between: Records, partition: int) -> NDArray[Any]:
    """A partition's copies, ascending, each with the preferred document of all partitions."""
    own, others = within.read_written(partition), between.read(partition)
    others = others[np.argsort(others["document"])]
    found, at = look_up(others["document"], own["preferred"])
    own["preferred"][found] = others["preferred"][at[found]]
    pairs = np.concatenate([own, others])
    return pairs[np.argsort(pairs["document"])]
