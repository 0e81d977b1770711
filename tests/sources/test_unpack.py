"""Content in a temporary file."""

import pytest

from refinery.errors import InputError
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
