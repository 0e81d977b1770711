"""Hashes of the content of files, taken while they are read: a file is read once."""

from __future__ import annotations

from typing import BinaryIO, cast

import xxhash

from refinery.storage.place import open_input

_STEP = 2**20


class PartDigest:
    """The hash (xxh3-128) of one of `parts` equal parts of a file, taken as the file is read forwards."""

    def __init__(self, path: str, size: int, part: int = 0, parts: int = 1) -> None:
        self._path = path
        self._at, self._stop = size * part // parts, size * (part + 1) // parts
        self._digest = xxhash.xxh3_128()

    def of_reads(self, file: BinaryIO) -> BinaryIO:
        """The file, to be read from any place."""
        return cast(BinaryIO, _HashedFile(file, self))

    def update(self, at: int, content: bytes) -> None:
        """Takes the bytes of the file from `at` on, if they go on where those before ended."""
        if at <= self._at < at + len(content) and self._at < self._stop:
            taken = memoryview(content)[self._at - at : self._stop - at]
            self._digest.update(taken)
            self._at += len(taken)

    def hexdigest(self) -> str:
        """32 hex digits; what nobody has read of the part is read for it. Raises OSError."""
        if self._at < self._stop:
            with open_input(self._path) as file:
                file.seek(self._at)
                while block := file.read(min(_STEP, self._stop - self._at)):
                    self.update(self._at, block)
        return self._digest.hexdigest()


class _HashedFile:
    def __init__(self, file: BinaryIO, digest: PartDigest) -> None:
        self._file = file
        self._digest = digest
        self.seek, self.close = file.seek, file.close

    def read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        content = self._file.read(size)
        self._digest.update(at, content)
        return content


def part_hashes(path: str, size: int, parts: int) -> tuple[str, ...]:
    """The hashes of all parts of a file; raises OSError."""
    return tuple(PartDigest(path, size, part, parts).hexdigest() for part in range(parts))
