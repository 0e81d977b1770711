import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.dedup import spill
from refinery.errors import DamagedFile, OutputError

RECORD = np.dtype([("high", np.uint64), ("document", np.int64)])


@pytest.mark.parametrize("parts", [1, 7, 1000])
def test_every_record_is_read_once_from_its_part(tmp_path, parts):
    """Records of several writers, each in several blocks, come back part by part, parts in order of the hash."""
    generator = np.random.default_rng(1)
    records = np.empty(1000, RECORD)
    records["high"] = generator.integers(0, 2**64, 1000, dtype=np.uint64)
    records["document"] = np.arange(1000)
    places = [tmp_path / "a.spill", tmp_path / "b.spill", tmp_path / "empty.spill"]
    for place, part in zip(places, (records[:700], records[700:], records[:0]), strict=True):
        with spill.CutWriter(place, RECORD, parts, 2000) as writer:
            for start in range(0, len(part), 90):
                block = part[start : start + 90]
                writer.write(block, spill.part_of(block["high"], parts))
        assert writer.written == len(part)
    found = [spill.read_cut(places, RECORD, parts, number) for number in range(parts)]
    assert sorted(np.concatenate(found).tolist()) == sorted(records.tolist())
    assert [spill.cut_size(places, parts, number) for number in range(parts)] == [len(p) for p in found]
    highest = [part["high"].max() for part in found if len(part)]
    lowest = [part["high"].min() for part in found if len(part)]
    assert all(high < low for high, low in zip(highest, lowest[1:], strict=False))
    assert not list(tmp_path.glob(".*"))


def test_a_part_keeps_the_order_of_its_records(tmp_path):
    """What is written first is read first, so a file's bytes depend on nothing but its records."""
    values = np.arange(100)
    spill.write_cut(tmp_path / "a.spill", values, values % 3, 3)
    assert spill.read_cut([tmp_path / "a.spill"], values.dtype, 3, 1).tolist() == list(range(1, 100, 3))


