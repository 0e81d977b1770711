"""Shards of measured columns in memory, as makers see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class ScoreShard:
    """Documents with an `identity`, of which those without `arrives` do not arrive."""

    frame: pl.DataFrame

    @property
    def arrived(self) -> int:
        return int(self.arrives().sum())

    def arrives(self) -> NDArray[np.bool_]:
        return self.frame["arrives"].to_numpy()

    def identities(self) -> NDArray[np.uint64]:
        return self.frame["identity"].to_numpy()

    def columns(self, names: Sequence[str]) -> pa.Table:
        return self.frame.select(names).to_arrow()


def scores(documents: int, seed: int = 1) -> pl.DataFrame:
    """Documents of which four in five arrive, with `a`, a float with ties, and `b`, whole or NULL."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "identity": rng.integers(0, 1 << 64, documents, np.uint64, endpoint=False),
            "arrives": rng.random(documents) < 0.8,
            "a": rng.integers(0, 50, documents).astype(np.float32) / 7,
            "b": pl.Series(rng.integers(0, 9, documents)).replace(0, None),
        }
    )


def shards(frame: pl.DataFrame, *cuts: int) -> list[ScoreShard]:
    """Cut at these documents."""
    bounds = [0, *cuts, len(frame)]
    return [ScoreShard(frame.slice(low, high - low)) for low, high in pairwise(bounds)]
