"""Files come out of an archive as they went in."""

from pathlib import Path

import pytest

from refinery.sources.archived_files import is_tar, members
from refinery.sources.documents import Shard
from tests.sources.test_archives import tar, zipped


@pytest.mark.parametrize(("format", "pack"), [("tar", tar), ("zip", zipped)])
def test_names_and_contents(tmp_path, format, pack):
    """In order, of any size and of none, with names of any script and length."""
    files = {"a": b"", "ü/法.txt": b"x" * 3_000_000, f"{'long/' * 60}b": b"y", "a2": b"z"}
    path = tmp_path / "archive"
    path.write_bytes(pack(files))
    shard = Shard("s", str(path), path.name, format, 0, -1, 0, None, path.stat().st_size, "")
    assert {one.path: b"".join(one.content) for one in members(shard, None)} == files


def test_a_tar_is_told_by_its_first_header():
    """Old ones have no magic word, only a sum."""
    old = bytearray(tar({"a": b"x"}))
    old[257:265] = bytes(8)
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + sum(old[156:512]) + 8 * 32)
    assert is_tar(bytes(old)) and is_tar(tar({"a": b"x"})) and is_tar(tar({}))
    assert not is_tar(Path(__file__).read_bytes())
