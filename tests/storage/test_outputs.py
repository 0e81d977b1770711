import json

import pyarrow as pa

from refinery.storage.outputs import OWNER
from refinery.storage.shards import list_shards
from refinery.storage.write import write_table

from .reading import read_all, spec

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
    """A folder as a run leaves it."""
    name = "data-00000.parquet" if format == "parquet" else "data-00000.jsonl.zst"
    write_table(folder / name, [BATCH], BATCH.schema, format=format, made=("lang", "lineage"))
    write_table(folder / "decisions.parquet", [BATCH], BATCH.schema)
    (folder / OWNER).write_text("{}")
    (folder / "manifest.json").write_text(json.dumps({"made_columns": ["lang", "lineage"]}))
    return folder


def test_an_output_is_a_source(tmp_path):
    """A106: text, ids and the input's own columns come back; decisions are no data, our columns are left out."""
    for format in ("parquet", "jsonl"):
        (tmp_path / format).mkdir()
        source = spec(output(tmp_path / format, format))
        found = read_all(source, carry=True)
        assert (found.texts, found.ids) == (["x", "y"], [1, 2])
        assert found.columns == [{"url": "u"}, {"url": None}]
        assert len(list_shards(source).ignored) == 3


def test_files_of_other_folders_keep_all_columns(tmp_path):
    """`lang` of a user's own is carried."""
    write_table(tmp_path / "data-0.jsonl.zst", [BATCH], BATCH.schema, format="jsonl")
    assert set(read_all(spec(tmp_path), carry=True).columns[0]) == {"url", "lang", "lineage"}
