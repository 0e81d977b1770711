"""The verb files: kept documents by place and id."""

import random
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import ConservationError
from refinery.filters.verb import DROPPED_RECORD, NONE, REPEAT_RECORD, Outcome, Removal
from refinery.plan.plan import PlannedShard
from refinery.run.measure import LISTING
from refinery.run.outcome import Numbered, read_largest, write_outcome
from refinery.shuffle.records import Records
from refinery.sources.documents import SourceSpec
from refinery.sources.shards import list_shards
from refinery.storage.tables import read_table
from refinery.storage.write import write_table
from tests.conftest import write_parquet
from tests.dedup.corpus import backwards, in_order

ROWS = [8, 6, 7, 0, 3]  # documents of each shard
EARLIER = 2  # shards from here on are those of an earlier corpus, which are numbered first


@pytest.fixture
def planned(tmp_path) -> list[PlannedShard]:
    """Shards of which every second row was accepted."""
    found = []
    for number, rows in enumerate(ROWS):
        write_parquet(tmp_path / f"{number}.parquet", [{"text": "x"}])
        spec = SourceSpec("earlier" if number >= EARLIER else "crawl", (str(tmp_path / f"{number}.parquet"),))
        shard = list_shards(spec).shards[0]
        found.append(PlannedShard(shard, spec, tmp_path / "work" / str(number), number))
        found[-1].folder.mkdir(parents=True)
        ids = [f"{number}-{n}" for n in range(rows)]
        listing = pa.table(
            {"row": np.arange(rows) * 2, "id": ids, "minted": [False] * rows, "digest": [0] * rows}, LISTING
        )
        write_table(found[-1].documents_file, listing.to_batches(), LISTING)
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("map_units", [in_order, backwards])
def test_every_dropped_document_has_the_kept_ones_place_and_id(tmp_path, planned, size, map_units):
    """Wherever partitions are cut, across shards or within them; nothing is written for an earlier corpus."""
    given = (*range(EARLIER, len(ROWS)), *range(EARLIER))
    starts = [0, *accumulate(ROWS[n] for n in given)]
    places = [(n, row) for n in given for row in range(ROWS[n])]
    earlier = sum(ROWS[EARLIER:])
    chosen = random.Random(size)
    dropped = sorted(chosen.sample(range(earlier, starts[-1]), 9))
    kept = [n for n in range(starts[-1]) if n not in dropped]
    rows = [(n, n % 2, chosen.choice([*kept, NONE]), n / 32 if n % 3 else np.nan) for n in dropped]
    records = np.array(rows, DROPPED_RECORD)[::-1].copy()
    partitions = -(-starts[-1] // size)
    written = Records.create(tmp_path / "dropped", DROPPED_RECORD, partitions=partitions, writers=1)
    written.write(0, records, records["document"] // size)
    numbered = [Numbered(planned[n], *pair) for n, pair in zip(given, pairwise(starts), strict=True)]
    largest = Removal("a", kept[0], 9, sum(ROWS), "are near duplicates of one")
    outcome = Outcome(("verb.one", "verb.other"), written, size, (largest,))
    write_outcome(
        "verb", outcome, numbered, len(ROWS) - EARLIER, "key", map_units, tmp_path, {kept[0]: "here"}
    )
    assert all(read_largest(one.verb_file("key")) == [(largest, "here")] for one in planned[:EARLIER])
    expected: dict[int, list[dict[str, object]]] = {n: [] for n in range(EARLIER)}
    for document, rule, other, similarity in rows:
        shard, row = places[document]
        names = dict.fromkeys(
            (
                "duplicate_of_source",
                "duplicate_of_path",
                "duplicate_of_row",
                "duplicate_of_id",
            )
        )
        if other != NONE:
            kept_shard, kept_row = places[other]
            names = {
                "duplicate_of_source": planned[kept_shard].spec.name,
                "duplicate_of_path": f"{kept_shard}.parquet",
                "duplicate_of_row": kept_row * 2,
                "duplicate_of_id": f"{kept_shard}-{kept_row}",
            }
        found = None if np.isnan(similarity) else similarity
        rule_name = ("verb.one", "verb.other")[rule]
        expected[shard].append({"document": row, "rule": rule_name, **names, "similarity": found})
    for shard in planned:
        file = shard.verb_file("key")
        assert file.exists() == (shard.number in expected)
        if shard.number in expected:
            assert read_table(file).to_pylist() == expected[shard.number]


@pytest.mark.parametrize("wrong", [[(1, 2)], [(3, 1)], [(3, 2), (3, 4)]])
def test_repeats_that_make_no_sense_are_found(tmp_path, planned, wrong):
    """Of a document that is dropped, of one written once, or of one twice; what is right is written by shard."""
    shards = [Numbered(planned[0], 0, 8), Numbered(planned[1], 8, 14)]
    dropped = Records.create(tmp_path / "dropped", DROPPED_RECORD, partitions=3)
    dropped.write(0, np.array([(1, 0, NONE, np.nan)], DROPPED_RECORD), np.array([0]))
    for rows, number in ((wrong, 0), ([(9, 4), (2, 3), (13, 2)], 1)):
        repeats = Records.create(tmp_path / f"repeats{number}", REPEAT_RECORD, partitions=3)
        records = np.array(rows, REPEAT_RECORD)
        repeats.write(0, records, records["document"] // 5)
        outcome = Outcome(("verb.one",), dropped, 5, repeats=repeats)
        if number:
            write_outcome("verb", outcome, shards, 0, "key", in_order, tmp_path / "work", {})
            continue
        with pytest.raises(ConservationError, match="repeats a document"):
            write_outcome("verb", outcome, shards, 0, "key", in_order, tmp_path / "work", {})
    found = [read_table(one.planned.repeats_file("key")).to_pydict() for one in shards]
    assert found == [{"document": [2], "repeats": [3]}, {"document": [1, 5], "repeats": [4, 2]}]
