"""A file is known by its content: what changes that is noticed, what does not is no change."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources.digest import part_hashes
from refinery.sources.find import FileState, state
from refinery.sources.identity import (
    COVERED,
    HEAD,
    file_head,
    identity_of,
    part_digest,
    verify_unchanged,
)
from refinery.sources.shards import list_shards

from .reading import spec

LARGE = COVERED + 50_000


def write(path: Path, size: int, seed: int = 0) -> Path:
    path.write_bytes(np.random.default_rng(seed).bytes(size))
    return path


def flip(path: Path, place: int) -> None:
    """Changes one byte; size and time stamp stay."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def found(path: Path) -> tuple[str, str]:
    """Identity and hash of the whole."""
    return identity_of(str(path), state(str(path))), part_hashes(str(path), path.stat().st_size, 1)[0]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([1, 1000, COVERED, COVERED + 1, LARGE, 2_000_000]), st.floats(0, 1, exclude_max=True))
def test_any_byte_is_noticed(size: int, where: float) -> None:
    """By the identity if the file is small or the byte lies at an end, by the hash of the whole always."""
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "a", size)
        place = int(size * where)
        before = found(path)
        flip(path, place)
        after = found(path)
        if size <= COVERED or min(place, size - 1 - place) < COVERED // 16:
            assert after[0] != before[0]
        assert after[1] != before[1]
        flip(path, place)
        assert found(path) == before


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 3 * COVERED), st.integers(0, 2**40))
def test_neither_time_nor_place_is_a_change(size: int, stamp: int) -> None:
    """A copy under another name with another time stamp has the same identity."""
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "a", size)
        before = found(path)
        copy = write(Path(folder) / "copy", size)
        os.utime(copy, ns=(0, stamp))
        assert found(copy) == before


def test_files_that_differ_in_size_alone_differ() -> None:
    """The same bytes once more, and zeros of any length."""
    with TemporaryDirectory() as folder:
        sizes = (0, 1, 2, COVERED, COVERED + 1, LARGE)
        paths = [Path(folder) / str(size) for size in sizes]
        for path, size in zip(paths, sizes, strict=True):
            path.write_bytes(bytes(size))
        assert len({found(path)[0] for path in paths}) == len(sizes)


def test_a_tag_stands_for_the_content() -> None:
    """A store's tag is enough: the object is not read; another tag or size is another file."""
    tags = [FileState(1, "a", tagged=True), FileState(2, "a", tagged=True), FileState(1, "b", tagged=True)]
    assert len({identity_of("s3://nowhere/a", tag) for tag in tags}) == 3


def test_only_what_the_identity_does_not_cover_is_hashed_again(tmp_path):
    """A small file is hashed whole by its identity; a shard of a large one hashes its part."""
    (tmp_path / "small.jsonl").write_text('{"text": "x"}\n')
    (shard,) = list_shards(spec(tmp_path / "small.jsonl")).shards
    assert part_digest(shard) is None
    (tmp_path / "large.jsonl").write_text('{"text": "x"}\n' * 30_000)
    shards = list_shards(spec(tmp_path / "large.jsonl"), 200_000).shards
    assert tuple(part_digest(shard).hexdigest() for shard in shards) == part_hashes(
        shards[0].path, 420_000, 2
    )
    (tmp_path / "large.jsonl").unlink()
    with pytest.raises(InputError, match=r"large\.jsonl: cannot be read"):
        part_digest(shards[0])


def test_the_head_is_the_beginning(tmp_path):
    """64 KiB, or the file if it is shorter."""
    path = write(tmp_path / "a", LARGE)
    assert file_head(str(path), LARGE) == path.read_bytes()[:HEAD]
    assert file_head(str(write(tmp_path / "b", 5)), 5) == (tmp_path / "b").read_bytes()


def test_a_file_that_changed_since_planning_is_an_error(tmp_path):
    """It is named, even if it changed within a tick of the clock; one that is gone is an error too."""
    path = tmp_path / "p1.jsonl"
    path.write_text('{"text": "t"}\n')
    (shard,) = list_shards(spec(path)).shards
    verify_unchanged([shard])
    flip(path, 10)
    assert state(str(path)).stamp == shard.stamp
    with pytest.raises(InputError, match=r"p1\.jsonl: the file has changed"):
        verify_unchanged([shard])
    flip(path, 10)
    verify_unchanged([shard])
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match=r"p1\.jsonl: the file has changed"):
        verify_unchanged([shard])
    path.unlink()
    with pytest.raises(InputError, match=r"p1\.jsonl: cannot be read: No such file"):
        verify_unchanged([shard])
