"""Where the blocks of Snappy's raw form end, so that a page is unpacked block by block.

Each writer compresses 64 KiB of the content at a time, with no reference to what was before
(https://github.com/google/snappy/blob/main/format_description.txt).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 1 << 16
PACKED_BLOCK = 32 + BLOCK + BLOCK // 6  # the most bytes that a block is compressed to


@njit(cache=True, nogil=True)
def block_end(packed: NDArray[np.uint8], size: int) -> int:
    """Where in `packed` (uint8) the tags end that make exactly `size` bytes; -1 where none end there."""
    at = made = 0
    while made < size:
        if at >= len(packed):
            return -1
        tag: Any = np.int64(packed[at])
        kind, length = tag & 3, tag >> 2
        at += 1
        if kind == 0:
            extra = max(0, length - 59)
            if extra:
                if at + extra > len(packed):
                    return -1
                length = 0
                for byte in range(extra):
                    length |= np.int64(packed[at + byte]) << (8 * byte)
            at += extra + length + 1
            made += length + 1
        elif kind == 1:
            at += 1
            made += (length & 7) + 4
        else:
            at += 2 if kind == 2 else 4
            made += length + 1
    return at if made == size and at <= len(packed) else -1
