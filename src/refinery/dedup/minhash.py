"""Measurer `minhash`: a signature from which the Jaccard similarity of two documents' shingles can be estimated.

Bit for bit the signature of datasketch 2.x, `MinHash(num_perm, seed, scheme="affine32")`, fed with the low 32 bits
of the shingle hashes: h' = fmix32(h), value k = min over the shingles of (a_k * h' + b_k) mod 2^32. So it can be
handed to datasketch and its storages as it is, and `MinHashLSH(threshold, num_perm)` gives its bands. See
refinery.text.minhash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.content import Content
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.definition.protections import Fold, NearCopies, Unit
    from refinery.text.batch import TextBatch


@dataclass(frozen=True)
class MinHash(Measurer):
    """Columns signature (uint32 little endian, num_perm of them in a fixed_size_binary) and shingles (int32).

    signature is NULL and shingles 0 for a document shorter than one shingle; shingles counts repeats. by, fold: as in
    a definition, see docs/dedup.md.
    """

    num_perm: int = 112
    seed: int = 1
    words: int = 5
    chars: int = 8
    by: Unit = "words"
    fold: Fold | None = None
    name: str = "minhash"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Signature length, seed and shingle lengths; `by` and `fold` where they are not the default."""
        found = {"num_perm": self.num_perm, "seed": self.seed, "words": self.words, "chars": self.chars}
        return found | ({"by": self.by} if self.letters else {}) | ({"fold": self.fold} if self.fold else {})

    @property
    def letters(self) -> bool:
        """Whether shingles are of characters in every script."""
        return self.by == "characters"

    @property
    def schema(self) -> pa.Schema:
        """signature, shingles."""
        return pa.schema([("signature", pa.binary(4 * self.num_perm)), ("shingles", pa.int32())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document."""
        from refinery.text.minhash import signatures_of_keys

        keys = self.key_texts(batch)
        found, counts = signatures_of_keys(
            keys, self.num_perm, self.seed, self.words, self.chars, letters=self.letters
        )
        validity = pa.py_buffer(np.packbits(counts > 0, bitorder="little"))
        buffers = [validity, pa.py_buffer(found)]
        column = pa.Array.from_buffers(pa.binary(4 * self.num_perm), len(batch), buffers)
        return pa.RecordBatch.from_arrays([column, pa.array(counts)], schema=self.schema)

    def key_texts(self, batch: TextBatch) -> TextBatch:
        """The texts as they are compared."""
        from refinery.text.fold import key_texts

        return key_texts(batch, simplified=self.fold == "simplified")

    def shingle_sets(self, keys: TextBatch) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The sets of shingles of key texts, see text.shingles.shingle_sets."""
        from refinery.text.shingles import sets_of_keys

        return sets_of_keys(keys, self.words, self.chars, letters=self.letters)


def minhash_of(near: NearCopies, fold: Fold | None = None) -> MinHash:
    """The signatures by which near copies are sought."""
    return MinHash(near.num_perm, near.seed, near.words, near.chars, near.by, fold)


def key_measurers(near: NearCopies | None, *, exact: bool, fold: Fold | None = None) -> tuple[Measurer, ...]:
    """What documents are compared by: whole key texts if `exact`, and shingles if `near` says how."""
    found: list[Measurer] = [Content(fold)] if exact else []
    if near:
        found.append(minhash_of(near, fold))
    return tuple(found)
