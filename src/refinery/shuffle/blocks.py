"""Files of partitioned bytes, of which a partition can be read without the rest: by two reads of a range.

    header     of each partition where its piece starts and stops, of how many parts it is, and a checksum of these
    piece      a partition's part of each block that has any, in order; then where each part stops in the piece, the
               checksum of each, and a checksum of these

Checksums are xxh3 of 64 bits, numbers int64. Whatever is read is verified: a damaged file is an error, never data.
Writing goes through storage.commit, so files may lie on storage that all nodes share. Where W units write files of P
partitions, reading all of them takes 2 * W * P requests, however many blocks there were: whoever chooses W and P
bounds their product by the bytes (partition.partition_bytes), or W by a constant.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from refinery.storage.commit import OutputFile, commit_file
from refinery.storage.place import Place, is_remote

COPY_BYTES = 1 << 20  # that are gathered before they are written
ENTRY = np.dtype([("start", np.int64), ("stop", np.int64), ("parts", np.int64), ("digest", np.uint64)])


class BlockWriter:
    """Writes blocks of partitioned bytes as one file, which appears when the block of code ends without an error.

    Blocks wait in a file without a name on this machine until all are there, but for one that is alone.
    """

    def __init__(self, place: Place, partitions: int) -> None:
        self._place, self._partitions = place, partitions
        self._ends: list[NDArray[np.int64]] = []  # of each block, in what waits
        self._alone: memoryview | None = None
        self._waiting: OutputFile | None = None
        self._stack = ExitStack()

    def __enter__(self) -> BlockWriter:
        self._file = self._stack.enter_context(commit_file(self._place, scratch=True))
        return self

    def write(self, content: Any, ends: NDArray[np.int64], *, last: bool = False) -> None:
        """Takes a block, a buffer of bytes; partition i is content[ends[i]:ends[i + 1]]; last: none follows."""
        if last and not self._ends:
            self._alone = memoryview(content)
            self._ends.append(ends)
            return
        if self._waiting is None:
            folder = Path(tempfile.gettempdir()) if is_remote(self._place) else self._place.parent
            self._aside = self._stack.enter_context(tempfile.TemporaryFile(dir=str(folder)))  # noqa: SIM115
            self._waiting = OutputFile(cast(BinaryIO, self._aside), f"{folder}/shuffle", hashed=False)
        self._ends.append(self._waiting.size + ends)
        self._waiting.write(content)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            sizes = np.diff(np.array(self._ends), axis=1).T  # (partitions, blocks)
            parts = np.count_nonzero(sizes, axis=1)
            stops = np.cumsum(sizes.sum(axis=1) + np.where(parts, 8 * (2 * parts + 1), 0))
            self._file.write(_header(ENTRY.itemsize * self._partitions + stops, parts))
            starts = np.array(self._ends).T[:-1]
            gathered = bytearray()
            for partition in np.flatnonzero(parts).tolist():
                for content in self._piece(starts[partition], sizes[partition]):
                    if len(content) + len(gathered) > COPY_BYTES:
                        self._file.write(gathered)
                        gathered = bytearray()
                    if len(content) > COPY_BYTES:
                        self._file.write(content)
                    else:
                        gathered += content
            self._file.write(gathered)

    def _piece(self, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[Any]:
        """The parts of a piece, then its index."""
        chosen = np.flatnonzero(sizes)
        digests = []
        for start, size in zip(starts[chosen].tolist(), sizes[chosen].tolist(), strict=True):
            content = self._part(start, size)
            digests.append(xxh3_64_intdigest(content))
            yield content
        index = np.cumsum(sizes[chosen]).tobytes() + np.array(digests, np.uint64).tobytes()
        yield index + digest_of(index)

    def _part(self, start: int, size: int) -> Any:
        if self._alone is not None:
            return self._alone[start : start + size]
        self._aside.seek(start)
        return self._aside.read(size)


def _header(stops: NDArray[np.int64], parts: NDArray[np.int64]) -> bytes:
    """Of each partition where its piece stops, and of how many parts it is."""
    entries = np.zeros(len(stops), ENTRY)
    entries["stop"], entries["parts"] = stops, parts
    entries["start"] = np.concatenate([[ENTRY.itemsize * len(stops)], stops[:-1]])
    entries["digest"] = [entry_digest(entry, len(stops)) for entry in entries]
    return entries.tobytes()


def entry_digest(entry: Any, partitions: int) -> int:
    """Of an entry of a file with so many partitions: a reader that expects others is told."""
    return int(xxh3_64_intdigest(entry.tobytes()[:-8], seed=partitions))


def digest_of(content: Any) -> bytes:
    """The checksum of an index, as it stands behind it."""
    return xxh3_64_intdigest(content).to_bytes(8, "little")
