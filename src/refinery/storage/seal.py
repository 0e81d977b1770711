"""Checksums of refinery's own files, so that damage is found and never read as data.

Page checksums of Parquet leave out page headers and the footer, where one flipped bit can give other rows. So a
Parquet file of the work folder holds, just before its footer, a mark and the XXH3-128 of all its other bytes: readers
of Parquet follow offsets and never look there. A JSON file of the work folder holds its content and its checksum.
"""

from __future__ import annotations

import io
from typing import Any

import orjson
import xxhash

from refinery.storage.commit import OutputFile

_MARK = b"refinery"
_BLOCK = len(_MARK) + 16
_TAIL = 8  # of Parquet: length of the footer and a magic word


class SealedFile(io.RawIOBase):
    """Passes on what a Parquet writer writes; what comes after `begin_footer` follows the checksum."""

    def __init__(self, file: OutputFile) -> None:
        self._file = file
        self._hash = xxhash.xxh3_128()
        self._footer: bytearray | None = None

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes written so far."""
        return self._file.size + len(self._footer or b"")

    def write(self, data: Any) -> int:
        """Writes all of the data, or keeps it if the footer has begun."""
        view = memoryview(data).cast("B")
        self._hash.update(view)
        if self._footer is None:
            return self._file.write(view)
        self._footer += view
        return len(view)

    def begin_footer(self) -> None:
        """What is written from here on is the footer."""
        self._footer = bytearray()

    def finish(self) -> None:
        """Writes the checksum and the footer."""
        self._file.write(_MARK + self._hash.digest())
        self._file.write(bytes(self._footer or b""))


def check_sealed(content: bytes) -> None:
    """Raises ValueError, saying what is wrong, when a sealed Parquet file is not as it was written."""
    size = len(content)
    start = size - _TAIL - int.from_bytes(content[-_TAIL:-4], "little") - _BLOCK
    if size < _TAIL + _BLOCK or start < 0 or content[start : start + len(_MARK)] != _MARK:
        raise ValueError(f"it is cut off or not a whole file ({size:,} bytes)")
    view = memoryview(content)
    found = xxhash.xxh3_128(view[:start])
    found.update(view[start + _BLOCK :])
    if found.digest() != content[start + len(_MARK) : start + _BLOCK]:
        raise ValueError("its checksum is wrong")


def sealed_json(content: object) -> bytes:
    """The content as JSON, with its checksum."""
    inner = orjson.dumps(content)
    return orjson.dumps({"content": orjson.Fragment(inner), "xxh3": xxhash.xxh3_128_hexdigest(inner)})


def read_sealed_json(sealed: bytes) -> Any:
    """The content; raises ValueError when it is not as it was written.

    >>> read_sealed_json(sealed_json([1, "a"]))
    [1, 'a']
    """
    found = orjson.loads(sealed)
    if not isinstance(found, dict) or found.keys() != {"content", "xxh3"}:
        raise ValueError("it is not a file of this version")
    if xxhash.xxh3_128_hexdigest(orjson.dumps(found["content"])) != found["xxh3"]:
        raise ValueError("its checksum is wrong")
    return found["content"]
