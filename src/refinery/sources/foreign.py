"""Files that hold no data of theirs, or hold it in a way that nothing here reads: what they are and what to do."""

from __future__ import annotations

from typing import NamedTuple

POINTER_BYTES = 512  # a file that stands for another is smaller


class Foreign(NamedTuple):
    """What a file is, and what to do about it."""

    problem: str
    hint: str


_UNPACK = "unpack it"
_KINDS = {
    b"version https://git-lfs.github.com/spec/": Foreign(
        "this is a Git LFS pointer, not the file itself", "run `git lfs pull`"
    ),
    b"/annex/objects/": Foreign("this is a git-annex pointer, not the file itself", "run `git annex get`"),
    b"PARE": Foreign(
        "this Parquet file is encrypted, its footer too", "decrypt it, or write it without encryption"
    ),
    b"7z\xbc\xaf\x27\x1c": Foreign("this is a 7-Zip archive", _UNPACK),
    b"Rar!\x1a\x07": Foreign("this is a RAR archive", _UNPACK),
    b"\x1f\x9d": Foreign("this is compressed by `compress` (.Z)", _UNPACK),
    b"LZIP": Foreign("this is compressed by lzip", _UNPACK),
    b"\x02\x21\x4c\x18": Foreign("this is an lz4 file of the legacy form", "compress it again without `-l`"),
    b"\x5d\x00\x00": Foreign("this is compressed by the old lzma", "compress it again as .xz"),
    b"\xff\x06\x00\x00sNaPpY": Foreign("this is compressed by snappy", _UNPACK),
}
_MAGICS = tuple(_KINDS)


def foreign(head: bytes) -> Foreign | None:
    """What a file is that begins so, None for one that may be data.

    >>> foreign(b"version https://git-lfs.github.com/spec/v1").problem
    'this is a Git LFS pointer, not the file itself'
    """
    if not head.startswith(_MAGICS):
        return None
    return next(kind for magic, kind in _KINDS.items() if head.startswith(magic))
