"""What each file of a source is, and where it is cut."""

import os

import pytest

from refinery.errors import InputError
from refinery.sources.documents import SourceSpec
from refinery.sources.file_cuts import cut_file, cut_files, whole_file
from refinery.sources.find import find
from tests.conftest import write_parquet


@pytest.fixture
def spec(tmp_path) -> SourceSpec:
    """A folder of JSON Lines, Parquet, notes and a broken file."""
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n' * 200)
    write_parquet(tmp_path / "b.parquet", [{"text": "two"}])
    (tmp_path / "c.dat").write_bytes(bytes(range(256)))
    (tmp_path / "d.parquet").write_bytes(b"PAR1 and no more")
    return SourceSpec("s", (str(tmp_path),))


def test_each_file_has_its_format_and_cuts_or_its_problem(spec):
    """In their order; what is of no format has no cuts."""
    found = {file.relative: one for file, one in cut_files(find(spec.path).files, spec, 1000, {})}
    assert [*found] == ["a.jsonl", "b.parquet", "c.dat", "d.parquet"]
    assert isinstance(found.pop("d.parquet"), InputError)
    assert {name: one.format for name, one in found.items()} == {
        "a.jsonl": "jsonl", "b.parquet": "parquet", "c.dat": "",
    }  # fmt: skip
    cuts = found["a.jsonl"].cuts
    assert len(cuts) == 3 and (cuts[0].start, cuts[-1].stop) == (0, -1)
    assert [one.stop for one in cuts[:-1]] == [one.start for one in cuts[1:]]


def test_what_is_known_is_not_looked_at_again(spec, tmp_path):
    """Until its content is another one."""
    os.utime(tmp_path / "a.jsonl", (0, 0))  # what was written just now is looked at again
    files = find(spec.path).files[:1]
    ((_, first),) = cut_files(files, spec, 1000, {})
    ((_, again),) = cut_files(files, spec, 1000, {"a.jsonl": first})
    assert again is first
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n' * 10)
    ((_, other),) = cut_files(find(spec.path).files[:1], spec, 1000, {"a.jsonl": first})
    assert other.identity != first.identity and len(other.cuts) == 1


def test_a_file_alone_must_be_of_a_format(spec):
    """Among others it is passed over."""
    file = find(spec.path).files[2]
    assert cut_file(file, spec, 1000, (), alone=False)[0] == ""
    with pytest.raises(InputError, match="the format cannot be told by its name or content"):
        cut_file(file, spec, 1000, (), alone=True)
    assert (whole_file(file, spec, "jsonl", ()).start, whole_file(file, spec, "jsonl", ()).stop) == (0, -1)
