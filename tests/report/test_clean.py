"""What `refinery clean` says."""

from dataclasses import replace
from pathlib import Path

from refinery.report.clean import lines_of
from refinery.run.clean import Cleaning, Unneeded

FOUND = Cleaning(
    Path("/data/.refinery"),
    files=1234,
    kinds={"measurements": 4_000_000, "logs": 1_000_000},
    pipelines={"medical-en": "/data/pipeline.yaml"},
    unneeded=(
        Unneeded("shards", (Path("a"), Path("b")), 3_000_000),
        Unneeded("decisions", (Path("c"),), 1000),
    ),
    removed=False,
)


def test_each_kind_stands_with_its_size():
    """The folder and what lies there, the pipelines that it is known to, what can go, and the sum with what to do."""
    lines = list(lines_of(FOUND))
    assert lines[0] == "/data/.refinery: 5.0 MB in 1,234 files"
    assert lines[1:3] == ["  4.0 MB: measurements", "  1.0 MB: logs"]
    assert lines[3] == "  known: medical-en (/data/pipeline.yaml)"
    assert lines[4] == "  3.0 MB in 2 files: shards of files that have changed or are gone"
    assert lines[5] == "  1.0 kB in 1 file: decisions by other rules"
    assert lines[6] == "No pipeline needs 3.0 MB in 3 files. Nothing was removed: --force does it."


def test_what_was_removed_is_told():
    """And that there was nothing to remove."""
    assert list(lines_of(replace(FOUND, removed=True)))[-1] == "Removed: 3.0 MB in 3 files."
    assert list(lines_of(replace(FOUND, unneeded=())))[-1] == "All of it is needed."
