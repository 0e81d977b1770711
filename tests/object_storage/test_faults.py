"""What a store does to requests, done to refinery's: the bytes are the same, or the error names place and cause."""

import gzip
import hashlib
import random

import pyarrow as pa
import pytest
import zstandard

from refinery.errors import InputError, OutputError, StorageError
from refinery.sources.compression import MAGIC
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from refinery.storage import object_store, retry
from refinery.storage.commit import commit_bytes
from refinery.storage.place import (
    files_below,
    move_files,
    open_input,
    place_of,
    read_file,
    read_many,
    remove_tree,
)
from refinery.storage.tables import open_table, read_table
from refinery.storage.write import write_table
from tests.conftest import document
from tests.sources import archives
from tests.sources.reading import read_all, spec

READING = ("503", "500", "reset", "cut", "short", "slow")
WRITING = ("503", "500", "reset", "cut_upload", "lost_answer")
TEXTS = [document(seed) for seed in range(60)]


def jsonl() -> bytes:
    lines = pa.Table.from_pydict({"text": TEXTS}).to_pylist()
    import orjson

    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def warc() -> bytes:
    return archives.members(
        *(archives.record("response", archives.response(archives.page(text)), url=f"http://x/{n}")
          for n, text in enumerate(TEXTS[:20]))
    )  # fmt: skip


def parquet() -> bytes:
    batch = pa.RecordBatch.from_pydict({"text": TEXTS, "n": range(len(TEXTS))})
    import io

    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_batches([batch]), out, row_group_size=10)
    return out.getvalue()


SOURCES = {
    "a.jsonl": jsonl,
    "a.jsonl.gz": lambda: gzip.compress(jsonl()),
    "a.jsonl.zst": lambda: zstandard.compress(jsonl()),
    "a.warc.gz": warc,
    "a.parquet": parquet,
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("block", [object_store.BLOCK, 4096])
def test_sources_are_read_whole_through_faults(
    name, block, bucket, s3_server, proxied, tmp_path, monkeypatch
):
    """Every third request fails in each way in turn; documents, ids and rejects are those of the local file.

    With small blocks files are read as large ones are, by many requests.
    """
    content = SOURCES[name]()
    (tmp_path / name).write_bytes(content)
    local = read_all(spec(tmp_path / name), carry=True)
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key=name, Body=content)
    monkeypatch.setattr(object_store, "BLOCK", block)
    proxy = proxied(every=3, kinds=READING, cut_at=700)
    found = read_all(spec(f"{bucket}/{name}"), carry=True)
    assert (found.texts, found.rejects, found.columns) == (local.texts, local.rejects, local.columns)
    assert found.texts
    assert sum(proxy.faults.values()) >= 2


def test_own_files_are_written_and_read_through_faults(bucket, s3_server, proxied):
    """Tables, small files, listings, moves and removals: what is on the server is what was meant."""
    proxy = proxied(every=2, kinds=WRITING, cut_at=100)
    folder = place_of(f"{bucket}/work")
    batch = pa.RecordBatch.from_pydict({"text": TEXTS})
    written = [write_table(folder / f"{n}.parquet", [batch], batch.schema) for n in range(4)]
    for n in range(4):
        commit_bytes(folder / f"{n}.json", b"%d" % n)
    stored = s3_server.objects(f"{bucket}/work")
    assert [hashlib.sha256(stored[f"{n}.parquet"]).hexdigest() for n in range(4)] == [
        w.sha256 for w in written
    ]
    proxy.kinds, proxy.every = READING, 2
    assert files_below(folder) == {name: len(content) for name, content in stored.items()}
    asked = [folder / f"{n}.json" for n in range(5)]
    assert read_many(asked) == [b"0", b"1", b"2", b"3", None]
    assert read_table(folder / "1.parquet")["text"].to_pylist() == TEXTS
    with open_table(folder / "2.parquet") as file:
        assert file.read().column("text").to_pylist() == TEXTS
    proxy.kinds, proxy.every = ("503", "reset", "lost_answer"), 3
    move_files([(folder / f"{n}.parquet", folder / "moved" / f"{n}.parquet") for n in range(4)], lambda: None)
    assert s3_server.objects(f"{bucket}/work/moved") == {
        f"{n}.parquet": stored[f"{n}.parquet"] for n in range(4)
    }
    remove_tree(folder)
    assert s3_server.objects(bucket) == {}
    assert proxy.faults["lost_answer"] > 0
    assert proxy.faults["cut_upload"] > 0


