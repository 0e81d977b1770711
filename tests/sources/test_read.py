import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards

from .reading import read_all, scan_schema, spec


def test_batches_are_cut_by_bytes(tmp_path):
    """A batch has about as many bytes of text as asked for, however rows and row groups are laid out."""
    texts = ["x" * (n % 300) for n in range(2000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=130)
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    for name in ("a.parquet", "b.jsonl"):
        source = spec(tmp_path / name)
        sizes = [
            batch.text.nbytes
            for batch in read_documents(list_shards(source).shards[0], source, batch_bytes=20_000)
        ]
        assert len(sizes) > 10
        assert max(sizes) < 40_000


def test_carried_columns_fill_a_batch_as_text_does(tmp_path):
    """Rows of little text and much else are not gathered until their text alone fills a batch."""
    columns = {"text": ["x"] * 2000, "other": ["y" * 1000] * 2000}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=10, use_dictionary=False)
    source = spec(tmp_path)
    (shard,) = list_shards(source).shards
    carry = pa.schema([("other", pa.string())])
    batches = list(read_documents(shard, source, carry=carry, batch_bytes=20_000))
    assert sum(len(batch.rows) for batch in batches) == 2000
    assert max(batch.columns.nbytes for batch in batches) < 40_000


def test_a_shard_of_nothing_but_rejects_gives_its_rejects(tmp_path):
    """An empty batch still has text, ids and columns of the right types."""
    (tmp_path / "a.jsonl").write_text('{"text": null, "n": 1}\nno\n')
    source = spec(tmp_path)
    shard = list_shards(source).shards[0]
    schema = scan_schema(shard, source)
    (batch,) = read_documents(shard, source, carry=schema)
    assert (len(batch.rows), batch.text.type, len(batch.ids)) == (0, pa.large_string(), 0)
    assert batch.columns.schema.names == schema.names
    assert [reject.reason for reject in batch.rejects] == ["null_text", "not_json"]


ROWS = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.none() | st.integers(0, 9),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, group=st.integers(1, 15), batch=st.integers(1, 200), data=st.data())
def test_parquet_and_jsonl_give_the_same_rows_however_they_are_read(
    tmp_path_factory, rows, group, batch, data
):
    """Both formats, any row groups, batches and wanted rows: the same rows, texts, ids and columns."""
    folder = tmp_path_factory.mktemp("read")
    columns = {
        "id": [f"i{n}" for n in range(len(rows))],
        "text": [t for t, _ in rows],
        "n": [n for _, n in rows],
    }
    table = pa.table(
        columns, schema=pa.schema([("id", pa.string()), ("text", pa.string()), ("n", pa.int64())])
    )
    pq.write_table(table, folder / "a.parquet", row_group_size=group)
    (folder / "b.jsonl").write_text("\n".join(json.dumps(row) for row in table.to_pylist()))
    accepted = [number for number, (text, _) in enumerate(rows) if text is not None]
    wanted = sorted(data.draw(st.sets(st.sampled_from(accepted)))) if accepted else []
    for name in ("a.parquet", "b.jsonl"):
        found = read_all(spec(folder / name), carry=True, batch_bytes=batch)
        assert found.texts == [rows[n][0] for n in accepted]
        assert found.ids == [f"i{n}" for n in accepted]
        assert [r.row for r in found.rejects] == sorted(set(range(len(rows))) - set(accepted))
        assert [c.get("n") for c in found.columns] == [rows[n][1] for n in accepted]
        again = read_all(spec(folder / name), carry=True, batch_bytes=batch, wanted=wanted)
        assert again.texts == [rows[n][0] for n in wanted]
        assert [c.get("n") for c in again.columns] == [rows[n][1] for n in wanted]


def test_wanted_may_be_empty(tmp_path):
    """No row asked for, no batch."""
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "a.parquet")
    source = spec(tmp_path)
    shard = list_shards(source).shards[0]
    assert list(read_documents(shard, source, wanted=np.zeros(0, np.int64))) == []
