"""Models that are .npz files: arrays of numbers, of bounded size, with a version; read without pickle."""

from __future__ import annotations

import io
import mmap
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.errors import InputError


@dataclass(frozen=True)
class Form:
    """A kind of model file, "a topic model" say.

    numbers: how many the array `format`, int64, has: the version, and what the model's size follows from; arrays: the
    names of the others; most_bytes: of the file and of what it unpacks to; hint: how such a model is made.
    """

    kind: str
    version: int
    numbers: int
    arrays: tuple[str, ...]
    most_bytes: int
    hint: str

    def read(self, content: bytes | mmap.mmap, place: str) -> tuple[list[int], list[NDArray[Any]]]:
        """The numbers behind the version, and the arrays, read-only; raises InputError for another file."""
        content = content[: self.most_bytes]
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > self.most_bytes:
                    raise ValueError(f"it unpacks to more than {self.most_bytes} bytes")
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                head, *arrays = (stored[name] for name in ("format", *self.arrays))
        except Exception as error:  # zipfile, zlib and numpy's parser of headers each raise what they like
            raise self.broken(place, str(error) or type(error).__name__) from None
        if head.dtype != np.int64 or head.shape != (self.numbers,) or head[0] != self.version:
            raise InputError(place, f"{self.kind} of another version of refinery", self.hint)
        for array in arrays:
            array.flags.writeable = False
        return head[1:].tolist(), arrays

    def broken(self, place: str, why: str) -> InputError:
        """The error of a file that is none."""
        return InputError(place, f"not {self.kind}: {why}", self.hint)
