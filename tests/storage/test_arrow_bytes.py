import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.storage.arrow_bytes import batch_bytes, cuts, row_bytes

BATCH = pa.RecordBatch.from_pydict(
    {
        "text": pa.array(["a", None, "é中", "x" * 100]),
        "tags": pa.array([["a", "bcd"], None, [], ["x"]]),
        "inner": pa.array([{"n": 1, "s": "abc"}, None, {"n": 2, "s": None}, {"n": 3, "s": ""}]),
        "map": pa.array([[("k", 1)], None, [], [("a", 1), ("b", 2)]], pa.map_(pa.string(), pa.int32())),
        "kind": pa.array(["p", "qq", None, "p"]).dictionary_encode(),
        "view": pa.array(["v", "vv", None, "vvv"], pa.string_view()),
        "flag": pa.array([True, False, None, True]),
        "none": pa.nulls(4),
        "fixed": pa.array([[1, 2], [3, 4], None, [5, 6]], pa.list_(pa.int32(), 2)),
    }
)


def test_text_counts_its_bytes():
    """UTF-8 bytes and an offset; a dictionary counts what it stands for."""
    assert row_bytes(BATCH["text"]).tolist() == [5, 4, 9, 104]
    assert row_bytes(BATCH["kind"]).tolist() == [5, 6, 4, 5]
    assert row_bytes(BATCH["tags"]).tolist() == [16, 4, 4, 9]


def test_a_row_has_the_same_size_in_any_batch():
    """So what is cut by bytes does not depend on the batches that rows came in."""
    whole = batch_bytes(BATCH)
    for start in range(4):
        for stop in range(start, 5):
            assert batch_bytes(BATCH.slice(start, stop - start)).tolist() == whole[start:stop].tolist()
    assert (whole > 0).all()


@given(
    sizes=st.lists(st.integers(0, 50), max_size=40),
    limit=st.integers(1, 100),
    first=st.none() | st.integers(1, 99),
)
def test_cuts_cover_all_rows_and_end_at_the_limit(sizes, limit, first):
    """Every run but the last reaches its limit with its last row, and not before."""
    array = np.array(sizes, np.int64)
    runs = list(cuts(array, limit, first))
    assert [n for start, stop, _ in runs for n in range(start, stop)] == list(range(len(sizes)))
    for number, (start, stop, size) in enumerate(runs):
        room = first if number == 0 and first is not None else limit
        assert size == sum(sizes[start:stop])
        assert sum(sizes[start : stop - 1]) < room
        assert size >= room or stop == len(sizes)
