"""Keys of columns: documents whose columns have the same values have the same key."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128_digest

from refinery.filters.values import value_texts

KEY = pa.binary(16)
_NOTHING = "\x00"


def column_keys(columns: pa.Table, *, nothing_is_a_value: bool = False) -> pa.Array:
    """binary(16): the xxh3-128 hash of each row's values together, each as its text, see filters.values.

    A row that lacks a value has no key, NULL, or, if nothing is a value, one with all that lack the same values.
    """
    texts = [value_texts(columns.column(n), columns.schema.field(n)) for n in range(columns.num_columns)]
    if nothing_is_a_value:
        texts = [pc.fill_null(one, _NOTHING) for one in texts]
    sizes = [pc.binary_length(one).cast(pa.large_string()) for one in texts]  # no text can be taken for two
    parts = [part for pair in zip(sizes, texts, strict=True) for part in pair]
    joined = pc.binary_join_element_wise(*parts, pa.scalar(" ", pa.large_string()))
    return pa.chunked_array([_hashes(chunk) for chunk in joined.chunks], KEY).combine_chunks()


def _hashes(texts: pa.Array) -> pa.Array:
    data = memoryview(texts.buffers()[2] or b"")
    bounds = pa.Array.from_buffers(
        pa.int64(), len(texts) + 1, [None, texts.buffers()[1]], offset=texts.offset
    )
    known = texts.is_valid().to_pylist()
    digests = [  # half a microsecond a document
        xxh3_128_digest(data[start:stop]) if here else None
        for here, (start, stop) in zip(known, pairwise(bounds.to_pylist()), strict=True)
    ]
    return pa.array(digests, KEY)
