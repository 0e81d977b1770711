"""Keys of columns: documents whose columns have the same values have the same key."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from refinery.filters.values import value_texts
from refinery.text.batch import TextBatch
from refinery.text.digests import DIGEST, digests

_NOTHING = "\x00"


def column_keys(columns: pa.Table, *, nothing_is_a_value: bool = False) -> pa.Array:
    """binary(16): the digest of each row's values together, each as its text, see filters.values.

    A row that lacks a value has no key, NULL, or, if nothing is a value, one with all that lack the same values.
    """
    texts = [value_texts(columns.column(n), columns.schema.field(n)) for n in range(columns.num_columns)]
    if nothing_is_a_value:
        texts = [pc.fill_null(one, _NOTHING) for one in texts]
    sizes = [pc.binary_length(one).cast(pa.large_string()) for one in texts]  # no text can be taken for two
    parts = [part for pair in zip(sizes, texts, strict=True) for part in pair]
    joined = pc.binary_join_element_wise(*parts, pa.scalar(" ", pa.large_string()))
    return pa.chunked_array(
        [digests(TextBatch.from_arrow(chunk)) for chunk in joined.chunks], DIGEST
    ).combine_chunks()
