"""Documents looked up among protected ones: by key text, and by bands for candidates of near duplicates.

The protected ones are few beside those that arrive, so nothing of the latter is shuffled: each partition of them
meets the protected ones a block at a time. Memory is that of a partition and a block, some 300 bytes a document;
the cost of a document that is like none of them is one binary search a band. A document keeps the CLOSEST candidates
of each block, since it goes for one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from refinery.dedup.bands import bands_of, least_jaccard
from refinery.dedup.buckets import low_bits
from refinery.dedup.candidates import CLOSEST, edge_dtype, write_edges
from refinery.dedup.copies import COPY
from refinery.dedup.corpus import Corpus, Partition, as_matrix, read_column
from refinery.dedup.settings import Near
from refinery.dedup.verify import candidate_count
from refinery.shuffle.records import Records
from refinery.text.minhash import band_keys

BLOCK_DOCUMENTS = 1 << 16  # protected ones that are looked at together


@dataclass(frozen=True)
class Probe:
    """How documents are looked up: by key text, if `exact`, and by bands, if `near`."""

    corpus: Corpus
    exact: bool
    near: Near | None

    @property
    def form(self) -> np.dtype[Any]:
        """A document; the hash of its key text, if it is `worded`; its band keys and 8 bits a hash, if `signed`."""
        bands = bands_of(self.near).count if self.near else 0
        return np.dtype(
            [
                ("document", np.int64),
                ("worded", np.bool_),
                ("signed", np.bool_),
                ("content", np.uint64, (2,)),
                ("keys", np.uint64, (bands,)),
                ("signature", np.uint8, (self.corpus.num_perm,)),
            ]
        )

    def read(self, partition: Partition) -> NDArray[Any]:
        """A partition's documents, in order."""
        found = np.zeros(partition.stop - partition.first, self.form)
        found["document"] = np.arange(partition.first, partition.stop)
        for document, values in read_column(partition, "content") if self.exact else ():
            here = found[document - partition.first :][: len(values)]
            here["content"], here["worded"] = as_matrix(values, np.uint64)
        if self.near:
            bands = bands_of(self.near)
            firsts = np.arange(bands.count) * bands.rows
            for document, values in read_column(partition, "signature"):
                here = found[document - partition.first :][: len(values)]
                matrix, here["signed"] = as_matrix(values, np.uint32)
                here["keys"] = band_keys(matrix, firsts, bands.rows)
                here["signature"] = low_bits(matrix, np.arange(len(values)))
        return found


def write_block(probe: Probe, index: Records, block: Partition) -> None:
    """Writes a block of protected documents, to be looked up in."""
    index.write(block.number, probe.read(block))


def find_matches(
    probe: Probe,
    index: Records,
    copies: Records,
    edges: Records,
    arriving: Partition,
    arrives: NDArray[np.bool_],
) -> int:
    """Writes of a partition's documents that arrive the copies of protected ones, and candidate edges of the others.

    Gives the number of the latter.
    """
    own = probe.read(arriving)[arrives]
    pairs, near = [np.empty(0, COPY)], [np.empty(0, edges.form)]
    for number in range(index.writers):
        block = index.read_written(number)
        if probe.exact:
            pairs.append(copies_in(block, own))
            own = own[~np.isin(own["document"], pairs[-1]["document"])]
        if probe.near:
            near.append(candidates_in(probe.corpus, probe.near, block, own))
    found = np.concatenate(pairs)
    copies.write(arriving.number, found[np.argsort(found["document"])])
    candidates = np.concatenate(near)
    candidates = candidates[~np.isin(candidates["document"], found["document"])]
    write_edges(edges, arriving.number, candidates)
    return len(candidates)


def copies_in(block: NDArray[Any], own: NDArray[Any]) -> NDArray[Any]:
    """COPY of the documents whose key text is that of one in the block, the first such."""
    block, own = block[block["worded"]], own[own["worded"]]
    at = pc.index_in(_binary(own["content"]), value_set=_binary(block["content"]))
    is_copy = at.is_valid().to_numpy(zero_copy_only=False)
    found = np.empty(int(is_copy.sum()), COPY)
    found["document"] = own["document"][is_copy]
    found["preferred"] = block["document"][at.drop_null().to_numpy()]
    return found


def _binary(contents: NDArray[np.uint64]) -> pa.Array:
    return pa.Array.from_buffers(
        pa.binary(16), len(contents), [None, pa.py_buffer(np.ascontiguousarray(contents))]
    )


def candidates_in(corpus: Corpus, near: Near, block: NDArray[Any], own: NDArray[Any]) -> NDArray[Any]:
    """Edges to the closest documents of the block that share a band, see candidates.edge_dtype."""
    block, own = block[block["signed"]], own[own["signed"]]
    keys = block["keys"].reshape(-1)
    order = np.argsort(keys, kind="stable")
    rows = order // block["keys"].shape[1]
    closest = np.empty((len(own), CLOSEST), np.int64)
    counts = np.zeros((len(own), CLOSEST), np.int16)
    protected, looked_up = (np.ascontiguousarray(documents["signature"]) for documents in (block, own))
    least = candidate_count(least_jaccard(near), near.num_perm)
    own_keys = np.ascontiguousarray(own["keys"])
    find_closest(keys[order], rows, protected, looked_up, own_keys, least, closest, counts)
    documents, kept = np.nonzero(counts)
    edges = np.empty(len(documents), edge_dtype(corpus))
    edges["document"] = own["document"][documents]
    edges["preferred"] = block["document"][closest[documents, kept]]
    edges["equal"] = counts[documents, kept]
    return edges


@njit(cache=True, nogil=True)
def find_closest(sorted_keys, rows, protected, own, keys, least, closest, counts):  # type: ignore[no-untyped-def]
    """Finds for each document the protected ones that share a band with it, those with most equal hashes.

    sorted_keys: uint64, band keys of the protected ones, ascending; rows: int64, of whom each is; protected, own:
    uint8 (documents, num_perm); keys: uint64 (documents, bands). Written, the closest first, then in the order of
    rows: closest, int64 (documents, CLOSEST), and counts of equal hashes, int16, 0 where there is none.
    """
    for document in range(keys.shape[0]):
        for band in range(keys.shape[1]):
            key = keys[document, band]
            at = np.searchsorted(sorted_keys, key)
            while at < sorted_keys.shape[0] and sorted_keys[at] == key:
                row = rows[at]
                at += 1
                equal = 0
                for k in range(own.shape[1]):
                    equal += own[document, k] == protected[row, k]
                if equal >= least:
                    insert(closest[document], counts[document], row, equal)


@njit(cache=True, nogil=True)
def insert(closest, counts, row, equal):  # type: ignore[no-untyped-def]
    """Puts a row where it belongs among the closest, once, if it is one of them."""
    for place in range(closest.shape[0]):
        if counts[place] and closest[place] == row:
            return
    place = closest.shape[0]
    while place > 0:
        if counts[place - 1] > equal or (counts[place - 1] == equal and closest[place - 1] < row):
            break
        place -= 1
        if place + 1 < closest.shape[0]:
            closest[place + 1], counts[place + 1] = closest[place], counts[place]
    if place < closest.shape[0]:
        closest[place], counts[place] = row, equal
