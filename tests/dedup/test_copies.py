import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.dedup import corpus as corpus_module
from refinery.dedup.copies import find_copies
from refinery.dedup.corpus import DedupShard, make_corpus, partition_rows
from tests.dedup.corpus import backwards, in_order, set_partitions, write_entries


def shard(
    path, keys: list[tuple[int | None, int | None]], prefer: list[float], *, earlier: bool
) -> DedupShard:
    """Documents with these contents and signatures."""
    contents, signatures = (
        [None if key is None else np.full(size, key, np.uint32).tobytes() for key in column]
        for size, column in zip((4, 112), zip(*keys, strict=True), strict=True)
    )
    columns = {
        "content": pa.array(contents, pa.binary(16)),
        "signature": pa.array(signatures, pa.binary(448)),
        "prefer_0": prefer,
    }
    return write_entries(path, columns, earlier=earlier)


KEY = st.none() | st.integers(0, 6)


@pytest.mark.parametrize("map_units", [in_order, backwards])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(st.tuples(KEY, KEY, st.integers(0, 2)), min_size=1, max_size=30),
    st.integers(0, 30),
    st.integers(1, 9),
    st.integers(1, 400),
)
def test_copies_are_those_of_a_dictionary(tmp_path, map_units, documents, earlier, size, partition_bytes):
    """Of each hash the preferred document stands for the others, whatever the partitions of documents and of hashes.

    A copy of a text is none of a signature besides; what is copied is asked for by each partition that copies it.
    """
    earlier = min(earlier, len(documents))
    cuts = [(0, earlier), (earlier, len(documents))]
    shards = [
        shard(
            tmp_path / f"{n}.parquet",
            [document[:2] for document in documents[start:stop]],
            [float(document[2]) for document in documents[start:stop]],
            earlier=n == 0,
        )
        for n, (start, stop) in enumerate(cuts)
        if start < stop
    ]
    with pytest.MonkeyPatch.context() as patch:
        set_partitions(patch, partition_bytes)
        patch.setattr(corpus_module, "LEAST_DOCUMENTS", size)
        corpus = make_corpus(shards, 112, 2, tmp_path / "work")
    exact, signatures, count = find_copies(corpus, partition_rows(shards, corpus), True, True, map_units)

    order = sorted(range(len(documents)), key=lambda n: (n >= earlier, n >= earlier and documents[n][2], n))
    expected: list[dict[int, int]] = []
    for column in range(2):
        first: dict[int, int] = {}
        pairs = {}
        for n in order:
            key = documents[n][column]
            if key is not None and first.setdefault(key, n) != n:
                pairs[n] = first[key]
        expected.append(pairs)
    expected[1] = {n: other for n, other in expected[1].items() if n not in expected[0]}
    for copies, pairs in zip((exact, signatures), expected, strict=True):
        assert copies.pairs.read().tolist() == sorted(pairs.items())
        wanted = {
            (other, n // corpus.partition_documents)
            for n, other in pairs.items()
            if n >= earlier and other >= earlier
        }
        found = [copies.requests.read(n) for n in range(corpus.partitions)]
        assert sorted(np.concatenate(found).tolist()) == sorted(wanted)
        for n, records in enumerate(found):
            assert (corpus.partition_of(records["document"]) == n).all()
    assert count == sum(n >= earlier for n in expected[1])
