"""Buckets of documents that share a band's key, and the records that are compared in them.

Each partition of documents writes (key, document) by key; a unit a partition of keys finds the keys of two documents
or more and sends (document, bucket) back to the partitions of documents; each of these reads its signatures once, in
order, and writes (bucket, document, preferences, signature) by bucket, so that whoever compares looks nothing up. A
bucket of more than LARGE documents is split in the order of document numbers, and all that it is split into meet its
BEST preferred ones.

Compared are the lowest 8 bits of each hash, after a mixing step: b-bit minwise hashing (Li and Koenig, "b-Bit Minwise
Hashing", WWW 2010), a quarter of the bytes. Without mixing two shingles whose hashes agree in 8 bits would agree in
every permutation, since those are affine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.bands import Bands
from refinery.dedup.corpus import (
    Corpus,
    Partition,
    as_matrix,
    read_column,
    read_entries,
    read_texts,
    read_within,
)
from refinery.dedup.sorting import look_up, preferred_order, shared_keys, starts_of
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Records
from refinery.text.hashing import fmix32
from refinery.text.minhash import band_keys

BEST = 32
LARGE = 1 << 17

BAND = np.dtype([("high", np.uint64), ("document", np.int64)])  # a band's key
MEMBER = np.dtype([("document", np.int64), ("bucket", np.uint64)])
SPLIT = np.dtype(
    [("bucket", np.uint64), ("large", np.uint64)]
)  # of a large bucket: one it is split into, its key


def signature_dtype(corpus: Corpus) -> np.dtype[Any]:
    """A bucket's document, its preferences, 8 bits of each hash of its signature; its key of `within`, its text."""
    fields = [("bucket", np.uint64), ("document", np.int64)]
    within = [("within", np.uint64, (2,))] * corpus.within
    signature = ("signature", np.uint8, (corpus.num_perm,))
    return np.dtype([*corpus.with_preferences(*fields).descr, *within, *corpus.text, signature])


def write_bands(
    corpus: Corpus, chosen: Bands, copies: tuple[Records, ...], bands: Records, partition: Partition
) -> None:
    """Writes a partition's (band key, document) by key, but for documents that are copies of others."""
    gone, _ = read_entries(corpus, partition)
    np.logical_not(gone, out=gone)
    for pairs in copies:
        gone[pairs.read_written(partition.number)["document"] - partition.first] = True
    firsts = np.arange(chosen.count) * chosen.rows
    within = read_within(corpus, partition)
    with bands.writer(partition.number) as writer:
        for document, values in read_column(partition, "signature"):
            matrix, valid = as_matrix(values, np.uint32)
            at = document - partition.first
            rows = np.flatnonzero(valid & ~gone[at : at + len(valid)])
            records = np.empty((len(rows), chosen.count), BAND)
            records["high"] = band_keys(matrix, firsts, chosen.rows)[rows]
            if within is not None:
                records["high"] ^= within[at + rows, :1]
            records["document"] = (document + rows)[:, None]
            keys = records["high"].reshape(-1)
            writer.write(records.reshape(-1), partition_of(keys, bands.partitions))


def find_buckets(corpus: Corpus, bands: Records, members: Records, split: Records, partition: int) -> int:
    """Writes members of buckets of two or more by document, and what large buckets are split into; gives the members.

    partition: of band keys.
    """
    records = bands.read(partition)
    high = np.ascontiguousarray(records["high"])
    order = np.argsort(high)
    order = order[shared_keys(high[order])]
    found = np.empty(len(order), MEMBER)
    found["document"], found["bucket"] = records["document"][order], high[order]
    del records, high, order
    split.write(partition, _split_large(found))
    members.write(partition, found, corpus.partition_of(found["document"]))
    return len(found)


