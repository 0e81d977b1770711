"""Content in a temporary file."""

import errno
from collections.abc import Iterator

import pytest

from refinery.errors import InputError, StorageError
from refinery.sources import unpack


def test_the_file_is_gone_afterwards():
    """Whether or not all goes well."""
    with unpack.temporary_file([b"a", b"b"], "name") as path:
        assert path.read_bytes() == b"ab"
    assert not path.exists()
    with pytest.raises(ZeroDivisionError), unpack.temporary_file([b"a"], "name") as path:
        raise ZeroDivisionError
    assert not path.exists()


def test_what_has_no_end_is_refused(monkeypatch):
    """A bomb does not fill the disk."""
    monkeypatch.setattr(unpack, "MAX_BYTES", 10)
    with (
        pytest.raises(InputError, match="once unpacked"),
        unpack.temporary_file(iter(lambda: b"abc", b""), "name"),
    ):
        pass


def test_a_full_disk_is_not_the_fault_of_the_file():
    """It is an error that another attempt may do without, and no reject of what could not be unpacked."""

    def blocks() -> Iterator[bytes]:
        yield b"a"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="set TMPDIR"), unpack.temporary_file(blocks(), "name"):
        pass