def test_finer_parts_lie_within_the_coarser_ones():
    """Cuts into 5 * 7 parts refine the cuts into 5."""
    high = np.random.default_rng(2).integers(0, 2**64, 10000, dtype=np.uint64)
    assert (spill.part_of(high, 35) // 7 == spill.part_of(high, 5)).all()


def test_neighbours_are_scattered_over_parts():
    """Consecutive numbers come into parts of like size."""
    counts = np.bincount(spill.part_of(spill.scattered(np.arange(100_000)), 10), minlength=10)
    assert counts.min() > 9000 and counts.max() < 11000


def test_a_failed_writer_leaves_what_was_there(tmp_path):
    """An error in between replaces nothing and leaves no temporary file."""
    place = tmp_path / "a.spill"
    spill.save(place, np.arange(3))
    with pytest.raises(ZeroDivisionError), spill.CutWriter(place, RECORD, 2, 1) as writer:
        writer.write(np.zeros(3, RECORD), np.zeros(3, np.int64))
        raise ZeroDivisionError
    assert spill.load(place, np.dtype(np.int64)).tolist() == [0, 1, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.spill"]


def test_an_unwritable_folder_is_an_output_error(tmp_path):
    """The message names the folder."""
    with pytest.raises(OutputError, match=r"missing: the folder does not exist"):
        spill.save(tmp_path / "missing" / "a.spill", np.arange(3))


def test_what_is_gone_or_cut_off_is_told(tmp_path):
    """Records or bounds that are missing are an error that names the file, never fewer records."""
    places = [tmp_path / "a.spill", tmp_path / "b.spill"]
    for place in places:
        spill.write_cut(place, np.arange(1000), np.arange(1000) % 4, 4)
    with pytest.raises(DamagedFile, match=r"a\.bounds.*of 5 parts"):
        spill.read_cut(places, np.dtype(np.int64), 5, 0)
    places[0].write_bytes(places[0].read_bytes()[:5000])
    with pytest.raises(DamagedFile, match=r"a\.spill.*125 of 250"):
        spill.read_cut(places, np.dtype(np.int64), 4, 2)
    places[0].unlink()
    with pytest.raises(DamagedFile, match=r"a\.spill.*gone"):
        spill.read_cut(places, np.dtype(np.int64), 4, 2)
    places[0].with_suffix(".bounds").unlink()
    with pytest.raises(DamagedFile, match=r"a\.bounds.*gone"):
        spill.read_cut(places, np.dtype(np.int64), 4, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.sampled_from(["a.spill", "a.bounds", "b.spill"]), st.integers(0, 10**9), st.integers(0, 7))
def test_a_flipped_bit_is_told_and_never_data(tmp_path, name, place, bit):
    """In records, in where they lie, in a file that is read whole; parts that it does not touch are as they were."""
    values = np.arange(60)
    spill.write_cut(tmp_path / "a.spill", values, values % 3, 3)
    spill.save(tmp_path / "b.spill", values)
    content = bytearray((tmp_path / name).read_bytes())
    content[place % len(content)] ^= 1 << bit
    (tmp_path / name).write_bytes(content)
    reads = [lambda n=n: spill.read_cut([tmp_path / "a.spill"], values.dtype, 3, n) for n in range(3)]
    reads += [lambda: spill.read_whole(tmp_path / "a.spill", values.dtype, 3)]
    reads += [lambda: spill.load(tmp_path / "b.spill", values.dtype)]
    expected = [
        values[0::3],
        values[1::3],
        values[2::3],
        values[np.argsort(values % 3, kind="stable")],
        values,
    ]
    damaged = []
    for number, read in enumerate(reads):
        try:
            assert (read() == expected[number]).all()
        except DamagedFile as error:
            assert error.place == str(tmp_path / name)
            damaged.append(number)
    assert damaged == {"a.bounds": [0, 1, 2, 3], "b.spill": [4]}.get(name, [place % 480 // 160, 3])


def test_a_failure_at_the_end_leaves_nothing(tmp_path):
    """Where the parts lie cannot be written: the records do not appear, and no temporary file stays."""
    (tmp_path / "a.bounds").mkdir()
    with pytest.raises(OutputError):
        spill.write_cut(tmp_path / "a.spill", np.arange(3), np.zeros(3, np.int64), 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bounds"]


def test_a_file_is_read_through_in_blocks(tmp_path):
    """Every record comes once, in order, a writer's block at a time."""
    with spill.CutWriter(tmp_path / "a.spill", np.dtype(np.int64), 1, 56) as writer:
        for start in range(0, 20, 7):
            block = np.arange(start, min(start + 7, 20))
            writer.write(block, np.zeros(len(block), np.int64))
    blocks = [block.tolist() for block in spill.each_cut([tmp_path / "a.spill"], np.dtype(np.int64), 1, 0)]
    assert [len(block) for block in blocks] == [7, 7, 6]
    assert [n for block in blocks for n in block] == list(range(20))


def test_tables_of_bytes_are_parts_of_their_own(tmp_path):
    """Each blob is read by its number; an empty one is no block."""
    spill.write_blobs(tmp_path / "a.spill", [b"one", b"", b"three"])
    found = [list(spill.each_cut([tmp_path / "a.spill"], np.dtype(np.uint8), 3, n)) for n in range(3)]
    assert [[block.tobytes() for block in blocks] for blocks in found] == [[b"one"], [], [b"three"]]


def test_parts_are_as_many_as_their_size_demands():
    """At least one, and no more than can be numbered."""
    assert spill.part_count(0, RECORD, 100) == 1
    assert spill.part_count(100, RECORD, 100) == 16
    assert spill.part_count(10**12, RECORD, 1) == spill.MOST_PARTS


def test_ranges_grow_with_the_root_of_the_corpus():
    """So that a read of a range from each stretch's file has a megabyte, within bounds of memory."""
    assert spill.range_bytes(1000, 16) == spill.LEAST_BYTES
    assert spill.range_bytes(10**12, 16) == spill.MOST_BYTES
    size = spill.range_bytes(9 * 10**8, 16)
    assert size / (9 * 10**8 * 16 / size) == pytest.approx(spill.READ_BYTES, rel=0.01)