def test_a_large_file_goes_up_in_parts_through_faults(bucket, s3_server, proxied, monkeypatch, tmp_path):
    """A multipart upload whose parts fail in turn gives the same bytes; one that fails for good leaves no parts."""
    import s3fs.core

    monkeypatch.setattr(s3fs.core, "calculate_chunksize", lambda *_, **__: 5 * 2**20)
    content = random.Random(1).randbytes(23 * 2**20)
    proxy = proxied(every=4, kinds=("503", "reset", "cut_upload", "lost_answer"), cut_at=1000)
    commit_bytes(f"{bucket}/large", content)
    assert s3_server.objects(bucket) == {"large": content}
    assert "uploadId" in " ".join(request.path for request in proxy.requests)
    proxy.every, proxy.kinds, proxy.methods, proxy.path = 1, ("503",), ("PUT",), "partNumber=3"
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    with pytest.raises(StorageError, match="cannot be written"):
        commit_bytes(f"{bucket}/second", content)
    assert set(s3_server.objects(bucket)) == {"large"}
    uploads = s3_server.client().list_multipart_uploads(Bucket=bucket.removeprefix("s3://"))
    assert uploads.get("Uploads", []) == []


@pytest.mark.parametrize("kind", ["503", "reset", "cut", "short"])
def test_what_does_not_pass_is_an_error_with_place_and_cause(kind, bucket, s3_server, proxied, monkeypatch):
    """After the repetitions are used up: an error of the store, never bytes that are not the file's."""
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    monkeypatch.setattr(object_store, "BLOCK", 4096)
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key="a.jsonl", Body=jsonl())
    proxy = proxied()
    shard = list_shards(spec(f"{bucket}/a.jsonl")).shards[0]
    proxy.every, proxy.kinds, proxy.methods, proxy.path = 1, (kind,), ("GET",), "a.jsonl"
    with pytest.raises(StorageError) as failed:
        list(read_documents(shard, spec(f"{bucket}/a.jsonl")))
    assert failed.value.place == f"{bucket}/a.jsonl"
    assert "tried 2 times" in str(failed.value)
    with pytest.raises(StorageError, match="tried 2 times"):
        read_many([place_of(f"{bucket}/a.jsonl")])


def test_a_parquet_source_that_does_not_answer_is_no_reject(bucket, s3_server, proxied, monkeypatch):
    """A row group that cannot be fetched is a failed unit; only one that is there and broken is a reject."""
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    monkeypatch.setattr(object_store, "BLOCK", 2048)
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key="a.parquet", Body=parquet())
    proxy = proxied()
    source = spec(f"{bucket}/a.parquet")
    shard = list_shards(source).shards[0]
    batches = read_documents(shard, source, batch_bytes=2000)
    assert len(next(batches).text)
    proxy.every, proxy.kinds = 1, ("reset",)
    with pytest.raises(StorageError, match="tried 2 times"):
        list(batches)


def test_an_archive_that_does_not_answer_is_no_reject(bucket, s3_server, proxied, monkeypatch):
    """A connection lost in the middle of a WARC file is a failed unit, not a truncated file."""
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    monkeypatch.setattr(object_store, "BLOCK", 512)
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key="a.warc.gz", Body=warc())
    proxy = proxied()
    source = spec(f"{bucket}/a.warc.gz")
    shard = list_shards(source).shards[0]
    asked = len(proxy.requests)
    proxy.every, proxy.kinds, proxy.methods = 3, ("cut",), ("GET",)
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    with pytest.raises(StorageError, match="tried 1 times"):
        list(read_documents(shard, source))
    begin = f"bytes=0-{object_store.BLOCK + MAGIC - 1}"  # the rest of the first block, too
    assert [request.range for request in proxy.requests[asked:]].count(begin) == 1


def test_what_is_refused_for_good_is_told_at_once(bucket, proxied):
    """No such object, no such bucket, no permission: one request each, and the error of a file that is not there."""
    proxy = proxied()
    with pytest.raises(FileNotFoundError):
        read_file(place_of(f"{bucket}/none"))
    assert len(proxy.requests) == 1
    with pytest.raises(
        OutputError, match=r"^s3://no-such-bucket-1/a: cannot be written: no such object or bucket$"
    ):
        commit_bytes("s3://no-such-bucket-1/a", b"x")
    with pytest.raises(InputError, match="no such file, folder or glob match"):
        list_shards(spec("s3://no-such-bucket-1/a"))


def test_an_object_replaced_while_it_is_read_is_an_error(bucket, s3_server, monkeypatch):
    """Blocks of two versions are never put together."""
    monkeypatch.setattr(object_store, "BLOCK", 1000)
    commit_bytes(f"{bucket}/a", b"a" * 10_000)
    with open_input(f"{bucket}/a") as file:
        assert file.read(10) == b"a" * 10
        commit_bytes(f"{bucket}/a", b"b" * 10_000)
        with pytest.raises(OSError, match="has changed while it was being read"):
            while file.read(500):
                pass


def test_a_listing_shows_what_others_wrote_since(bucket, s3_server):
    """Nothing of a listing is kept between two."""
    folder = place_of(f"{bucket}/work")
    assert files_below(folder) == {}
    client = s3_server.client()
    client.put_object(Bucket=bucket.removeprefix("s3://"), Key="work/a", Body=b"1")
    client.put_object(Bucket=bucket.removeprefix("s3://"), Key="workshop/b", Body=b"2")
    assert files_below(folder) == {"a": 1}
    client.delete_object(Bucket=bucket.removeprefix("s3://"), Key="work/a")
    assert files_below(folder) == {}
