"""Arrow IPC, compared with the table that was written."""

import gzip
import json

import fsspec
import pyarrow as pa
import pyarrow.feather
import pytest

from refinery.errors import InputError
from refinery.sources.shards import list_shards

from .reading import read_all, spec

TABLE = pa.table(
    {
        "id": pa.array([f"d{n % 7}" for n in range(50)]).dictionary_encode(),
        "text": pa.array([f"Text {n}" if n != 3 else None for n in range(50)], pa.large_string()),
        "meta": [{"n": n, "tags": ["a"] * (n % 3)} for n in range(50)],
    }
)


def stream(table: pa.Table = TABLE, rows: int = 10, new=pa.ipc.new_stream) -> bytes:
    out = pa.BufferOutputStream()
    with new(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
@pytest.mark.parametrize("name", ["a.arrow", "a.arrow.gz", "part-0", "part-0.gz"])
def test_files_and_streams_have_the_rows_that_were_written(tmp_path, new, name):
    """By name or by content, compressed or not, with encodings, NULLs and nested columns."""
    content = stream(new=new)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    found = read_all(spec(tmp_path), carry=True)
    rows = [row for row in TABLE.to_pylist() if row["text"] is not None]
    assert (found.ids, found.texts) == ([row["id"] for row in rows], [row["text"] for row in rows])
    assert found.columns == [{"meta": row["meta"]} for row in rows]
    assert [(one.row, one.reason) for one in found.rejects] == [(3, "null_text")]
    assert read_all(spec(tmp_path), wanted=[0, 12, 49]).texts == ["Text 0", "Text 12", "Text 49"]


def test_feather_with_compressed_buffers(tmp_path):
    """As pandas writes it."""
    pyarrow.feather.write_feather(TABLE, str(tmp_path / "a.feather"), compression="zstd")
    assert len(read_all(spec(tmp_path)).texts) == 49


def test_a_folder_of_save_to_disk(tmp_path):
    """Streams beside two files that describe them, which are passed over."""
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(stream())
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a"}]}, indent=2))
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": {"id": {}}}, indent=2))
    found = list_shards(spec(tmp_path, on_error="fail"))
    assert (len(found.shards), [group.count for group in found.passed_over]) == (1, [2])


def test_a_stream_behind_a_url():
    """Read forwards, without a map."""
    store = fsspec.filesystem("memory")
    store.pipe("/arrow/a.arrow", stream(new=pa.ipc.new_file))
    assert len(read_all(spec("memory://arrow/a.arrow")).texts) == 49


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_cut_off_keeps_its_whole_batches(tmp_path, packed):
    """And one reject says where it ends."""
    content = stream(TABLE.select(["text"]))
    content = content[: len(content) * 6 // 10]
    (tmp_path / "a.arrow").write_bytes(gzip.compress(content) if packed else content)
    found = read_all(spec(tmp_path))
    count = len(found.texts) + 1  # with the NULL
    assert count % 10 == 0 and 10 <= count < 50
    assert [(one.row, one.reason) for one in found.rejects] == [(3, "null_text"), (count, "truncated_file")]


def test_damage_never_ends_the_process(tmp_path):
    """Bytes turned over anywhere: rows, rejects or an error, and no more."""
    content = bytearray(stream(TABLE.select(["text"])))
    for at in range(0, len(content), 5):
        content[at] ^= 0xFF
        (tmp_path / "a.arrow").write_bytes(content)
        content[at] ^= 0xFF
        try:
            read_all(spec(tmp_path))
        except InputError:
            continue


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"what?", "not an Arrow file or stream"),
        (b"ARROW1\0\0", "not a whole Arrow file"),
        (b"", "not an Arrow"),
    ],
)
def test_what_is_no_arrow_is_told_in_planning(tmp_path, content, problem):
    """By what is there."""
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path))
