"""The files in a tar or zip archive, in its order: tar as a stream, compressed or not, zip by the list at its end."""

from __future__ import annotations

import errno
import lzma
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.digest import PartDigest
from refinery.sources.documents import Shard
from refinery.sources.unpack import temporary_file
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import redact

LOCKED = 1  # a flag of a file in a zip archive
_ZIP_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError
)  # fmt: skip


class Member(NamedTuple):
    """A file of an archive; path: its name, with a number where the archive has several of that name."""

    name: str
    path: str
    content: Iterator[bytes]


def members(shard: Shard, digest: PartDigest | None) -> Iterator[Member]:
    """The files in an archive; raises InputError, and DamagedError when there is no going on."""
    seen = Counter[str]()
    for raw, content in _in_zip(shard) if shard.format == "zip" else _in_tar(shard, digest):
        name = raw.encode(errors="backslashreplace").decode()  # bytes that are no text are escapes
        seen[name] += 1
        yield Member(name, name if seen[name] == 1 else f"{name} ({seen[name]})", content)


@contextmanager
def opened_zip(shard: Shard) -> Iterator[zipfile.ZipFile]:
    """The archive with its list of files read; raises InputError when it has none."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(closing(open_input(shard.path)))
            if compression.is_compressed(file.read(compression.MAGIC)):
                path = stack.enter_context(temporary_file(compression.blocks(file), redact(shard.path)))
                file = stack.enter_context(path.open("rb"))
            yield stack.enter_context(zipfile.ZipFile(file))
    except (*_ZIP_DAMAGE, compression.DamagedError) as error:
        problem = f"this is not a zip file, or it is damaged or cut off: {error}"
        raise InputError(redact(shard.path), problem, "its list of files is at its end") from None
    except OSError as error:
        raise unreadable(shard.path, error) from None


def _in_zip(shard: Shard) -> Iterator[tuple[str, Iterator[bytes]]]:
    with opened_zip(shard) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, _of_zip(archive, info)


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    if info.flag_bits & LOCKED:
        raise InputError(info.filename, "it is protected by a password", "unpack it")
    try:
        with archive.open(info) as file:
            while block := file.read(compression.BLOCK):
                yield block
    except _ZIP_DAMAGE as error:
        raise compression.DamagedError(str(error)) from None
    except OSError as error:
        if error.errno not in {None, errno.EINVAL}:  # bz2's word for damage; a place that is none
            raise
        raise compression.DamagedError(str(error)) from None


def _in_tar(shard: Shard, digest: PartDigest | None) -> Iterator[tuple[str, Iterator[bytes]]]:
    try:
        with closing(open_input(shard.path)) as opened:
            content = _Stream(compression.blocks(digest.of_reads(opened) if digest else opened))
            # several archives in one file follow each other after zeros
            with tarfile.open(fileobj=content, mode="r|", tarinfo=_Header, ignore_zeros=True) as archive:  # type: ignore[call-overload]
                while (info := archive.next()) is not None:
                    archive.members = []  # which it would keep all
                    if info.isreg():
                        yield info.name, _of_tar(archive, info, content)
                if not content.ended:
                    raise content.damage
    except tarfile.TarError as error:
        raise compression.DamagedError(f"the archive is damaged: {error}") from None
    except OSError as error:
        raise unreadable(shard.path, error) from None


def _of_tar(archive: tarfile.TarFile, info: tarfile.TarInfo, content: _Stream) -> Iterator[bytes]:
    """The file as far as it goes, of which tarfile's own reading loses the last block."""
    try:
        if info.issparse():
            file = archive.extractfile(info)
            while file and (block := file.read(compression.BLOCK)):
                yield block
            return
        stream, left = archive.fileobj, info.size
        stream.seek(info.offset_data)
        while left:
            block = stream.read(min(left, compression.BLOCK))
            if not block:
                raise content.damage
            yield block
            left -= len(block)
    except tarfile.TarError as error:
        raise compression.DamagedError(f"the archive is damaged: {error}") from None


class _Stream:
    """Blocks as the file that tarfile reads, which end where they are damaged; ended: whether the last that was read
    is what ends an archive; damage: what to raise otherwise.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.ended = False
        self.damage = compression.DamagedError("the archive ends early")

    def read(self, size: int) -> bytes:
        """A block, whatever its size, none at the end."""
        try:
            block = next(self._blocks, b"")
        except compression.DamagedError as error:
            self.damage, self.ended = error, False
            return b""
        if block:
            self.ended = not block[-tarfile.BLOCKSIZE :].strip(b"\0")
        return block


class _Header(tarfile.TarInfo):
    """A header of which damage is an error, which tarfile takes for the end or passes over."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Header:
        """Raises DamagedError for a header that is none."""
        try:
            return super().fromtarfile(archive)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise compression.DamagedError(f"the archive is damaged or ends early: {error}") from None


def is_tar(head: bytes) -> bool:
    """Whether a file that begins so, below its compression, is a tar archive."""
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return not head.strip(b"\0")  # without files
    return True
