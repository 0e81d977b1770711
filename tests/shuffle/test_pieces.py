import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.errors import DamagedFile
from refinery.shuffle.blocks import ENTRY
from refinery.shuffle.pieces import WHOLE_BYTES, find_pieces, read_pieces, read_whole
from refinery.storage.place import place_of
from tests.shuffle.test_blocks import PARTITIONS, write

BLOCK = st.lists(st.binary(max_size=20), min_size=PARTITIONS, max_size=PARTITIONS)


def read(places, partition: int) -> list[bytes]:
    """The bytes of a partition in each block that has any."""
    return [content.tobytes() for content in read_pieces(find_pieces(places, PARTITIONS, partition))]


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
def test_a_partition_takes_two_requests_a_file(size, proxied, s3_server):
    """Whatever the number of blocks: header and piece; a piece of more than WHOLE_BYTES takes its index and parts."""
    proxy = proxied()
    places = [place_of(f"{s3_server.new_bucket()}/{n}.records") for n in range(2)]
    blocks = [[bytes([block, part]) * (size // 2) for part in range(PARTITIONS)] for block in range(5)]
    for place in places:
        write(place, blocks)
    assert proxy.counted()["PUT"] == len(places)
    for partition in range(PARTITIONS):
        before = len(proxy.requests)
        assert read(places, partition) == [block[partition] for block in blocks] * 2
        ranged = [request for request in proxy.requests[before:] if request.range]
        assert len(ranged) == len(proxy.requests) - before
        assert len(ranged) == len(places) * (
            2 if 5 * size < WHOLE_BYTES else 2 + -(-5 // (WHOLE_BYTES // size))
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.integers(0, 10**9), st.integers(0, 7))
def test_a_flipped_bit_is_told_and_never_data(tmp_path, at, bit):
    """In the header, a part or an index; partitions that it does not touch are as they were."""
    blocks = [[b"a" * 40, b"b" * 40, b"c" * 40], [b"d" * 40, b"", b"e" * 40]]
    place = tmp_path / "a.records"
    write(place, blocks)
    content = bytearray(place.read_bytes())
    at %= len(content)
    content[at] ^= 1 << bit
    place.write_bytes(content)
    damaged = []
    for partition in range(PARTITIONS):
        try:
            assert read([place], partition) == [block[partition] for block in blocks if block[partition]]
        except DamagedFile as error:
            assert error.place == str(place)
            damaged.append(partition)
    with pytest.raises(DamagedFile):
        read_whole(place, PARTITIONS)
    header = ENTRY.itemsize * PARTITIONS
    pieces = np.cumsum([header, 80 + 40, 40 + 24])
    expected = at // ENTRY.itemsize if at < header else int(np.searchsorted(pieces, at, "right")) - 1
    assert damaged == [expected]


@pytest.mark.parametrize("change", [lambda content: content + b"x" * 16, lambda content: content[:-1]])
def test_a_whole_file_of_another_length_is_damaged(tmp_path, change):
    """Bytes after the last piece are no data, nor is a file that was cut off."""
    place = tmp_path / "a.records"
    write(place, [[b"one", b"", b"three"], [b"", b"two", b""]])
    place.write_bytes(change(place.read_bytes()))
    with pytest.raises(DamagedFile, match=r"a\.records: damaged: it has (195|178) bytes, not 179"):
        read_whole(place, PARTITIONS)


def test_other_partitions_than_were_written_are_told(tmp_path):
    """A reader with another number of them would read one for another."""
    place = tmp_path / "a.records"
    write(place, [[b"one", b"", b"three"]])
    for read_it in (lambda: find_pieces([place], 4, 1), lambda: read_whole(place, 4)):
        with pytest.raises(DamagedFile, match="it does not tell where 4 partitions lie"):
            read_it()
