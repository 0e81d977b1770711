"""The write pass: lineage, shuffle, and what an output read as a source carries on."""

import pyarrow.parquet as pq

from tests.conftest import PIPELINE


def test_lineage_leads_back_to_the_source_row(data_repository, refinery):
    """Each output row says which row of which file it was."""
    refinery("run", data_repository / "pipeline.yaml", "--quiet")
    for row in pq.read_table(data_repository / "out" / "data-00000.parquet").to_pylist():
        place = row["lineage"]
        source = pq.read_table(data_repository / "crawl" / place["path"]).to_pylist()[place["row"]]
        assert (source["id"], source["year"]) == (row["id"], row["year"])


def test_shuffle_keeps_every_document_once(data_repository, refinery):
    """A shuffled output holds the same documents in another order."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    plain = pq.read_table(data_repository / "out" / "data-00000.parquet").column("id").to_pylist()
    text = PIPELINE.replace("path: out}", "path: shuffled, shuffle: 3}")
    (data_repository / "s.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "s.yaml", "-q")
    assert code == 0, err
    mixed = pq.read_table(data_repository / "shuffled" / "data-00000.parquet").column("id").to_pylist()
    assert mixed != plain
    assert sorted(mixed) == sorted(plain)


def test_own_output_as_input(data_repository, refinery):
    """Run on its own output, a pipeline removes nothing and gives the same columns."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    again = PIPELINE.replace("crawl/*.parquet", "out/data-*.parquet").replace("path: out}", "path: again}")
    (data_repository / "again.yaml").write_text(again)
    code, _, err = refinery("run", data_repository / "again.yaml", "-q")
    assert code == 0, err
    first = pq.read_table(data_repository / "out" / "data-00000.parquet")
    second = pq.read_table(data_repository / "again" / "data-00000.parquet")
    assert second.schema.equals(first.schema)
    assert second.drop_columns(["lineage"]).equals(first.drop_columns(["lineage"]))
