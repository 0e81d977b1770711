"""What all rounds work on: features of documents drawn of a pool, and of the seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.text.features import Features


@dataclass(frozen=True)
class Sample:
    """Seeds and documents of the pool, each identity once, in an order that hashes of identities give.

    features: of all; identities: uint64 (documents,); seed: bool (documents,), whether it is a seed, or one that the
    pool holds too; hosts: int32 (documents,), a number by host, -1 where a document has none. Two documents of the
    pool with the same features are both there.
    """

    features: Features
    identities: NDArray[np.uint64]
    seed: NDArray[np.bool_]
    hosts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.features)
