"""The verb files of dedup: twins by place and id."""

import random
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pytest

from refinery.dedup import spill
from refinery.dedup.fates import RESULT
from refinery.dedup.run import DedupResult
from refinery.plan.plan import PlannedShard
from refinery.run.measure import LISTING
from refinery.run.twins import name_twins, write_dropped
from refinery.storage.documents import SourceSpec
from refinery.storage.shards import list_shards
from refinery.storage.tables import read_table
from refinery.storage.write import write_table
from tests.conftest import write_parquet
from tests.dedup.corpus import backwards, in_order

ROWS = [8, 6, 7, 0, 3]  # documents of each shard
FROZEN = 2  # shards from here on are those of an earlier corpus, which are numbered first


@pytest.fixture
def planned(tmp_path) -> list[PlannedShard]:
    """Shards of which every second row was accepted."""
    found = []
    for number, rows in enumerate(ROWS):
        write_parquet(tmp_path / f"{number}.parquet", [{"text": "x"}])
        spec = SourceSpec("earlier" if number >= FROZEN else "crawl", (str(tmp_path / f"{number}.parquet"),))
        shard = list_shards(spec).shards[0]
        found.append(PlannedShard(shard, spec, tmp_path / "work" / str(number), number))
        found[-1].folder.mkdir(parents=True)
        listing = pa.table(
            {
                "row": np.arange(rows) * 2,
                "id": [f"{number}-{n}" for n in range(rows)],
                "minted": [False] * rows,
            },
            LISTING,
        )
        write_table(found[-1].documents_file, listing.to_batches(), listing.schema)
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("map_units", [in_order, backwards])
def test_every_removed_document_has_its_twins_place_and_id(tmp_path, planned, size, map_units):
    """Wherever stretches are cut, across shards or within them; nothing is written for an earlier corpus."""
    given = (*range(FROZEN, len(ROWS)), *range(FROZEN))
    starts = [0, *accumulate(ROWS[n] for n in given)]
    places = [(n, row) for n in given for row in range(ROWS[n])]
    frozen = sum(ROWS[FROZEN:])
    chosen = random.Random(size)
    removed = sorted(chosen.sample(range(frozen, starts[-1]), 9))
    kept = [n for n in range(starts[-1]) if n not in removed]
    records = np.array([(n, chosen.choice(kept), n % 2 == 0, n / 32) for n in removed], RESULT)
    stretches = range(-(-starts[-1] // size))
    files = tuple(tmp_path / f"{n}.spill" for n in stretches)
    for n, file in enumerate(files):
        spill.save(file, records[records["document"] // size == n])
    result = DedupResult(files, size, len(removed), given, np.array(starts))
    (tmp_path / "twins").mkdir()
    named = name_twins(result, planned, tmp_path / "twins", map_units)
    write_dropped(result, planned, named, "key", frozen, map_units)
    expected: dict[int, list[dict[str, object]]] = {n: [] for n in range(FROZEN)}
    for document, twin, near, similarity in records.tolist():
        (shard, row), (other, twin_row) = places[document], places[twin]
        rule = "dedup.against" if other >= FROZEN else "dedup.near" if near else "dedup.exact"
        expected[shard].append(
            {
                "document": row,
                "rule": rule,
                "twin_source": planned[other].spec.name,
                "twin_path": f"{other}.parquet",
                "twin_row": twin_row * 2,
                "twin_id": f"{other}-{twin_row}",
                "similarity": similarity,
            }
        )
    for shard in planned:
        file = shard.verb_file("key")
        assert file.exists() == (shard.number in expected)
        if shard.number in expected:
            assert read_table(file).to_pylist() == expected[shard.number]