def _split_large(members: NDArray[Any]) -> NDArray[Any]:
    """Gives members of large buckets, which are sorted by bucket, the keys of smaller ones; SPLIT of these."""
    ends = np.append(np.flatnonzero(starts_of(members["bucket"])), len(members))[1:]
    sizes = np.diff(ends, prepend=0)
    found = [np.empty(0, SPLIT)]
    for bucket in np.flatnonzero(sizes > LARGE).tolist():
        here = slice(int(ends[bucket] - sizes[bucket]), int(ends[bucket]))
        members["document"][here].sort()
        numbers = np.arange(sizes[bucket]) // LARGE
        split = np.empty(int(numbers[-1]) + 1, SPLIT)
        split["large"] = members["bucket"][here.start]
        split["bucket"] = hash_numbers(np.arange(len(split))) ^ split["large"]
        members["bucket"][here] = split["bucket"][numbers]
        found.append(split)
    return np.concatenate(found)


def read_split(split: Records) -> NDArray[Any]:
    """What all large buckets are split into, by bucket."""
    found = split.read()
    return found[np.argsort(found["bucket"])]


def write_signatures(
    corpus: Corpus, members: Records, split: Records, signatures: Records, best: Records, partition: Partition
) -> None:
    """Writes a partition's members with preferences and signatures by bucket, and its best of large buckets."""
    found = members.read(partition.number)
    found = found[np.lexsort((found["bucket"], found["document"]))]
    large = read_split(split)
    kept = [np.empty(0, signatures.form)]
    _, prefer = read_entries(corpus, partition)
    within, texts = read_within(corpus, partition), read_texts(corpus, partition)
    with signatures.writer(partition.number) as writer:
        for document, values in read_column(partition, "signature"):
            low, high = np.searchsorted(found["document"], [document, document + len(values)])
            if low == high:
                continue
            here = found[low:high]
            records = np.empty(len(here), signatures.form)
            records["bucket"], records["document"] = here["bucket"], here["document"]
            records["prefer"] = prefer[here["document"] - partition.first]
            if within is not None:
                records["within"] = within[here["document"] - partition.first]
            if texts is not None:
                records["text"] = texts[here["document"] - partition.first]
            records["signature"] = low_bits(as_matrix(values, np.uint32)[0], here["document"] - document)
            writer.write(records, partition_of(records["bucket"], signatures.partitions))
            if len(large):
                kept = [_best(np.concatenate([*kept, _of_large(records, large)]))]
    best.write(partition.number, kept[0])


def _of_large(records: NDArray[Any], large: NDArray[Any]) -> NDArray[Any]:
    """The records of what large buckets are split into, with the keys of those."""
    found, at = look_up(large["bucket"], records["bucket"])
    chosen = records[found]
    chosen["bucket"] = large["large"][at[found]]
    return chosen


def _best(records: NDArray[Any]) -> NDArray[Any]:
    """Of each bucket the BEST preferred documents."""
    records = records[preferred_order(records, records["bucket"])]
    starts = np.flatnonzero(starts_of(records["bucket"]))
    sizes = np.diff(np.append(starts, len(records)))
    return records[np.arange(len(records)) - np.repeat(starts, sizes) < BEST]


def read_best(best: Records, large: NDArray[np.uint64]) -> NDArray[Any]:
    """The BEST preferred documents of the large buckets with these keys, from every partition's best."""
    found = np.empty(0, best.form)
    for records in best.each():
        found = _best(np.concatenate([found, records[np.isin(records["bucket"], large)]]))
    return found


@njit(cache=True, nogil=True)
def low_bits(signatures, rows):  # type: ignore[no-untyped-def]
    """uint8 (len(rows), num_perm): the lowest 8 bits of each hash of those rows after MurmurHash3's fmix32."""
    found = np.empty((rows.shape[0], signatures.shape[1]), np.uint8)
    for index in range(rows.shape[0]):
        row = rows[index]
        for k in range(signatures.shape[1]):
            found[index, k] = np.uint8(fmix32(signatures[row, k]) & np.uint32(0xFF))
    return found
