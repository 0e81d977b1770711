"""Columns of a bounded number of documents."""

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from refinery.models.drawn_columns import IDENTITY, draw_columns, read_columns
from tests.models.scores import ScoreShard, scores, shards
from tests.models.shards import run_here


def drawn(folder: Path, cut: list[ScoreShard], most: int) -> pl.DataFrame:
    folder.mkdir()
    return read_columns(draw_columns("documents", ["a", "b"], cut, most, run_here, folder))


def test_all_that_arrive_are_drawn_where_they_are_few(tmp_path: Path) -> None:
    """Each once, by ascending identity, whatever the shards."""
    frame = scores(500)
    twice = [*shards(frame, 100, 100, 350)[::-1], *shards(frame)]
    expected = frame.filter("arrives").sort("identity").select("a", "b", pl.col("identity").alias(IDENTITY))
    assert_frame_equal(drawn(tmp_path / "a", twice, 1000), expected)
    assert drawn(tmp_path / "b", [], 1000).is_empty()


def test_of_many_the_lowest_hashes_are_drawn(tmp_path: Path) -> None:
    """About as many as are wanted, a part of them for fewer."""
    frame = scores(5000)
    many, few = (drawn(tmp_path / str(n), shards(frame, 70), n) for n in (1000, 200))
    assert abs(len(many) - 1000) < 150 and abs(len(few) - 200) < 70
    assert_frame_equal(few, many.head(len(few)))
