"""A plan as its last run left it."""

from refinery.api.runs import plan
from refinery.run.finished import finished, with_rows


def test_shards_know_their_first_row(tiny_run):
    """What is looked at lies in a place, whatever the shard."""
    found = finished(plan(tiny_run), "unique")
    assert [planned.shard.first_row for planned in found.shards] == [0, 0, 0, 0]
    assert with_rows(plan(tiny_run)).shards == found.shards
