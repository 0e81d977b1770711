import sys

from hypothesis import given
from hypothesis import strategies as st

from refinery.plan.present import Present
from refinery.storage.place import place_of

NAME = st.sampled_from(["a.parquet", "b.json", ".a.parquet.1-2.tmp"])
FILES = st.dictionaries(st.tuples(st.sampled_from(["ab/abc", "ab/abd", "cd/cde"]), NAME), st.integers(0, 2))


@given(FILES)
def test_the_files_that_are_not_empty_are_there(files):
    """By their whole path; what a killed process left is told apart, empty or not."""
    present = Present(place_of("/w/shards"))
    for (folder, name), size in files.items():
        present.add(f"{folder}/{name}", size)
    for folder in ("ab/abc", "ab/abd", "cd/cde", "ab"):
        for name in ("a.parquet", "b.json"):
            assert (f"/w/shards/{folder}/{name}" in present) == bool(files.get((folder, name)))
    assert "/other/ab/abc/a.parquet" not in present
    left = {f"/w/shards/{folder}/{name}" for folder, name in files if name.endswith(".tmp")}
    assert set(present.leftovers) == left


def test_a_file_takes_few_bytes():
    """Of ten thousand folders with fourteen files each."""
    names = [f"measured-{n:02}-{'0' * 32}.parquet" for n in range(14)]
    folders = [f"{n % 256:02x}/{n:032x}" for n in range(10_000)]
    present = Present(place_of("/w"))
    for folder in folders:
        for name in names:
            present.add(f"{folder}/{name}", 1)
    sizes = sum(sys.getsizeof(folders) for folders in present._folders.values())
    assert sizes / 140_000 < 70
    assert len({id(folder) for folders in present._folders.values() for folder in folders}) == len(folders)
