import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.errors import DamagedFile, OutputError
from refinery.shuffle.blocks import PIECE_BYTES, BlockWriter, find_ranges, read_ranges, read_whole
from refinery.storage.place import place_of

PARTITIONS = 3
BLOCK = st.lists(st.binary(max_size=20), min_size=PARTITIONS, max_size=PARTITIONS)


def write(place, blocks: list[list[bytes]]) -> None:
    """Each block from the bytes of its partitions."""
    with BlockWriter(place, PARTITIONS) as writer:
        for block in blocks:
            writer.write(b"".join(block), np.cumsum([0, *map(len, block)]))


def read(places, partition: int) -> list[bytes]:
    """The bytes of a partition in each block that has any."""
    return [content.tobytes() for content in read_ranges(find_ranges(places, PARTITIONS, partition))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.lists(BLOCK, min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_partition_is_read_without_the_rest(tmp_path, files):
    """From every block of every file, in order; in a file each partition is in one piece."""
    places = [tmp_path / f"{n}.records" for n in range(len(files))]
    for place, blocks in zip(places, files, strict=True):
        write(place, blocks)
        whole = b"".join(block[partition] for partition in range(PARTITIONS) for block in blocks)
        assert read_whole(place, PARTITIONS).tobytes() == whole
    for partition in range(PARTITIONS):
        expected = [block[partition] for blocks in files for block in blocks if block[partition]]
        assert read(places, partition) == expected


@pytest.mark.parametrize("size", [20, 3 << 19])
def test_parts_that_lie_together_are_read_by_one_request(size, proxied, s3_server):
    """Of each file one, but for pieces of more than PIECE_BYTES; the order is that of the blocks."""
    proxy = proxied()
    places = [place_of(f"{s3_server.new_bucket()}/{n}.records") for n in range(2)]
    blocks = [[bytes([block, part]) * (size // 2) for part in range(PARTITIONS)] for block in range(5)]
    for place in places:
        write(place, blocks)
    for partition in range(PARTITIONS):
        before = len(proxy.requests)
        assert read(places, partition) == [block[partition] for block in blocks] * 2
        ranged = [request for request in proxy.requests[before:] if request.range]
        assert len(ranged) == len(places) * -(-5 // min(5, PIECE_BYTES // size))


def test_blocks_that_wait_leave_nothing(tmp_path):
    """They have no name, and are gone with the writer, whether it ends well or not."""
    write(tmp_path / "a.records", [[b"one", b"two", b""]] * 3)
    with pytest.raises(ZeroDivisionError), BlockWriter(tmp_path / "b.records", PARTITIONS) as writer:
        writer.write(b"x", np.array([0, 1, 1, 1]))
        raise ZeroDivisionError
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.bounds", "a.records"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.sampled_from(["records", "bounds"]), st.integers(0, 10**9), st.integers(0, 7))
def test_a_flipped_bit_is_told_and_never_data(tmp_path, ending, at, bit):
    """In the bytes, or in where they lie; partitions that it does not touch are as they were."""
    blocks = [[b"a" * 40, b"b" * 40, b"c" * 40], [b"d" * 40, b"", b"e" * 40]]
    place = tmp_path / "a.records"
    write(place, blocks)
    file = tmp_path / f"a.{ending}"
    content = bytearray(file.read_bytes())
    at %= len(content)
    content[at] ^= 1 << bit
    file.write_bytes(content)
    damaged = []
    for partition in range(PARTITIONS):
        try:
            assert read([place], partition) == [block[partition] for block in blocks if block[partition]]
        except DamagedFile as error:
            assert error.place == str(file)
            damaged.append(partition)
    with pytest.raises(DamagedFile):
        read_whole(place, PARTITIONS)
    assert damaged == ([0, 1, 2] if ending == "bounds" else [[0, 0, 1, 2, 2][at // 40]])


@pytest.mark.parametrize("change", [lambda content: content + b"x" * 16, lambda content: content[:-1]])
def test_a_whole_file_of_another_length_is_damaged(tmp_path, change):
    """Bytes after the last block are no data, nor is a file that was cut off."""
    place = tmp_path / "a.records"
    write(place, [[b"one", b"", b"three"], [b"", b"two", b""]])
    place.write_bytes(change(place.read_bytes()))
    with pytest.raises(DamagedFile, match=r"a\.records: damaged: it has (27|10) bytes, not 11"):
        read_whole(place, PARTITIONS)


def test_a_failure_at_the_end_leaves_nothing(tmp_path):
    """Where the partitions lie cannot be written: the bytes do not appear, and no temporary file stays."""
    (tmp_path / "a.bounds").mkdir()
    with pytest.raises(OutputError):
        write(tmp_path / "a.records", [[b"one", b"", b""]])
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bounds"]
