"""Signatures of texts as objects of datasketch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refinery.api.frames import Texts, as_frame, texts_of

if TYPE_CHECKING:
    from datasketch import MinHash


def minhash(
    texts: Texts, *, num_perm: int = 112, seed: int = 1, words: int = 5, chars: int = 8
) -> list[MinHash]:
    """The MinHash of each text's shingles, as `dedup` has them: objects of datasketch, bit for bit.

    words: words a shingle; chars: characters a shingle in scripts without spaces. A text that is shorter than a
    shingle has an empty MinHash. They go into datasketch's MinHashLSH, MinHashLSHForest and storages as they are.

    >>> import refinery
    >>> one, other = refinery.minhash(["one two three four five six", "one two three four five seven"])
    >>> round(one.jaccard(other), 1), len(one)
    (0.3, 112)
    """
    import numpy as np
    from datasketch import MinHash

    from refinery.api.documents import text_batches
    from refinery.text.batch import TextBatch
    from refinery.text.fold import key_texts
    from refinery.text.minhash import signatures_of_keys

    permutations = MinHash(num_perm, seed, scheme="affine32").permutations
    found: list[MinHash] = []
    for batch in text_batches(texts_of(as_frame(texts, "text"), "text")):
        keys = key_texts(TextBatch.from_arrow(batch))
        signatures, _ = signatures_of_keys(keys, num_perm, seed, words, chars)
        found += [
            MinHash(num_perm, seed, hashvalues=row, permutations=permutations, scheme="affine32")
            for row in np.ascontiguousarray(signatures)
        ]
    return found
