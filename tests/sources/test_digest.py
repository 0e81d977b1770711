"""Hashes of parts of a file are those of its bytes, however it was read."""

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.sources.digest import PartDigest, part_hashes
from refinery.sources.shards import list_shards

from .archives import record, response
from .reading import describe, spec


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 5000),
    st.integers(1, 7),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(-1, 2000)), max_size=6),
)
def test_a_part_is_hashed_however_it_is_read(size: int, parts: int, reads: list[tuple[int, int]]) -> None:
    """Forwards, from the middle, twice or not at all: the hashes are those of the slices."""
    content = np.random.default_rng(0).bytes(size)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(content)
        for part in range(parts):
            digest = PartDigest(str(path), size, part, parts)
            with path.open("rb") as opened:
                file = digest.of_reads(opened)
                for start, count in reads:
                    file.seek(start)
                    assert file.read(count) == content[start : start + count if count >= 0 else None]
            wanted = content[size * part // parts : size * (part + 1) // parts]
            assert digest.hexdigest() == xxhash.xxh3_128_hexdigest(wanted)


def rows(count: int) -> bytes:
    return "".join(json.dumps({"text": f"{n}" * 9}) + "\n" for n in range(count)).encode()


def write_jsonl(path: Path) -> None:
    path.write_bytes(rows(20_000))


def write_gzip(path: Path) -> None:
    path.write_bytes(
        gzip.compress(rows(90_000), 1) + bytes(200_000)
    )  # what comes after it is not decompressed


def write_cut_off(path: Path) -> None:
    path.write_bytes(gzip.compress(rows(90_000), 1)[:-5000])


def write_parquet(path: Path) -> None:
    text = [f"{n}" * 9 for n in range(20_000)]
    pq.write_table(pa.table({"text": text, "other": text[::-1]}), path, row_group_size=5000)


def write_warc(path: Path) -> None:
    path.write_bytes(b"".join(record("response", response(b"<p>words</p>" * 50)) for _ in range(300)))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.jsonl", write_jsonl),
        ("a.jsonl.gz", write_gzip),
        ("b.jsonl.gz", write_cut_off),
        ("a.parquet", write_parquet),
        ("a.warc", write_warc),
    ],
)
def test_a_shard_that_is_read_tells_the_hash_of_its_part(tmp_path, name, write):
    """All formats, whole or in shards: together the parts are the file."""
    write(tmp_path / name)
    size = (tmp_path / name).stat().st_size
    for shard_bytes in (size * 2, size // 3):
        shards = list_shards(spec(tmp_path / name), shard_bytes).shards
        found = tuple(describe(shard, spec(tmp_path / name)).hash for shard in shards)
        assert found == part_hashes(str(tmp_path / name), size, len(shards))
