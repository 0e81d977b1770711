import numpy as np
import pytest
import xxhash

from refinery.storage.documents import Shard
from refinery.storage.ids import minted_ids


def shard(**fields):
    known = {
        "source": "s",
        "path": "/d/a.parquet",
        "relative_path": "a.parquet",
        "format": "parquet",
        "start": 0,
    }
    rest = {"stop": -1, "index": 0, "part": 0, "rows": None, "bytes": 1, "fingerprint": ""}
    return Shard(**(known | rest | fields))


@pytest.mark.parametrize(
    ("fields", "place", "first"),
    [
        ({}, "a.parquet", 0),
        ({"path": "/elsewhere/a.parquet"}, "a.parquet", 0),
        ({"start": 3, "first_row": 300}, "a.parquet", 300),
        ({"format": "jsonl", "start": 1000}, "a.parquet@1000", 0),
    ],
)
def test_an_id_is_the_hash_of_the_relative_path_and_the_row(fields, place, first):
    """16 hex digits of xxh3-64 and the row in the file, or in the part of a JSONL file."""
    digest = xxhash.xxh3_64_hexdigest(place.encode())
    assert minted_ids(shard(**fields), np.array([0, 7])).to_pylist() == [
        f"{digest}-{first}",
        f"{digest}-{first + 7}",
    ]
