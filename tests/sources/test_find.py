import os

import fsspec
import pytest

from refinery.errors import InputError
from refinery.sources.find import find, listed_once, state
from refinery.storage.place import open_input
from refinery.storage.url import redact


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def names(*patterns):
    return [file.relative for file in find([str(pattern) for pattern in patterns]).files]


def test_files_come_in_natural_order_whatever_the_pattern(tmp_path):
    """part-2 before part-10; folder, glob and recursive glob find the same."""
    make(tmp_path, "part-10.jsonl", "part-2.jsonl", "b/part-1.jsonl")
    expected = ["b/part-1.jsonl", "part-2.jsonl", "part-10.jsonl"]
    assert names(tmp_path) == expected
    assert names(tmp_path / "**" / "*.jsonl") == expected
    assert names(tmp_path / "*.jsonl") == expected[1:]


def test_stray_files_are_passed_over_and_counted(tmp_path):
    """Markers, checksums, hidden files, read-me files and temporary files."""
    stray = [
        "_SUCCESS",
        ".p0.parquet.crc",
        "p0.parquet.crc",
        "._p0.parquet",
        "_metadata",
        "README.md",
        "p1.parquet.tmp",
    ]
    make(tmp_path, "p0.parquet", *stray, "_temporary/p2.parquet", ".cache/p3.parquet")
    found = find([str(tmp_path)])
    assert [file.relative for file in found.files] == ["p0.parquet"]
    assert len(found.ignored) == len(stray) + 2


def test_a_pattern_that_asks_for_underscores_gets_them(tmp_path):
    """What a user writes out is not a stray file."""
    make(tmp_path, "_part0.parquet", "_part1.parquet")
    assert names(tmp_path / "_part*.parquet") == ["_part0.parquet", "_part1.parquet"]
    assert names(tmp_path / "_part0.parquet") == ["_part0.parquet"]


def test_an_existing_path_is_taken_literally(tmp_path):
    """A name with brackets, stars or question marks is a name first."""
    make(tmp_path, "a[1].jsonl", "a1.jsonl", "b*.jsonl", "bc.jsonl")
    assert names(tmp_path / "a[1].jsonl") == ["a[1].jsonl"]
    assert names(tmp_path / "b*.jsonl") == ["b*.jsonl"]


def test_a_file_that_several_patterns_name_is_read_once(tmp_path):
    """Overlapping patterns do not double a shard."""
    make(tmp_path, "a.jsonl", "b.jsonl")
    assert names(tmp_path / "*.jsonl", tmp_path / "a.jsonl", tmp_path) == ["a.jsonl", "b.jsonl"]


def test_relative_paths_keep_the_folder_where_names_repeat(tmp_path):
    """A101: a/part-0 and b/part-0 stay apart."""
    make(tmp_path, "a/part-0.jsonl", "b/part-0.jsonl")
    assert names(tmp_path / "a" / "*.jsonl", tmp_path / "b" / "*.jsonl") == [
        "a/part-0.jsonl",
        "b/part-0.jsonl",
    ]
    assert names(tmp_path / "*" / "part-0.jsonl") == ["a/part-0.jsonl", "b/part-0.jsonl"]


def test_linked_folders_are_followed_once(tmp_path):
    """A link to a folder of shards works; a loop of links ends."""
    make(tmp_path / "real", "a.jsonl")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    assert names(tmp_path / "in") == ["linked/a.jsonl"]


def test_nothing_found_says_what_is_there(tmp_path):
    """The message names the pattern and the folder's content."""
    make(tmp_path, "a.parquet")
    with pytest.raises(InputError, match=r"x\.jsonl: no such file.*holds a\.parquet"):
        find([str(tmp_path / "x.jsonl")])
    with pytest.raises(InputError, match=r"nope does not exist"):
        find([str(tmp_path / "nope" / "*.parquet")])


@pytest.mark.parametrize(
    ("url", "package"),
    [("s3://bucket/*.parquet", "s3fs"), ("gs://bucket/a", "gcsfs"), ("abfs://container/a", "adlfs")],
)
def test_the_missing_package_of_a_url_is_named(url, package):
    """s3://, gs:// and others work once their package is installed."""
    pytest.importorskip("fsspec")
    try:
        __import__(package)
    except ImportError:
        with pytest.raises(InputError, match=f"needs the package {package} \\(pip install {package}\\)"):
            find([url])
    else:
        pytest.skip(f"{package} is installed")


def test_an_unknown_scheme_is_an_error():
    """Not a traceback of fsspec."""
    with pytest.raises(InputError, match="nosuch:// is not a filesystem that fsspec knows"):
        find(["nosuch://a/b"])


def test_secrets_in_urls_are_not_shown():
    """A URL's user, password and query are left out of every message."""
    with pytest.raises(InputError) as caught:
        find(["s3://AKIA:hunter2@bucket/a?X-Amz-Signature=deadbeef"])
    assert not any(secret in str(caught.value) for secret in ("AKIA", "hunter2", "deadbeef"))
    assert redact("https://user:pw@host/a/b.gz?sig=1#f") == "https://host/a/b.gz"


def test_urls_are_listed_and_read():
    """Folders, globs and objects of a filesystem URL, stray files passed over."""
    store = fsspec.filesystem("memory")
    for name in ("d/p10.jsonl", "d/p2.jsonl", "d/_SUCCESS", "d/sub/x.jsonl"):
        store.pipe(f"/listing/{name}", name.encode())
    found = find(["memory://listing/d"])
    assert [file.relative for file in found.files] == ["p2.jsonl", "p10.jsonl", "sub/x.jsonl"]
    assert len(found.ignored) == 1
    assert [file.relative for file in find(["memory://listing/d/*.jsonl"]).files] == ["p2.jsonl", "p10.jsonl"]
    with open_input(found.files[0].path) as file:
        assert file.read() == b"d/p2.jsonl"


def test_file_urls_are_local(tmp_path):
    """file:// is just a path."""
    make(tmp_path, "a.jsonl")
    assert names(f"file://{tmp_path}/a.jsonl") == ["a.jsonl"]


def test_the_stamp_changes_with_the_file(tmp_path):
    """Size and time of modification."""
    make(tmp_path, "a")
    before = state(str(tmp_path / "a"))
    os.utime(tmp_path / "a", ns=(1, 1))
    assert state(str(tmp_path / "a")) != before


def test_a_source_is_listed_once_where_that_is_asked_for(tmp_path):
    """A check and the plan after it see the same files; what is asked for later is listed anew."""
    make(tmp_path, "a.jsonl")
    with listed_once():
        assert names(tmp_path) == ["a.jsonl"]
        make(tmp_path, "b.jsonl")
        assert names(tmp_path) == ["a.jsonl"]
        assert names(tmp_path / "*.jsonl") == ["a.jsonl", "b.jsonl"]
    assert names(tmp_path) == ["a.jsonl", "b.jsonl"]
