"""A digest of each text."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128

from refinery.text.batch import TextBatch
from refinery.text.digests import digests


@given(st.lists(st.none() | st.text(max_size=9)), st.integers(0, 3))
def test_each_text_has_the_digest_of_its_bytes(texts, start):
    """Wherever it lies in an array; NULL and the empty text have none."""
    array = pa.array(texts, pa.large_string())[start:]
    expected = [xxh3_128(text.encode()).digest() if text else None for text in texts[start:]]
    assert digests(TextBatch.from_arrow(array)).to_pylist() == expected
