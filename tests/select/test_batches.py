from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.select import batches
from refinery.select.batches import in_batches


@given(st.lists(st.integers(0, 200_000), max_size=40), st.integers(1, 5))
def test_batches_are_all_shards_in_order(arrived, most):
    """Each shard in one; a batch ends with the shard that fills it, where each weighs its share of one at least."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH_SHARDS", most)
        found = in_batches(arrived)
    assert [n for batch in found for n in batch] == list(range(len(arrived)))
    size = batches.batch_documents(sum(arrived))
    assert all(1 <= len(batch) <= most for batch in found)
    for batch in found:
        assert sum(arrived[n] for n in batch[:-1]) < size
        assert sum(max(arrived[n], -(-size // most)) for n in batch) >= size or batch.stop == len(arrived)


def test_the_units_and_files_of_tiny_shards_are_few():
    """A unit ranks 256 of them, so requests follow the shards with a small factor."""
    assert [len(batch) for batch in in_batches([8] * 1000)] == [256, 256, 256, 232]


def test_repeats_are_of_what_is_written_more_than_once(tmp_path):
    """In the partition of each document; an outcome that was to have none loses none silently."""
    batch = batches.Batch(0, 0, ())
    outcome = batches.empty_outcome(("mix.tokens",), [batch], tmp_path, repeats=True)
    batches.repeat(outcome, 0, np.array([3, 5, 7]), np.array([2, 1, 4], np.int32))
    assert outcome.repeats.read(0).tolist() == [(3, 2), (7, 4)]
    with pytest.raises(TypeError, match="no repeats"):
        batches.repeat(replace(outcome, repeats=None), 0, np.array([3]), np.array([2], np.int32))
