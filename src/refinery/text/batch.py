"""The one shape in which text reaches a kernel: UTF-8 bytes and offsets, as Arrow lays them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True)
class TextBatch:
    """Documents as bytes: document i is `data[offsets[i]:offsets[i + 1]]`, valid UTF-8.

    data: uint8, shape (bytes,); offsets: int64, shape (documents + 1,), ascending, need not start at 0.
    Both are read-only, so that every kernel is compiled for one array type only.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        self.data.flags.writeable = False
        self.offsets.flags.writeable = False

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of text in the batch."""
        return int(self.offsets[-1] - self.offsets[0])

    @classmethod
    def from_arrow(cls, array: pa.Array) -> TextBatch:
        """Views a string, large_string or string_view array; no copy for large_string. NULL reads as empty."""
        if not pa.types.is_large_string(array.type):
            array = array.cast(pa.large_string())
        if array.null_count:
            array = array.fill_null("")
        _, offsets, data = array.buffers()
        bounds = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8)
        return cls(np.frombuffer(data or b"", np.uint8), bounds)

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> TextBatch:
        """Builds a batch from Python strings.

        >>> batch = TextBatch.from_texts(["ab", "", "é"])
        >>> len(batch), batch.nbytes
        (3, 4)
        """
        return cls.from_arrow(pa.array(texts, pa.large_string()))

    def runs(self, limit: int) -> Iterator[tuple[int, int]]:
        """Documents start:stop in runs of at most `limit` bytes, or of one document that is longer.

        >>> list(TextBatch.from_texts(["ab", "c", "", "four"]).runs(3))
        [(0, 3), (3, 4)]
        """
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.offsets, self.offsets[start] + limit, "right")) - 1
            stop = max(stop, start + 1)
            yield start, stop
            start = stop

    def to_arrow(self) -> pa.Array:
        """The batch as a large_string array over the same buffers."""
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.large_string(), len(self), buffers)


def with_nulls_of(text: pa.Array, made: pa.Array) -> pa.Array:
    """What is made of texts, large_string, with NULL where the text was.

    >>> with_nulls_of(pa.array(["a", None]), pa.array(["b", ""])).to_pylist()
    ['b', None]
    """
    return pc.if_else(pc.is_valid(text), made, None) if text.null_count else made
