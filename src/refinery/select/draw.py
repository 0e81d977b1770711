"""A draw without replacement by weight: the documents with the greatest log weight + Gumbel noise.

The top k of `log w + g`, where each g is -log(-log(u)), is a sample of k documents drawn one after the other without
replacement, each with a probability in proportion to w among those that are left (Efraimidis and Spirakis 2006 as
exponential clocks; "Gumbel-top-k", Kool et al. 2019, arXiv 1903.06059, section 2). DSIR draws so by importance
(Xie et al. 2023, arXiv 2302.03169), QuRating by quality / temperature (Wettig et al. 2024, arXiv 2402.09739).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def gumbel(seed: int, identities: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Standard Gumbel noise, float64, of each document's identity (uint64) alone and the seed."""
    import xxhash

    from refinery.shuffle.partition import hash_numbers
    from refinery.text.elementary import logs  # to check a definition imports no Numba

    mixed = hash_numbers(identities.view(np.int64), xxhash.xxh3_64_intdigest(f"select {seed}".encode()))
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    noise: NDArray[np.float64] = -logs(-logs(uniform))
    return noise


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
