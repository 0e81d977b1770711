"""Lists of values as files, and their hashes."""

import bz2
import gzip

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.executors import shipping
from refinery.filters.listed_file import Entries, list_hash, load_entries, read_entries

HOSTS = """# Title: a hosts file
127.0.0.1 localhost
127.0.0.1\tlocalhost.localdomain  local
255.255.255.255 broadcasthost
::1 ip6-localhost
fe80::1%lo0 localhost
0.0.0.0 0.0.0.0

0.0.0.0 Ads.Example.com # of the ads
0.0.0.0 a_b.example.org\r
"""


def strings(*values):
    return pa.array(values, pa.large_string())


@pytest.fixture
def listed(tmp_path):
    """The path of a list of that content."""

    def write(content, name="list.txt"):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_whole_values(listed, pack):
    """Lines without the white space around them, but for comments; compressed or not, with or without a mark."""
    path = listed(pack("\ufeff# a comment\nhttp://a.org/x#y\n\n  7 \r\n#7a\n中".encode()))
    values = ["http://a.org/x#y", "7", "中", "", "#7a", "# a comment", "a.org"]
    assert read_entries(path, "exact").holds(strings(*values)).tolist() == [True] * 3 + [False] * 4


def test_domains(listed):
    """A host is listed with all below it, in hosts files and the forms of other blockers, in any script."""
    path = listed(HOSTS + "*.b.co.uk\n.c.org\n||d.org^\nbücher.de\nXN--FIQS8S\n2001:db8::1\n")
    entries = read_entries(path, "domain")
    hosts = {
        "ads.example.com": True, "x.y.ads.example.com": True, "example.com": False, "badads.example.com": False,
        "a_b.example.org": True, "b.co.uk": True, "w.b.co.uk": True, "co.uk": False, "c.org": True, "d.org": True,
        "xn--bcher-kva.de": True, "a.xn--fiqs8s": True, "localhost": True, "local": True, "0.0.0.0": True,
        "127.0.0.1": False, "[2001:db8::1]": True, "of": False, "title": False,
    }  # fmt: skip
    assert dict(zip(hosts, entries.holds_above(strings(*hosts)).tolist(), strict=True)) == hosts


@given(st.lists(st.from_regex(r"([ab]{1,2}\.){0,3}[ab]", fullmatch=True), max_size=8), st.data())
def test_a_host_is_listed_when_a_domain_above_it_is(tmp_path_factory, domains, data):
    """As Python's sets of all suffixes tell it, and whole values as its sets do."""
    path = tmp_path_factory.mktemp("lists") / "list"
    path.write_text("\n".join(domains))
    hosts = data.draw(
        st.lists(st.from_regex(r"([ab]{1,2}\.){0,3}[ab]", fullmatch=True), unique=True, max_size=8)
    )
    above = [{host.split(".", n)[-1] for n in range(host.count(".") + 1)} for host in hosts]
    assert read_entries(str(path), "domain").holds_above(strings(*hosts)).tolist() == [
        not names.isdisjoint(domains) for names in above
    ]
    assert read_entries(str(path), "exact").holds(strings(*hosts)).tolist() == [
        host in domains for host in hosts
    ]


def test_hashes_that_share_a_half():
    """Neither is taken for the other, nor hidden by it."""
    found = Entries(np.array([[1, 5, 5, 9], [0, 2, 1, 0]], np.uint64))
    first, second = np.array([5, 5, 5, 2], np.uint64), np.array([1, 2, 3, 0], np.uint64)
    assert found.holds_hashes(np.stack([first, second])).tolist() == [True, True, False, False]


def test_entries_that_are_no_domains_are_told(listed):
    """With their lines, the first ones and a count; nothing of the list is used."""
    path = listed("a.org\nhttp://a.org/x\na b\n.\n0.0.0.0 b.org c/d\na..b\n")
    with pytest.raises(InputError) as caught:
        read_entries(path, "domain")
    assert str(caught.value) == (
        f"{path}: 5 entries are no domains: line 2: http://a.org/x; line 3: a b; line 4: . and 2 more "
        "(take them out, or compare whole values: `match: exact`)"
    )


def test_a_file_that_cannot_be_used_is_told(listed, tmp_path):
    """None there, a folder, damaged, or in another encoding."""
    cut = gzip.compress(b"a.org\n" * 1000)[:-20]
    for path, problem in (
        (str(tmp_path / "none"), "cannot be read: No such file"),
        (str(tmp_path), "is no file"),
    ):
        with pytest.raises(InputError, match=problem):
            list_hash(path)
    for path, problem in (
        (listed(cut, "cut.gz"), "is damaged"),
        (listed("ok\né".encode("latin-1"), "latin"), "is not UTF-8"),
    ):
        with pytest.raises(InputError, match=problem):
            read_entries(path, "exact")


def test_a_machine_hashes_a_list_once(listed, tmp_path, monkeypatch):
    """Under its content: another file of the same is not read, and one that has changed meanwhile is told."""
    monkeypatch.setattr(shipping.tempfile, "gettempdir", lambda: str(tmp_path))
    path = listed("once.example\n")
    known = list_hash(path)
    assert load_entries(path, "domain", known).holds(strings("once.example")).tolist() == [True]
    (made,) = (shipping.machine_folder() / "lists").iterdir()
    assert made.read_bytes() == read_entries(path, "domain").hashes.tobytes()
    assert load_entries("/nowhere", "domain", known).holds(strings("once.example")).tolist() == [True]
    with pytest.raises(InputError, match="changed since the definition was checked"):
        load_entries(path, "exact", "0" * 32)


def test_an_empty_list(listed):
    """Holds nothing."""
    path = listed("# none yet\n")
    assert read_entries(path, "domain").holds_above(strings("a.org", "b")).tolist() == [False, False]
    assert load_entries(path, "domain", list_hash(path)).holds(strings("a", "")).tolist() == [False, False]


def test_a_list_on_a_store(bucket, s3_server):
    """Known by what the store tells of it, and read from there."""
    client, name = s3_server.client(), bucket.removeprefix("s3://")
    path = f"{bucket}/blocked.txt.gz"
    client.put_object(Bucket=name, Key="blocked.txt.gz", Body=gzip.compress(b"store.example\n"))
    known = list_hash(path)
    assert load_entries(path, "domain", known).holds(strings("store.example")).tolist() == [True]
    client.put_object(Bucket=name, Key="blocked.txt.gz", Body=gzip.compress(b"other.example\n"))
    assert list_hash(path) != known
    with pytest.raises(InputError, match=r"blocked\.txt: cannot be read"):
        list_hash(f"{bucket}/blocked.txt")
