"""Arrays in `types.plain` types: UUIDs as their 36 characters, what is encoded in another way as its values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refinery.sources.types import is_list, plain

_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_DIGITS = np.delete(np.arange(36), (8, 13, 18, 23))  # where they stand among the dashes


def decoded(array: pa.Array) -> pa.Array:
    """The array in the plain form of its type; NULL stays NULL at any depth."""
    kind, wanted = array.type, plain(array.type)
    if kind == wanted:
        return array
    if isinstance(kind, pa.UuidType):
        return uuid_texts(array)
    if isinstance(kind, pa.BaseExtensionType):
        return decoded(array.storage).cast(wanted)
    if pa.types.is_dictionary(kind):
        return decoded(array.dictionary_decode())
    if pa.types.is_struct(kind):
        children = [decoded(array.field(number)) for number in range(kind.num_fields)]
        return pa.StructArray.from_arrays(children, fields=list(wanted), mask=array.is_null())
    if pa.types.is_map(kind):
        keys, items = decoded(array.keys), decoded(array.items)
        offsets = pa.array(array.offsets.to_numpy())  # a slice cannot stand beside a mask
        return pa.MapArray.from_arrays(offsets, keys, items, wanted, mask=array.is_null())
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        values = decoded(array.values.slice(array.offset * size, len(array) * size))
        return pa.FixedSizeListArray.from_arrays(values, type=wanted, mask=array.is_null())
    if is_list(kind):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy()
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        large = pa.large_list(wanted.value_field)
        values = decoded(array.flatten())
        return pa.LargeListArray.from_arrays(starts, values, large, mask=array.is_null()).cast(wanted)
    return array.cast(wanted)


def uuid_texts(uuids: pa.Array) -> pa.Array:
    """string: UUIDs as people and databases write them, NULL for NULL."""
    raw = uuids.storage.fill_null(bytes(16))
    octets = np.frombuffer(raw.buffers()[1], np.uint8, 16 * len(raw), 16 * raw.offset)
    texts = np.full((len(raw), 36), ord("-"), np.uint8)
    texts[:, _DIGITS] = _HEX[np.stack([octets >> 4, octets & 15], axis=1)].reshape(-1, 32)
    offsets = pa.py_buffer(np.arange(len(raw) + 1, dtype=np.int32) * 36)
    written = pa.Array.from_buffers(pa.string(), len(raw), [None, offsets, pa.py_buffer(texts)])
    return pc.if_else(uuids.is_valid(), written, None)
