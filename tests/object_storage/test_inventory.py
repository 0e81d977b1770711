"""A source on a store is planned with few requests: from the listing, and from what is known already."""

import io
import re

import pyarrow as pa
import pyarrow.parquet as pq

from refinery.sources.documents import Shard
from refinery.sources.foreign import POINTER_BYTES
from refinery.sources.heads import HEAD_FILES
from refinery.sources.shards import list_shards
from refinery.storage.commit import commit_bytes
from refinery.storage.marks import OWNER
from refinery.storage.place import place_of
from tests.sources.reading import spec

COUNT = 3 * HEAD_FILES


def _line(begin: bytes) -> bytes:
    return b'{"text": "%s"}\n' % begin.ljust(POINTER_BYTES)


def test_a_plan_asks_for_what_is_new_alone(bucket, proxied):
    """At first for some heads of JSON Lines, then for none, and for the footers of new Parquet files.

    JSON Lines small enough to be a Git LFS pointer would each be looked into.
    """
    proxy = proxied()
    footer = io.BytesIO()
    pq.write_table(pa.table({"text": ["x"]}), footer)
    commit_bytes(f"{bucket}/crawl/a.parquet", footer.getvalue())
    for number in range(COUNT):
        commit_bytes(f"{bucket}/crawl/{number}.jsonl", _line(b"%02d" % number))

    def plan() -> tuple[dict[str, Shard], list[str]]:
        """The shards, and the files of the source that were asked for."""
        before = len(proxy.requests)
        found = list_shards(spec(f"{bucket}/crawl"), known_in=place_of(f"{bucket}/known"))
        paths = [
            re.search(r"/crawl/([^?/]+)", one.path) for one in proxy.requests[before:] if one.method == "GET"
        ]
        return {one.relative_path: one for one in found.shards}, sorted(
            {one[1] for one in paths if one} - {OWNER}
        )

    first, asked = plan()
    assert len(first) == COUNT + 1
    assert "a.parquet" in asked and len(asked) <= 1 + HEAD_FILES
    assert plan() == (first, [])
    commit_bytes(f"{bucket}/crawl/0.jsonl", _line(b"00"))  # the same content, written again
    commit_bytes(f"{bucket}/crawl/1.jsonl", _line(b"xx"))
    commit_bytes(f"{bucket}/crawl/b.parquet", footer.getvalue())
    second, asked = plan()
    assert asked == ["b.parquet"]
    changed = {name for name, shard in second.items() if first.get(name, shard).identity != shard.identity}
    assert (changed, second.keys() - first.keys()) == ({"1.jsonl"}, {"b.parquet"})
