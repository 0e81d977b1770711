import numpy as np
import pytest

from refinery.dedup import spill
from refinery.errors import OutputError


@pytest.mark.parametrize("ranges", [1, 7, 1000])
def test_every_record_is_read_once_from_its_range(tmp_path, monkeypatch, ranges):
    """Records of several writers, each in several runs, come back range by range, ranges in order of the hash."""
    monkeypatch.setattr(spill, "BUFFER_BYTES", 2000)
    generator = np.random.default_rng(1)
    records = np.empty(1000, spill.BAND)
    records["high"], records["document"] = (
        generator.integers(0, 2**64, 1000, dtype=np.uint64),
        np.arange(1000),
    )
    paths = [tmp_path / "a.spill", tmp_path / "b.spill", tmp_path / "empty.spill"]
    for path, part in zip(paths, (records[:700], records[700:], records[:0]), strict=True):
        with spill.RangeWriter(path, spill.BAND, ranges) as writer:
            for start in range(0, len(part), 90):
                writer.write(part[start : start + 90])
    found = [spill.read_range(paths, spill.BAND, number) for number in range(ranges)]
    assert sorted(np.concatenate(found).tolist()) == sorted(records.tolist())
    highest = [part["high"].max() for part in found if len(part)]
    lowest = [part["high"].min() for part in found if len(part)]
    assert all(high < low for high, low in zip(highest, lowest[1:], strict=False))
    assert not list(tmp_path.glob("*.tmp"))


def test_a_failed_writer_leaves_what_was_there(tmp_path):
    """An error in between replaces nothing and leaves no temporary file."""
    path = tmp_path / "a.spill"
    spill.save(path, np.arange(3))
    with pytest.raises(ZeroDivisionError), spill.replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert spill.load(path).tolist() == [0, 1, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.spill"]


def test_an_unwritable_folder_is_an_output_error(tmp_path):
    """The message names the file."""
    with pytest.raises(OutputError, match=r"missing.a\.spill: cannot be written"):
        spill.save(tmp_path / "missing" / "a.spill", np.arange(3))


def test_empty_arrays_are_read_back(tmp_path):
    """Files without values cannot be mapped, and are read all the same."""
    spill.save(tmp_path / "a.spill", np.empty(0, spill.PAIR))
    assert len(spill.load(tmp_path / "a.spill")) == 0
    (tmp_path / "b.spill").touch()
    assert spill.load_raw(tmp_path / "b.spill", np.uint32, 112).shape == (0, 112)


def test_ranges_are_as_many_as_their_size_demands():
    """At least one, and no more than their numbers can hold."""
    assert spill.range_count(0, spill.BAND, 100) == 1
    assert spill.range_count(100, spill.BAND, 100) == 16
    assert spill.range_count(10**12, spill.BAND, 1) == 1 << 15
