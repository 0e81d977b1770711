"""Model files of arrays: what is read of one, and what another file is told."""

import io
import zipfile

import numpy as np
import pytest

from refinery.errors import InputError
from refinery.models.npz import Form

FORM = Form("a small model", 3, 2, ("first", "second"), 1 << 20, "make one")


def saved(**arrays: np.ndarray) -> bytes:
    """A file of the form, but for some arrays."""
    content = io.BytesIO()
    small = {"format": np.array([3, 7]), "first": np.arange(2), "second": np.ones(1, np.float32)}
    np.savez(content, **{**small, **arrays})
    return content.getvalue()


def bomb() -> bytes:
    """A small file that unpacks to much."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first.npy", b"\0" * (2 << 20))
    return content.getvalue()


def without(name: str) -> bytes:
    """A file that lacks an array."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved())) as whole, zipfile.ZipFile(content, "w") as archive:
        for entry in whole.namelist():
            if entry != f"{name}.npy":
                archive.writestr(entry, whole.read(entry))
    return content.getvalue()


def test_arrays_are_read_in_order_and_cannot_be_written():
    """Workers share what is read, so nobody may change it."""
    numbers, (first, second) = FORM.read(saved(), "here.npz")
    assert (numbers, first.tolist(), second.tolist()) == ([7], [0, 1], [1.0])
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a small model"),
        (b"<html>", "not a small model"),
        (saved()[:-30], "not a small model"),
        (saved(first=np.array([{}], object)), "not a small model"),
        (without("second"), "not a small model: 'second"),
        (without("format"), "not a small model: 'format"),
        (bomb(), "not a small model: it unpacks to more"),
        (saved(format=np.array([4, 7])), "a small model of another version"),
        (saved(format=np.array([3])), "a small model of another version"),
        (saved(format=np.array([3.0, 7.0])), "a small model of another version"),
    ],
)
def test_other_files_are_refused(content, problem):
    """Empty, HTML, cut short, pickled objects, arrays left out, a zip bomb, another version."""
    with pytest.raises(InputError, match=f"here.npz: {problem}.*make one"):
        FORM.read(content, "here.npz")
