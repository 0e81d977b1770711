"""Places: local folders and object stores by the same functions."""

import tempfile
from pathlib import Path

import pytest

from refinery.errors import OutputError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import (
    exists,
    files_below,
    first_in,
    held,
    held_inputs,
    is_remote,
    lies_in,
    move_files,
    open_input,
    place_of,
    read_file,
    read_many,
    refuse_as_folder,
    remove_file,
    remove_tree,
)


def write(folder, name, content):
    make_directory((folder / name).parent)
    commit_bytes(folder / name, content)


def test_files_are_listed_read_moved_and_removed(folder):
    """The same on disk and in a store."""
    for name in ("a", "b", "sub/c"):
        write(folder, name, name.encode())
    assert files_below(folder) == {"a": 1, "b": 1, "sub/c": 5}
    assert read_many([folder / "a", folder / "none", folder / "sub" / "c"]) == [b"a", None, b"sub/c"]
    assert [exists(folder / name) for name in ("a", "none")] == [True, False]
    asked = []
    move_files([(folder / "a", folder / "b")], lambda: asked.append(True))
    assert read_file(folder / "b") == b"a"
    assert bool(asked) == is_remote(folder)
    remove_file(folder / "b")
    remove_file(folder / "b")
    assert files_below(folder) == {"sub/c": 5}
    with pytest.raises(FileNotFoundError):
        read_file(folder / "b")
    remove_tree(folder / "sub")
    remove_tree(folder / "sub")
    assert files_below(folder) == {}


def test_small_files_are_held(tmp_path, monkeypatch):
    """What is opened within is what was there; of large files and those that are not there nothing is held."""
    monkeypatch.setattr("refinery.storage.place._HELD_BYTES", 4)
    small, large = str(tmp_path / "small"), str(tmp_path / "large")
    Path(small).write_bytes(b"1234")
    Path(large).write_bytes(b"12345")
    with held_inputs([small, large, str(tmp_path / "none")]):
        Path(small).write_bytes(b"other")
        Path(large).write_bytes(b"other")
        with open_input(small) as file, open_input(large) as other:
            assert (file.read(), other.read()) == (b"1234", b"other")
        assert (held(small), held(large)) == (b"1234", None)
    assert held(small) is None


def test_a_link_to_nothing_is_no_file(tmp_path):
    """As of a file that goes while the folder is listed."""
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").symlink_to(tmp_path / "none")
    assert files_below(tmp_path) == {"a": 1}


def test_a_folder_that_cannot_be_removed_is_told(tmp_path):
    """Its name and the cause; what stayed would be taken for another run's."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=rf"^{tmp_path}/file: cannot be removed: Not a directory$"):
        remove_tree(tmp_path / "file")


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("s3://bucket/out/data.parquet", "s3://bucket/out", True),
        ("s3://bucket/out", "s3://bucket/out/", True),
        ("s3a://bucket/out/data.parquet", "s3://bucket/out", True),
        ("s3://bucket//out/data.parquet", "s3://bucket/out", True),
        ("s3://bucket/output/data.parquet", "s3://bucket/out", False),
        ("s3://other/out/data.parquet", "s3://bucket/out", False),
        ("memory://bucket/out/data.parquet", "s3://bucket/out", False),
        ("gcs://bucket/out/data.parquet", "gs://bucket/out", True),
        ("az://data/out/a", "abfs://data/out", True),
        ("abfs://data@other.dfs.core.windows.net/out", "abfs://data/out", False),
        ("memory://out/a", "memory:///out", True),
        ("zip://a.jsonl::memory://x/none.zip", "memory://out", False),
        ("memory://out/../x/a", "memory://x", False),
        ("nonesuch://out/a", "nonesuch://out", True),
        ("s3://bucket/out", "/bucket/out", False),
        ("/data/out/a", "/data/out", True),
        ("/data/x/../out/a", "file:///data/out", True),
        ("/data/output", "/data/out", False),
    ],
)
def test_what_lies_in_a_folder(path, folder, inside):
    """However it is written (another scheme, doubled slashes, local parts that lead upwards); no store is asked."""
    assert lies_in(path, folder) == inside


def test_links_lie_where_they_lead(tmp_path):
    """A linked folder is the folder itself."""
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert lies_in(str(tmp_path / "link" / "a"), str(tmp_path / "out"))


def test_the_first_of_many_files_in_a_folder_is_found(tmp_path):
    """As if each were asked for: links to files and folders, a name that begins alike, parts that lead up."""
    (tmp_path / "out").mkdir()
    (tmp_path / "outer").mkdir()
    (tmp_path / "out" / "a").touch()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    (tmp_path / "outer" / "file").symlink_to(tmp_path / "out" / "a")
    names = ["outer/b", "c", "outer/../d", "s3://out/a", "out/a", "link/a", "outer/file", "outer/../out/a"]
    paths = [name if "://" in name else f"{tmp_path}/{name}" for name in names]
    for folder in (f"{tmp_path}/out", f"file://{tmp_path}/link", "s3://out", "s3a://out/", "/"):
        asked = [path for path in paths if lies_in(path, folder)]
        assert [path for path in paths if first_in([path], folder)] == asked
        assert first_in(paths, folder) == asked[0]
    assert first_in(paths, f"{tmp_path}/none") is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://host/out", "cannot be written to"),
        ("hf://datasets/a", "cannot be written to"),
        ("zip://a::s3://bucket/a.zip", "cannot be written to"),
        ("s3://key:secret@bucket/out", "credentials"),
        ("s3://bucket/out?versionId=1", "credentials"),
        ("s3://bucket/a/../out", r"'\.\.'"),
        ("s3://bucket/./out", r"'\.\.'"),
    ],
)
def test_what_cannot_be_a_folder(url, told):
    """With the reason."""
    assert told.replace("\\", "") in refuse_as_folder(url)


def test_what_can_be_a_folder():
    """An object store."""
    assert refuse_as_folder("s3://bucket/..out/a..b") == ""
    assert place_of("file:///data/out") == Path("/data/out")


def test_files_are_moved_to_another_disk_too(tmp_path):
    """As where an output's folder is mounted: over what is there, with nothing left beside them."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk")
    (tmp_path / "a").write_bytes(b"new")
    with tempfile.TemporaryDirectory(dir=shared) as other:
        target = Path(other) / "data" / "a"
        target.parent.mkdir()
        target.write_bytes(b"old")
        move_files([(tmp_path / "a", target)], lambda: None)
        assert target.read_bytes() == b"new"
        assert [file.name for file in target.parent.iterdir()] == ["a"]
    assert not (tmp_path / "a").exists()
