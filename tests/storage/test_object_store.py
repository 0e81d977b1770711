"""Objects through fsspec: what a name may be, what is asked how often. Real faults are in tests/object_storage."""

import threading
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from refinery.errors import InputError, StorageError
from refinery.sources.documents import SourceSpec
from refinery.sources.find import find
from refinery.sources.shards import list_shards
from refinery.storage import object_store, retry
from refinery.storage.commit import commit_bytes
from refinery.storage.place import exists, open_input, place_of


class Flaky(MemoryFileSystem):
    """A store without conditional writes whose reads fail."""

    protocol = "flaky"
    reads = 0
    fails = True

    def cat_file(self, path, start=None, end=None, **kwargs):
        Flaky.reads += 1
        if self.fails:
            raise ConnectionResetError("no answer")
        return super().cat_file(path, start, end, **kwargs)

    def info(self, path, **kwargs):
        if self.fails:
            raise PermissionError("not yours: SECRET")
        return super().info(path, **kwargs)


@pytest.fixture
def flaky(monkeypatch):
    """The store, registered; waits are short."""
    monkeypatch.setattr(retry, "ATTEMPTS", 3)
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(Flaky, "reads", 0)
    monkeypatch.setattr(Flaky, "fails", True)
    fsspec.register_implementation("flaky", Flaky, clobber=True)


def test_one_operation_is_tried_so_many_times_and_no_more(flaky):
    """A write that reads its tag back does not multiply the attempts, and its failure may pass."""
    with pytest.raises(StorageError, match=r"^flaky://bucket/a: cannot be read: .*\(tried 3 times\)"):
        object_store.put_new("flaky://bucket/a", b"content")
    assert Flaky.reads == 3


class Served(SimpleHTTPRequestHandler):
    """Python's own server, which knows no ranges; counts its answers."""

    answers: ClassVar[list[str]] = []

    def log_message(self, *_):
        Served.answers.append(f"{self.command} {self.path}")

    def copyfile(self, source, outputfile):
        with suppress(ConnectionError):  # the client has seen enough
            super().copyfile(source, outputfile)


@contextmanager
def served(folder):
    """The folder's files by a server of its own; `host:port`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_server_without_ranges_or_without_an_answer_is_told(tmp_path, monkeypatch):
    """The first at once, by the first request for a part; an outage is no missing file."""
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)
    (tmp_path / "small.jsonl").write_text('{"text": "x"}\n')
    (tmp_path / "large.jsonl").write_text('{"text": "x"}\n' * 200_000)
    with served(tmp_path) as place:
        small, large, none = (
            SourceSpec("s", (f"http://{place}/{n}.jsonl",)) for n in ("small", "large", "none")
        )
        assert list_shards(small).shards[0].bytes == 14
        Served.answers.clear()
        with pytest.raises(InputError, match=r"large\.jsonl: the server ignores Range requests \(download"):
            list_shards(large)
        assert Served.answers.count("GET /large.jsonl") == 2
        with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
            list_shards(none)
    with pytest.raises(StorageError, match=r"cannot be listed: ClientConnectorError: .*tried 2 times"):
        list_shards(small)


def test_what_cannot_be_told_is_no_absence(flaky):
    """A file that may not be asked for is not taken for one that is not there."""
    with pytest.raises(PermissionError, match="permission denied"):
        exists(place_of("flaky://bucket/a"))
    Flaky.fails = False
    assert not exists(place_of("flaky://bucket/none"))


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a/../b.jsonl",
        "s3://bucket/./a.jsonl",
        "s3://bucket/..",
        "memory://a/../b/*.jsonl",
        "https://host/a/../b.jsonl",
        "https://host/a/%2e%2e/b.jsonl",
        "https://host/a/%2E./b.jsonl?sig=SECRET",
    ],
)
@pytest.mark.parametrize("action", [lambda url: find([url]), open_input, lambda url: commit_bytes(url, b"")])
def test_dots_are_no_parts_of_a_url(url, action):
    """Stores take them as letters, clients and servers as folders: refused before any request."""
    with pytest.raises(InputError, match=r"'\.' and '\.\.' cannot be parts of a URL") as told:
        action(url)
    assert "SECRET" not in str(told.value)


def test_dots_in_a_query_or_a_name_are_letters():
    """Only whole parts lead elsewhere."""
    commit_bytes("memory://dotted/a../b..jsonl", b"1")
    assert [file.relative for file in find(["memory://dotted"]).files] == ["a../b..jsonl"]


@pytest.mark.parametrize("name", ["a/../b.jsonl", "./b.jsonl", "a/..", "a/./README"])
@pytest.mark.parametrize("pattern", ["memory://listed", "memory://listed/**"])
def test_names_with_dots_that_a_store_lists_are_passed_over(name, pattern):
    """A name that would lead out of the folder is not read, and keeps no other from being read."""
    store = MemoryFileSystem.store
    key = f"/listed/{name}"
    for one in (key, "/listed/a/b.jsonl"):
        store[one] = MemoryFile(MemoryFileSystem(), one, b"{}")
    try:
        found = find([pattern, "memory://listed/a/b.jsonl"])
    finally:
        del store[key], store["/listed/a/b.jsonl"]
    assert [file.path for file in found.files] == ["memory://listed/a/b.jsonl"]
    assert [file.path for file in found.ignored] == [f"memory://listed/{name}"] or "*" in pattern


def test_a_listing_goes_on_page_by_page(bucket):
    """Each object once, with its size and its path below the folder; objects beside the folder are not in it."""
    filesystem, inner = object_store.filesystem_of(bucket)
    sizes = {f"{n % 7}/{n:04}": n % 3 for n in range(1100)}
    filesystem.pipe({f"{inner}/folder/{name}": b"x" * size for name, size in sizes.items()})
    filesystem.pipe(f"{inner}/folder2", b"x")
    found = list(object_store.listing(f"{bucket}/folder"))
    assert len(found) == 1100
    assert dict(found) == sizes
    assert list(object_store.listing(f"{bucket}/none")) == []


@pytest.mark.parametrize("size", [0, 1, object_store.SMALL, object_store.SMALL + 1, object_store.BLOCK + 1])
def test_a_small_object_is_opened_and_read_by_one_request(size, proxied, s3_server):
    """A larger one is asked for its size; what is read is the content, wherever it is begun."""
    proxy = proxied()
    url, content = f"{s3_server.new_bucket()}/a", bytes(n % 251 for n in range(size))
    commit_bytes(url, content)
    before = len(proxy.requests)
    with open_input(url) as file:
        assert file.read() == content
        file.seek(size // 2)
        assert file.read() == content[size // 2 :]
    sent = [request.method for request in proxy.requests[before:]]
    assert ("HEAD" in sent) == (size > object_store.SMALL)
    assert len(sent) == 1 or size > object_store.SMALL
    with pytest.raises(FileNotFoundError):
        open_input(f"{url}/none")
