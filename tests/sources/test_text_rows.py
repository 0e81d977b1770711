import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.documents import NO_COLUMNS
from refinery.sources.text_rows import text_rows

VALUES = st.lists(st.none() | st.binary(max_size=12), max_size=30)


@given(values=VALUES, limit=st.integers(0, 12), batch=st.integers(1, 40), encoded=st.booleans())
def test_every_row_is_accepted_or_rejected_once(values, limit, batch, encoded):
    """NULL, oversize and invalid rows are named, all others come through unchanged and in order."""
    array = pa.array(values, pa.binary())
    text = array.dictionary_encode() if encoded else array
    rows = np.arange(len(values), dtype=np.int64) + 5
    ids = pa.array([f"i{n}" for n in range(len(values))], pa.string())
    accepted, rejected = {}, {}
    for run in text_rows([text], rows, ids, NO_COLUMNS, limit, batch):
        run.text.validate(full=True)
        accepted |= dict(
            zip(run.rows.tolist(), zip(run.text.to_pylist(), run.ids.to_pylist(), strict=True), strict=True)
        )
        rejected |= {reject.row: reject.reason for reject in run.rejects}
    for number, value in enumerate(values):
        row = number + 5
        if value is None:
            assert rejected.pop(row) == "null_text"
        elif len(value) > limit:
            assert rejected.pop(row) == "oversize_row"
        else:
            try:
                expected = value.decode()
            except UnicodeDecodeError:
                assert rejected.pop(row) == "invalid_utf8"
            else:
                assert accepted.pop(row) == (expected, f"i{number}")
    assert not accepted
    assert not rejected


def test_runs_are_cut_by_decoded_bytes():
    """A dictionary's rows count what they stand for."""
    text = pa.array(["x" * 100] * 50).dictionary_encode()
    runs = list(text_rows([text], np.arange(50), pa.nulls(50, pa.string()), NO_COLUMNS, 1000, 1000))
    assert [len(run.rows) for run in runs] == [10] * 5
