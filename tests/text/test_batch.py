"""Text as bytes and offsets."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch

texts = st.lists(st.text(max_size=9) | st.none(), max_size=9)


@given(texts, st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]), st.integers(0, 9))
def test_a_document_is_the_bytes_between_its_offsets(
    documents: list[str | None], kind: pa.DataType, first: int
) -> None:
    """Of any type of string, of a slice too; NULL reads as empty."""
    batch = TextBatch.from_arrow(pa.array(documents, kind)[first:])
    expected = [(text or "").encode() for text in documents[first:]]
    bounds = zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
    assert [batch.data[start:stop].tobytes() for start, stop in bounds] == expected
    assert batch.nbytes == sum(map(len, expected))
    assert batch.to_arrow().to_pylist() == [text or "" for text in documents[first:]]


@given(st.lists(st.text(max_size=9), max_size=20), st.integers(1, 30), st.integers(0, 5))
def test_runs_are_as_long_as_the_limit_allows(documents: list[str], limit: int, first: int) -> None:
    """Every document is in one run; a run is over the limit only alone, and has no room for the next document."""
    batch = TextBatch.from_arrow(pa.array(documents, pa.large_string())[first:])
    sizes = np.diff(batch.offsets)
    runs = list(batch.runs(limit))
    assert [document for start, stop in runs for document in range(start, stop)] == list(range(len(batch)))
    for start, stop in runs:
        assert stop - start == 1 or sizes[start:stop].sum() <= limit
        assert stop == len(batch) or sizes[start : stop + 1].sum() > limit


def test_kernels_cannot_write_to_a_batch() -> None:
    """Arrays are read-only."""
    batch = TextBatch.from_texts(["a"])
    with pytest.raises(ValueError, match="read-only"):
        batch.data[0] = 0
