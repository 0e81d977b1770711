"""A draw without replacement by weight: the documents with the greatest log weight + Gumbel noise.

The top k of `log w + g`, where each g is -log(-log(u)), is a sample of k documents drawn one after the other without
replacement, each with a probability in proportion to w among those that are left (Efraimidis and Spirakis 2006 as
exponential clocks; "Gumbel-top-k", Kool et al. 2019, arXiv 1903.06059, section 2). DSIR draws so by importance
(Xie et al. 2023, arXiv 2302.03169), QuRating by quality / temperature (Wettig et al. 2024, arXiv 2402.09739).

SoftDeDup (He et al. 2024, arXiv 2407.06654) gives a document the weight 1 / p, where p is how common it is (the
probability of its words under an n-gram model of the corpus), and the same to all documents of a segment of p. Here
segments have the same number of tokens, and p is its mean over the documents of the segment.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def hashes(salt: str, identities: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of each document's identity and the salt, which has the verb and its seed, uint64."""
    import xxhash

    from refinery.shuffle.partition import hash_numbers

    return hash_numbers(identities.view(np.int64), xxhash.xxh3_64_intdigest(salt.encode()))


def uniform(found: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Hashes as numbers above 0 and below 1, float64."""
    numbers: NDArray[np.float64] = ((found >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return numbers


def noise(found: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Standard Gumbel noise of hashes, float64."""
    from refinery.text.elementary import logs  # to check a definition imports no Numba

    numbers: NDArray[np.float64] = -logs(-logs(uniform(found)))
    return numbers


def gumbel(seed: int, identities: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Standard Gumbel noise, float64, of each document's identity (uint64) alone and the seed."""
    return noise(hashes(f"select {seed}", identities))


def drawn(
    scores: pa.ChunkedArray, identities: NDArray[np.uint64], *, temperature: float, seed: int, low: bool
) -> pa.ChunkedArray:
    """float64: score / temperature + noise, of which the greatest are drawn; NULL stays.

    low: low scores weigh more.
    """
    numbers = scores.cast(pa.float64())
    known = numbers.is_valid().to_numpy()
    values = numbers.fill_null(0.0).to_numpy() * (-1.0 if low else 1.0)
    noisy = values / temperature + gumbel(seed, identities)
    return pa.chunked_array([pa.array(noisy, pa.float64(), mask=~known)])
