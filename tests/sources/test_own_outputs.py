import json

import pyarrow as pa

from refinery.sources.read import read_documents
from refinery.sources.schema import unify
from refinery.sources.shards import list_shards
from refinery.storage.marks import OWNER, json_text, records_of
from refinery.storage.write import json_lines, write_table

from .reading import read_all, scan_schema, spec

BATCH = pa.RecordBatch.from_pydict(
    {
        "text": ["x", "y"],
        "id": [1, 2],
        "url": ["u", None],
        "lang": ["en", "de"],
        "lineage": [{"row": 1}, {"row": 2}],
    }
)


def output(folder, format):
    """A folder as a run leaves it, with its records beside it."""
    records = records_of(folder)
    folder.mkdir(parents=True)
    records.mkdir()
    name = "data-00000.parquet" if format == "parquet" else "data-00000.jsonl.zst"
    write_table(folder / name, [BATCH], BATCH.schema, format=format, made=("lang", "lineage"))
    write_table(records / "decisions-00000.parquet", [BATCH], BATCH.schema)
    (records / OWNER).write_text("{}")
    (records / "manifest.json").write_text(json.dumps({"made_columns": ["lang", "lineage"]}))
    return folder


def test_an_output_is_a_source(tmp_path):
    """A106: text, ids and the input's own columns come back; decisions are no data, our columns are left out."""
    for format in ("parquet", "jsonl"):
        output(tmp_path / format / "out", format)
        source = spec(tmp_path / format)
        found = read_all(source, carry=True)
        assert (found.texts, found.ids) == (["x", "y"], [1, 2])
        assert found.columns == [{"url": "u"}, {"url": None}]
        assert sum(group.count for group in list_shards(source).passed_over) == 3


def test_files_of_other_folders_keep_all_columns(tmp_path):
    """`lang` of a user's own is carried."""
    write_table(tmp_path / "data-0.jsonl.zst", [BATCH], BATCH.schema, format="jsonl")
    assert set(read_all(spec(tmp_path), carry=True).columns[0]) == {"url", "lang", "lineage"}


def test_json_text_stays_json_text(tmp_path):
    """A column of JSON in a Parquet output is JSON again when it is written as JSON Lines."""
    schema = pa.schema([("text", pa.string()), json_text("m", "it mixes types")])
    batch = pa.RecordBatch.from_pydict({"text": ["x"], "m": ['{"a":1}']}, schema=schema)
    write_table(tmp_path / "a.parquet", [batch], schema)
    source = spec(tmp_path)
    (shard,) = list_shards(source).shards
    carried = unify([(shard.name, scan_schema(shard, source))])
    (documents,) = read_documents(shard, source, carry=carried)
    assert json_lines(documents.columns) == b'{"m":{"a":1}}\n'
