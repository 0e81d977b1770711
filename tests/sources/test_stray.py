"""Files that only lie beside data."""

import pytest

from refinery.sources.stray import stray_names


@pytest.mark.parametrize(
    ("asked", "data", "stray"),
    [
        ("*.jsonl", ["a.jsonl", "b/a.jsonl", "READM.jsonl"], ["_a.jsonl", ".a.jsonl", "b/_c/a.jsonl", "readme.x"]),
        ("_*.jsonl", ["_a.jsonl"], ["._a.jsonl", "_b/_a.jsonl"]),
        ("*.txt", ["a.txt", "_a.txt", "LICENSE.txt", "README.txt"], [".a.txt", ".b/a.txt", "a.txt.crc"]),
        ("data", ["a.txt", "b/a.txt"], ["LICENSE.txt", "README.md", "_SUCCESS", "a.parquet.TMP"]),
    ],
)  # fmt: skip
def test_names_that_are_stray(asked, data, stray):
    """By the name or a folder below the root, unless the pattern asks for such."""
    is_stray = stray_names("/_root/.in", asked)
    assert [name for name in (*data, *stray) if is_stray(f"/_root/.in/{name}")] == stray


def test_a_url_with_dots_is_stray():
    """A name on a store that no two clients would agree on; on a disk it cannot be."""
    assert stray_names("s3://b/data", "data", of_store=True)("s3://b/data/a/../b.jsonl")
