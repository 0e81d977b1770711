"""Record batches of any format become documents alike."""

import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import InputError
from refinery.sources.documents import Shard
from refinery.sources.parquet_columns import locate
from refinery.sources.record_batches import BatchRows

from .reading import spec

SHARD = Shard("source", "/a.new", "a.new", "new", 0, -1, 0, None, 0, "")
BATCH = pa.RecordBatch.from_pydict(
    {"text": ["a", None, "c"], "id": pa.array(["x", "y", "x"]).dictionary_encode(), "n": ["1", "2", "?"]}
)


def documents(carry: pa.Schema | None):
    source = spec("/a")
    rows = BatchRows(locate(BATCH.schema, source, SHARD), SHARD, source, carry, 10**6)
    return list(rows.documents(BATCH, np.array([4, 5, 7])))


def test_rows_become_documents():
    """Encodings go; a column that the file lacks is NULL."""
    (found,) = documents(pa.schema([("n", pa.large_string()), ("other", pa.int64())]))
    assert (found.rows.tolist(), found.text.to_pylist(), found.ids.to_pylist()) == (
        [4, 7],
        ["a", "c"],
        ["x", "x"],
    )
    assert found.columns.to_pylist() == [{"n": "1", "other": None}, {"n": "?", "other": None}]
    assert [(reject.row, reject.reason) for reject in found.rejects] == [(5, "null_text")]


def test_columns_that_do_not_fit_are_told():
    """By name and type."""
    with pytest.raises(InputError, match="column 'n': string does not fit int64"):
        documents(pa.schema([("n", pa.int64())]))
