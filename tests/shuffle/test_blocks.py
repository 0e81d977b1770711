import numpy as np
import pytest
from xxhash import xxh3_64_intdigest

from refinery.errors import OutputError
from refinery.shuffle.blocks import BlockWriter

PARTITIONS = 3


def write(place, blocks: list[list[bytes]]) -> None:
    """Each block from the bytes of its partitions."""
    with BlockWriter(place, PARTITIONS) as writer:
        for block in blocks:
            writer.write(b"".join(block), np.cumsum([0, *map(len, block)]))


def plain(blocks: list[list[bytes]]) -> bytes:
    """The file as its description says, put together one number after the other."""
    header, pieces, at = b"", b"", 32 * len(blocks[0])
    for parts in zip(*blocks, strict=True):
        found = [part for part in parts if part]
        index = b"".join(len(b"".join(found[: n + 1])).to_bytes(8, "little") for n in range(len(found)))
        index += b"".join(xxh3_64_intdigest(part).to_bytes(8, "little") for part in found)
        piece = b"".join(found) + index + xxh3_64_intdigest(index).to_bytes(8, "little") if found else b""
        entry = b"".join(n.to_bytes(8, "little") for n in (at, at + len(piece), len(found)))
        header += entry + xxh3_64_intdigest(entry, seed=len(blocks[0])).to_bytes(8, "little")
        pieces += piece
        at += len(piece)
    return header + pieces


@pytest.mark.parametrize("copied", [4, 1 << 20])
def test_the_file_is_as_it_is_described(tmp_path, monkeypatch, copied):
    """Of several blocks that waited, and of one that is alone; empty parts have no place."""
    monkeypatch.setattr("refinery.shuffle.blocks.COPY_BYTES", copied)
    blocks = [[b"one", b"", b"three"], [b"", b"", b"six"]]
    write(tmp_path / "a.records", blocks)
    assert (tmp_path / "a.records").read_bytes() == plain(blocks)
    with BlockWriter(tmp_path / "b.records", PARTITIONS) as writer:
        writer.write(b"onethree", np.array([0, 3, 3, 8]), last=True)
    assert (tmp_path / "b.records").read_bytes() == plain(blocks[:1])


def test_blocks_that_wait_leave_nothing(tmp_path):
    """They have no name, and are gone with the writer, whether it ends well or not."""
    write(tmp_path / "a.records", [[b"one", b"two", b""]] * 3)
    with pytest.raises(ZeroDivisionError), BlockWriter(tmp_path / "b.records", PARTITIONS) as writer:
        writer.write(b"x", np.array([0, 1, 1, 1]))
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.records"]


def test_a_failure_at_the_end_leaves_nothing(tmp_path):
    """The file cannot take its place: nothing appears, and no temporary file stays."""
    (tmp_path / "a.records").mkdir()
    with pytest.raises(OutputError):
        write(tmp_path / "a.records", [[b"one", b"", b""]])
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.records"]
