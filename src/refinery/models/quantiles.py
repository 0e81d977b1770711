"""Quantiles of scores: where a document stands among those that were counted, in buckets of equal documents.

The bucket of a value is the share of documents with lower ones in steps of one over the number of buckets: equal
values share the lowest bucket that they reach. The maximum of such buckets of several scores is the ensemble of
Nemotron-CC (Su et al. 2024, arXiv 2412.02595), 20 buckets of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from refinery.errors import DamagedFile

if TYPE_CHECKING:
    import polars as pl

QUANTILES = "quantiles.json"


class Quantiles(BaseModel):
    """By column the greatest values of all buckets but the last; documents: that were counted, by column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    buckets: int
    documents: Mapping[str, int]
    cuts: Mapping[str, tuple[int | float, ...]]

    def sql(self, column: str, written: str) -> str:
        """SQL for the bucket, from 0, of a column; written: its name in SQL. NULL of NULL.

        >>> Quantiles(buckets=4, documents={"x": 8}, cuts={"x": (0.5, 0.5, 2.0)}).sql("x", "x")
        '(2 * CAST(x > 0.5 AS BIGINT) + 1 * CAST(x > 2.0 AS BIGINT))'
        """
        steps = Counter(self.cuts[column])
        return f"({' + '.join(f'{n} * CAST({written} > {cut!r} AS BIGINT)' for cut, n in steps.items())})"


def cuts_of(numbers: pl.Series, buckets: int) -> tuple[int | float, ...]:
    """The greatest values of all buckets but the last, ascending; numbers: see `numbers_of`, ascending.

    >>> import polars as pl
    >>> cuts_of(pl.Series([1, 2, 3, 4]), 2)
    (2,)
    """
    count = len(numbers)
    return tuple(numbers[-(-n * count // buckets) - 1] for n in range(1, buckets)) if count else ()


def numbers_of(values: pl.Series) -> pl.Series:
    """The finite numbers of a column, ascending, of 64 bits."""
    import polars as pl

    if values.dtype.is_integer():
        return values.drop_nulls().sort()
    floats = values.cast(pl.Float64)
    return floats.filter(floats.is_finite()).sort()


def read_quantiles(folder: Path) -> Quantiles:
    """What lies in the folder of such a model; raises DamagedFile."""
    try:
        return Quantiles.model_validate_json((folder / QUANTILES).read_bytes())
    except (OSError, ValidationError):
        raise DamagedFile(str(folder / QUANTILES), "it is not as it was written") from None
