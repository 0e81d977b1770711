from hypothesis import given
from hypothesis import strategies as st

from refinery.select import verb
from refinery.select.verb import in_batches


@given(st.lists(st.integers(0, 200_000), max_size=40))
def test_batches_are_all_shards_in_order(rows):
    """Each shard in one batch, numbered from 0; a batch begins with less than a batch's documents before its last."""
    batches = in_batches(rows)
    assert [n for batch in batches for n in batch.writers] == list(range(len(rows)))
    assert [batch.number for batch in batches] == list(range(len(batches)))
    size = verb.batch_documents(sum(rows))
    assert all(sum(rows[n] for n in batch.writers[:-1]) < size for batch in batches)
