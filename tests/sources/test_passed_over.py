"""Files that are passed over are counted by ending and reason."""

from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.find import FileState, FoundFile
from refinery.sources.passed_over import PassedOver, passed_over


def _file(relative: str, size: int = 1) -> FoundFile:
    return FoundFile(f"/data/{relative}", relative, FileState(size, "1"))


def test_files_are_counted_by_ending_and_reason():
    """The most numerous first; endings in any case; the example is the first one, by its path below the root."""
    files = [(_file("a/x.CRC", 3), "stray name"), (_file("b.7z", 10), "unknown format")]
    files += [(_file("y.crc", 4), "stray name"), (_file("LICENSE", 5), "unknown format")]
    assert passed_over(files) == (
        PassedOver("stray name", ".crc", 2, 7, "a/x.CRC"),
        PassedOver("unknown format", "", 1, 5, "LICENSE"),
        PassedOver("unknown format", ".7z", 1, 10, "b.7z"),
    )
    assert str(passed_over(files)[0]) == "2 .crc files (stray name), such as a/x.CRC"
    assert str(passed_over(files)[1]) == "1 file (unknown format), such as LICENSE"


@given(st.lists(st.tuples(st.sampled_from(["a.x", "b.y", "c"]), st.integers(-1, 9))))
def test_no_file_is_lost(files):
    """All are counted; one whose size is not known, a dangling link, counts as empty."""
    found = passed_over((_file(name, size), "stray name") for name, size in files)
    assert sum(one.count for one in found) == len(files)
    assert sum(one.bytes for one in found) == sum(max(size, 0) for _, size in files)
