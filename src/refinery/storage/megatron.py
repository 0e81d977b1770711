"""Megatron-LM's indexed datasets: token ids in a `.bin`, and a `.idx` that says which of them are a sequence.

The index, little-endian, as `megatron/core/datasets/indexed_dataset.py` reads it: `MMIDIDX` and two zero bytes, its
version (uint64), the code of the ids' dtype (uint8), the numbers of sequences and of document bounds (uint64); then
int32 tokens of each sequence, int64 byte at which each starts, int64 sequence at which each document starts, and at
which the last one ends.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.storage.commit import commit_file
from refinery.storage.place import Place
from refinery.storage.write import WrittenFile

DATA, INDEX = ".bin", ".idx"
_CODES = {np.dtype("<u2"): 8, np.dtype("<i4"): 4}


def write_index(path: Place, lengths: NDArray[np.int32], dtype: np.dtype[Any]) -> WrittenFile:
    """Writes the index of documents that are a sequence each; lengths: int32 (documents,), in tokens of `dtype`.

    It counts no rows: they are those of the ids. Raises OutputError when the place cannot be written.
    """
    sizes = lengths.astype("<i8") * dtype.itemsize
    with commit_file(path) as file:
        file.write(b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, _CODES[dtype], len(lengths), len(lengths) + 1))
        file.write(lengths.astype("<i4"))
        file.write(np.cumsum(sizes) - sizes)
        file.write(np.arange(len(lengths) + 1, dtype="<i8"))
    return WrittenFile(path.name, 0, file.size, file.sha256)
