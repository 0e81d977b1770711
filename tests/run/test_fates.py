"""What the history keeps of rows."""

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.plan.plan import PlannedShard
from refinery.run.decisions import DECISIONS
from refinery.run.fates import FATES, FatesTask, keep_fates, read_fates
from refinery.run.measure import LISTING
from refinery.sources.documents import SourceSpec
from refinery.sources.shards import list_shards
from refinery.storage.write import write_table
from tests.conftest import write_parquet


@pytest.fixture
def listed(tmp_path):
    """Writes the listing of a shard of its own, of (id, minted, digest)."""

    def make(name, documents, schema=LISTING):
        write_parquet(tmp_path / f"{name}.parquet", [{"text": "x"}])
        spec = SourceSpec("crawl", (str(tmp_path / f"{name}.parquet"),))
        found = PlannedShard(list_shards(spec).shards[0], spec, tmp_path / "work" / name, 0)
        found.folder.mkdir(parents=True)
        rows = [
            {"row": n, "id": i, "minted": minted, "digest": d} for n, (i, minted, d) in enumerate(documents)
        ]
        write_table(found.documents_file, [pa.RecordBatch.from_pylist(rows, schema)], schema)
        return found

    return make


def fates(folder, rows, shards=()):
    """What is kept of decisions."""
    write_table(folder / "decisions", [pa.RecordBatch.from_pylist(rows, DECISIONS)], DECISIONS)
    keep_fates(FatesTask(folder / "decisions", tuple(shards), folder / "kept"))
    return pl.concat([pl.DataFrame(FATES.empty_table()), *map(pl.DataFrame, read_fates(folder / "kept"))])


def document(path, row, name):
    return {"source": "crawl", "path": path, "row": row, "id": name, "outcome": "kept", "repeats": 1}


def reject(path, row, reason):
    return {"source": "crawl", "path": path, "row": row, "outcome": "rejected", "rule": reason}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2**40)), max_size=50))
def test_rows_come_back(tmp_path_factory, places):
    """Whatever their order: distances are taken and added up again."""
    found = fates(
        tmp_path_factory.mktemp("fates"), [document(path, row, f"{path}{row}") for path, row in places]
    )
    assert found.select("path", "row").rows() == places
    assert found["identity"].null_count() == len(places)  # nothing is known of its shards


def test_a_document_is_its_own_id_else_its_text(tmp_path, listed):
    """Ids that are minted, or the path of the file, follow the place: what is written in the file does not."""
    shards = [
        listed("a", [("x", False, 1), ("m-1", True, 2), ("a", False, 3)]),
        listed("b", [("x", False, 4), ("m-7", True, 2), ("other", False, 5)]),
    ]
    rows = [document("a", 0, "x"), document("a", 1, "m-1"), document("a", 2, "a"), reject("a", 3, "not_json")]
    rows += [
        document("b", 0, "x"),
        document("b", 1, "m-7"),
        reject("b", 2, "not_json"),
        document("b", 3, "other"),
    ]
    found = fates(tmp_path, rows, shards)["identity"].to_list()
    first, second = found[:4], found[4:]
    assert first[:2] == second[:2]
    assert (first[1], first[2], first[3]) == (2, 3, second[2])
    assert len({*found}) == 5


def test_an_id_that_is_null_is_none(tmp_path, listed):
    """As a table can have it: the text tells."""
    shard = listed("a", [(None, False, 7), ("x", False, 8)])
    found = fates(tmp_path, [document("a", 0, None), document("a", 1, "x")], [shard])["identity"].to_list()
    assert found[0] == 7 and found[1] not in {7, 8, None}


def test_of_a_listing_without_hashes_no_identity_is_kept(tmp_path, listed):
    """As an earlier refinery wrote it; nor where it is gone."""
    old = listed("a", [("x", False, 1)], pa.schema([f for f in LISTING if f.name != "digest"]))
    assert fates(tmp_path, [document("a", 0, "x")], [old])["identity"].to_list() == [None]
    old.documents_file.unlink()
    assert fates(tmp_path, [document("a", 0, "x")], [old])["identity"].to_list() == [None]


def test_what_an_earlier_refinery_kept_is_read(tmp_path):
    """Places and fates, without what it did not keep."""
    old = pa.schema([field for field in FATES if field.name not in {"repeats", "identity"}])
    rows = [
        {"source": "crawl", "path": "a", "row": n, "stage": None, "rule": None} for n in (3, 1, 1)
    ]  # distances
    write_table(tmp_path / "kept", [pa.RecordBatch.from_pylist(rows, old)], old)
    found = pl.concat(map(pl.DataFrame, read_fates(tmp_path / "kept")))
    assert found["row"].to_list() == [3, 4, 5]
    assert found["identity"].null_count() == found["repeats"].null_count() == 3


def test_fates_are_small(tmp_path, listed):
    """Little more than eight bytes a document, most of which have the fate of the one before."""
    documents = 100_000
    digests = pl.Series(range(documents)).hash().to_list()
    shard = listed("a", [(f"m-{n}", True, digest) for n, digest in enumerate(digests)])
    found = fates(tmp_path, [document("a", n, f"m-{n}") for n in range(documents)], [shard])
    assert found["identity"].to_list() == digests
    assert (tmp_path / "kept").stat().st_size < 11 * documents
