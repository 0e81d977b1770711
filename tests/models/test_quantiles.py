"""Quantiles of scores as SQL."""

import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DamagedFile
from refinery.models.quantiles import QUANTILES, Quantiles, cuts_of, numbers_of, read_quantiles
from refinery.sources.sql import parse

FLOATS = st.lists(st.none() | st.floats(width=32) | st.sampled_from([0.0, 1.5]), min_size=1, max_size=60)
INTEGERS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60)


@given(
    FLOATS.map(lambda values: pl.Series(values, dtype=pl.Float32))
    | INTEGERS.map(lambda values: pl.Series(values, dtype=pl.Int64)),
    st.integers(2, 25),
)
def test_a_bucket_is_the_share_of_lower_values(values: pl.Series, buckets: int) -> None:
    """Counted one by one, equal values together; NULL has none, and what is not finite is compared alone."""
    counted = [value for value in values if value is not None and math.isfinite(value)]
    cuts = cuts_of(numbers_of(values), buckets)
    assert bool(cuts) == bool(counted)
    if not cuts:
        return
    written = Quantiles(buckets=buckets, documents={"x": len(counted)}, cuts={"x": cuts})
    again = Quantiles.model_validate_json(written.model_dump_json())
    found = pl.DataFrame({"x": values}).select(parse(again.sql("x", '"x"'))).to_series().to_list()
    for value, bucket in zip(values, found, strict=True):
        if value is None:
            assert bucket is None
        elif math.isfinite(value):
            assert bucket == sum(other < value for other in counted) * buckets // len(counted)
        else:
            assert bucket == (0 if value < 0 else buckets - 1)


def test_what_no_run_wrote_is_damaged(tmp_path: Path) -> None:
    """A file that is not there, or is another."""
    for content in (None, b"{}", b"no JSON"):
        if content is not None:
            (tmp_path / QUANTILES).write_bytes(content)
        with pytest.raises(DamagedFile, match="not as it was written"):
            read_quantiles(tmp_path)
