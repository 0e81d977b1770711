"""Quantiles made of shards by units."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from refinery.definition.trainings import QuantileCount
from refinery.errors import DefinitionError
from refinery.models.quantiles import QUANTILES, read_quantiles
from refinery.models.quantiles_maker import QuantilesMaker
from tests.models.scores import ScoreShard, scores, shards
from tests.models.shards import run_here

COUNT = QuantileCount.model_validate({"from": ["scored", "other"], "columns": ["a", "b"], "buckets": 4})


def made(folder: Path, cut: list[ScoreShard]) -> Path:
    for name in ("made", "work"):
        (folder / name).mkdir(parents=True)
    QuantilesMaker(COUNT).make({"from": cut}, run_here, folder / "made", folder / "work")
    return folder / "made"


def test_they_are_those_of_all_that_arrive(tmp_path: Path) -> None:
    """Against NumPy; the same bytes whatever the shards."""
    frame = scores(900)
    folder = made(tmp_path / "a", shards(frame))
    other = made(tmp_path / "b", shards(frame, 10, 500)[::-1])
    assert (folder / QUANTILES).read_bytes() == (other / QUANTILES).read_bytes()
    found = read_quantiles(folder)
    for name in ("a", "b"):
        values = frame.filter("arrives")[name].drop_nulls().to_numpy()
        assert found.documents[name] == len(values)
        assert found.cuts[name] == tuple(np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf"))


def test_a_column_without_a_number_is_told(tmp_path: Path) -> None:
    """By its name, and where none was; without documents all columns."""
    empty = scores(30).with_columns(b=pl.lit(None, pl.Int64))
    with pytest.raises(DefinitionError) as caught:
        made(tmp_path / "a", shards(empty))
    assert caught.value.problems == ("no document of scored, other has a number in 'b'",)
    with pytest.raises(DefinitionError, match="number in 'a'"):
        made(tmp_path / "b", [])
