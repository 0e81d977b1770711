"""Content that has to be read from its end, as Parquet, in a temporary file without its compression."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from refinery.errors import InputError, StorageError

MAX_BYTES = 64 * 2**30  # of a temporary file


@contextmanager
def temporary_file(blocks: Iterable[bytes], name: str) -> Iterator[Path]:
    """A file with the blocks as its content, there as long as the context is; name: what errors call it.

    Raises InputError when the content has more than MAX_BYTES, StorageError when the disk is full, and what `blocks`
    raises.
    """
    with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
        path = Path(folder) / "content"
        size = 0
        try:
            with path.open("wb") as file:
                for block in blocks:
                    size += len(block)
                    if size > MAX_BYTES:
                        raise InputError(
                            name, f"more than {MAX_BYTES >> 30} GiB once unpacked", "unpack it yourself"
                        )
                    file.write(block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            where = f"{Path(folder).parent} is full; set TMPDIR to a folder on a larger disk"
            raise StorageError(name, f"cannot be unpacked: {where}") from None  # that is not the file's fault
        yield path
