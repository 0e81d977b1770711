import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards

from .reading import id_type, read_all, scan_schema, spec


def write(path: Path, columns: dict, **options) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_rows_come_back_with_ids_of_their_own_type(tmp_path):
    """Integer ids stay int64, and are in order."""
    source = spec(write(tmp_path / "a.parquet", {"id": pa.array([5, 7, 5]), "text": ["x", "y", "z"]}))
    found = read_all(source)
    assert (found.ids, found.texts) == ([5, 7, 5], ["x", "y", "z"])
    assert id_type(list_shards(source).shards[0], source) == pa.int64()


@pytest.mark.parametrize("store_schema", [True, False])
def test_a_uuid_is_its_36_characters(tmp_path, store_schema):
    """As id, as a column and in lists, with Arrow's own schema in the file or without; 16 bytes stay bytes."""
    raw = [bytes(range(n, n + 16)) for n in range(3)]
    names = pa.array(raw, pa.uuid())
    lists = pa.ListArray.from_arrays([0, 2, 2, 3], names)
    columns = {
        "id": names,
        "of": names,
        "lists": lists,
        "raw": pa.array(raw, pa.binary(16)),
        "text": ["x"] * 3,
    }
    path = write(tmp_path / "a.parquet", columns, store_schema=store_schema)
    found = read_all(spec(path), carry=True)
    texts = [str(uuid.UUID(bytes=one)) for one in raw]
    assert found.ids == texts
    carried = [(row["of"], row["lists"], row["raw"]) for row in found.columns]
    assert carried == [(texts[0], texts[:2], raw[0]), (texts[1], [], raw[1]), (texts[2], texts[2:], raw[2])]


def test_null_text_is_rejected_with_its_row(tmp_path):
    """A NULL text is no document; its neighbours are."""
    found = read_all(spec(write(tmp_path / "a.parquet", {"id": ["a", "b", "c"], "text": ["x", None, ""]})))
    assert found.texts == ["x", ""]
    assert [(r.row, r.reason) for r in found.rejects] == [(1, "null_text")]


def test_null_ids_stay_null(tmp_path):
    """Ids may be NULL and repeat."""
    path = write(tmp_path / "a.parquet", {"id": pa.array(["a", None, "a"]), "text": ["x", "y", "z"]})
    assert read_all(spec(path)).ids == ["a", None, "a"]


def test_ids_are_minted_when_there_is_no_id_column(tmp_path):
    """A minted id is the hash of the relative path and the row in the file, wherever shards are cut."""
    path = write(tmp_path / "a.parquet", {"text": ["x", "y", "z"]}, row_group_size=1)
    whole, cut = read_all(spec(path)), read_all(spec(path), shard_bytes=1)
    assert whole.ids == cut.ids
    assert [name.partition("-")[2] for name in whole.ids] == ["0", "1", "2"]
    assert len({name.partition("-")[0] for name in whole.ids}) == 1


def test_a_named_id_column_that_is_missing_is_an_error(tmp_path):
    """The message lists the columns that are there."""
    path = write(tmp_path / "a.parquet", {"pmid": [1], "text": ["x"]})
    with pytest.raises(InputError, match=r"no id column 'uid' \(there is pmid, text; set `id`\)"):
        list_shards(spec(path, id="uid"))


def test_a_missing_text_column_is_an_error_that_lists_the_columns(tmp_path):
    """The message names file, column and what there is."""
    path = write(tmp_path / "a.parquet", {"id": [1], "body": ["x"]})
    with pytest.raises(
        InputError, match=r"a\.parquet: no text column 'text' \(there is id, body; name one of them\)"
    ):
        list_shards(spec(path))


def test_many_rows_of_next_to_nothing_are_cut_too(tmp_path):
    """Bytes alone would make one shard of any number of empty rows."""
    half = 2**19
    path = write(tmp_path / "a.parquet", {"text": pa.nulls(4 * half, pa.string())}, row_group_size=half)
    listed = list_shards(spec(path))
    assert [shard.rows for shard in listed.shards] == [2 * half, 2 * half]


def test_large_files_are_cut_into_shards_of_row_groups(tmp_path):
    """Shards are runs of row groups; rows of all shards together are the file's."""
    texts = [f"text number {n}" for n in range(100)]
    path = write(tmp_path / "a.parquet", {"id": list(range(100)), "text": texts}, row_group_size=10)
    shards = list_shards(spec(path), shard_bytes=400).shards
    assert len(shards) > 2
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert sum(shard.rows for shard in shards) == 100
    assert [shard.first_row for shard in shards] == np.cumsum([0, *(s.rows for s in shards[:-1])]).tolist()
    assert read_all(spec(path), shard_bytes=400).texts == texts
    assert [(shard.part, shard.parts) for shard in shards] == [(n, len(shards)) for n in range(len(shards))]


def test_wanted_rows_alone_come_back(tmp_path):
    """The second read returns just the rows asked for, with the same numbers, over several row groups."""
    texts = [f"text {n}" if n != 40 else None for n in range(100)]
    path = write(
        tmp_path / "a.parquet",
        {"id": list(range(100)), "text": texts, "n": list(range(100))},
        row_group_size=7,
    )
    wanted = [0, 6, 7, 8, 55, 99]
    found = read_all(spec(path), wanted=wanted, carry=True, batch_bytes=50)
    assert found.ids == wanted
    assert [row["n"] for row in found.columns] == wanted


def test_row_groups_without_wanted_rows_are_not_read(tmp_path):
    """A damaged row group does not matter when no row of it is asked for."""
    path, _ = damaged(tmp_path)
    assert read_all(spec(path), wanted=[0, 250]).ids == [0, 250]


def test_other_columns_are_decoded_only_when_asked_for(tmp_path):
    """Without `carry` a batch has no columns beside text and id."""
    path = write(tmp_path / "a.parquet", {"id": [1], "text": ["x"], "url": ["u"]})
    shard = list_shards(spec(path)).shards[0]
    assert [b.columns.num_columns for b in read_documents(shard, spec(path))] == [0]


def test_carried_columns_keep_type_and_value(tmp_path):
    """A JSON string stays a string, byte for byte; nested, dictionary, time and decimal values too."""
    columns = {
        "id": ["a", "b"],
        "text": ["x", "y"],
        "metadata": ['{"url":"http://a"}', "not json"],
        "tags": [["a"], None],
        "when": pa.array([1, None], pa.timestamp("us", "UTC")),
        "kind": pa.array(["k", None]).dictionary_encode(),
        "inner": [{"a": 1, "b": None}, None],
        "small": pa.array([1, 2], pa.int8()),
    }
    source = spec(write(tmp_path / "a.parquet", columns))
    shard = list_shards(source).shards[0]
    schema = scan_schema(shard, source)
    assert schema.field("small").type == pa.int8()
    assert schema.field("kind").type == pa.string()
    assert schema.field("when").type == pa.timestamp("us", "UTC")
    expected = pa.table({k: v for k, v in columns.items() if k not in {"id", "text"}}).to_pylist()
    assert read_all(source, carry=True).columns == expected


def test_a_column_that_a_shard_lacks_is_null(tmp_path):
    """Keys present in some files only unify by name, in whatever order files are."""
    write(tmp_path / "1.parquet", {"id": ["a"], "text": ["x"]})
    write(tmp_path / "2.parquet", {"id": ["b"], "text": ["y"], "extra": [1]})
    assert read_all(spec(tmp_path), carry=True).columns == [{"extra": None}, {"extra": 1}]


@pytest.mark.parametrize(
    "text",
    [
        pa.array(["alpha", "beta", None, "alpha"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int8()), pa.array(["alpha", "beta"])),
        pa.array(["alpha", "beta", None, "alpha"], pa.large_string()),
        pa.array(["alpha", "beta", None, "alpha"], pa.string_view()),
    ],
    ids=["dictionary", "int8-dictionary", "large_string", "string_view"],
)
def test_every_string_type_reads_as_plain_strings(tmp_path, text):
    """The encoding of the text column changes nothing."""
    path = write(tmp_path / "a.parquet", {"id": [1, 2, 3, 4], "text": text})
    found = read_all(spec(path))
    assert found.texts == ["alpha", "beta", "alpha"]
    assert found.reasons == ["null_text"]


def test_one_huge_value_followed_by_nulls(tmp_path):
    """A 4 MB value in a dictionary column, then 600 NULLs."""
    text = pa.array(["x" * 4_000_000] + [None] * 600).dictionary_encode()
    found = read_all(spec(write(tmp_path / "a.parquet", {"text": text})))
    assert [len(t) for t in found.texts] == [4_000_000]
    assert found.reasons == ["null_text"] * 600


def test_binary_text_is_accepted_on_request_only(tmp_path):
    """Binary text is an error in planning; on request it is decoded, and rows that are not UTF-8 rejected."""
    path = write(tmp_path / "a.parquet", {"text": pa.array([b"caf\xc3\xa9", b"caf\xe9", b"ok"], pa.binary())})
    with pytest.raises(InputError, match="column 'text' is binary, expected string"):
        list_shards(spec(path))
    found = read_all(spec(path, binary_text=True))
    assert found.texts == ["café", "ok"]
    assert [(r.row, r.reason) for r in found.rejects] == [(1, "invalid_utf8")]


def test_a_string_column_that_is_not_utf8_loses_only_its_bad_rows(tmp_path):
    """Parquet does not check UTF-8, so the reader does."""
    raw = pa.array([b"good", b"\xff\xfe", b"also good"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    found = read_all(spec(write(tmp_path / "a.parquet", {"text": text})))
    assert found.texts == ["good", "also good"]
    assert [(r.row, r.reason) for r in found.rejects] == [(1, "invalid_utf8")]


def test_nested_text_and_id(tmp_path):
    """Nested text: `doc.text` is selected; the rest of the struct is carried on."""
    docs = [
        {"text": "x", "meta": {"id": "i1"}, "url": "u1"},
        {"text": "y", "meta": {"id": "i2"}, "url": None},
        None,
    ]
    path = write(tmp_path / "a.parquet", {"doc": docs, "n": [1, 2, 3]})
    found = read_all(spec(path, text="doc.text", id="doc.meta.id"), carry=True)
    assert (found.texts, found.ids) == (["x", "y"], ["i1", "i2"])
    assert found.columns == [{"doc": {"url": "u1"}, "n": 1}, {"doc": {"url": None}, "n": 2}]
    assert found.reasons == ["null_text"]


def test_a_column_whose_name_has_a_dot_is_taken_literally(tmp_path):
    """A top-level column of that very name goes first."""
    found = read_all(spec(write(tmp_path / "a.parquet", {"doc.text": ["x"], "id": [1]}), text="doc.text"))
    assert found.texts == ["x"]


def test_text_over_the_limit_is_rejected_with_the_limit_named(tmp_path):
    """An oversize row does not harm its neighbours."""
    path = write(tmp_path / "a.parquet", {"id": [1, 2, 3], "text": ["a", "b" * 2000, "c"]})
    found = read_all(spec(path, max_document_bytes=1000))
    assert found.ids == [1, 3]
    assert [(r.row, r.reason) for r in found.rejects] == [(1, "oversize_row")]
    assert "2000 bytes" in found.rejects[0].detail
    assert "1000" in found.rejects[0].detail


def test_more_row_groups_than_an_int16_counts(tmp_path):
    """33 000 row groups of one row."""
    path = write(tmp_path / "a.parquet", {"text": pa.array(["t"] * 33_000)}, row_group_size=1)
    found = read_all(spec(path))
    assert len(found.texts) == 33_000
    assert found.batches == 1


def test_a_shard_without_rows_is_read(tmp_path):
    """An empty shard beside others, and alone."""
    write(tmp_path / "1.parquet", {"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    shards = list_shards(spec(tmp_path)).shards
    assert [(shard.rows, shard.stop) for shard in shards] == [(0, -1)]
    assert read_all(spec(tmp_path)).texts == []
    write(tmp_path / "2.parquet", {"id": [1], "text": ["x"]})
    assert read_all(spec(tmp_path)).texts == ["x"]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda _: b"", r"the file is empty \(0 bytes\)"),
        (lambda whole: whole[:-100], "the footer is damaged or cut off"),
        (lambda _: b"<!DOCTYPE html><html><body>403</body></html>", "an HTML or XML page, not Parquet"),
        (lambda _: b"garbage" * 100, "this is not a Parquet file"),
    ],
    ids=["empty", "footerless", "html", "garbage"],
)
def test_files_that_are_not_parquet_are_found_in_planning(tmp_path, damage, problem):
    """Each is named with its problem and the other file is read; with on_error fail it is an error."""
    good = write(tmp_path / "a.parquet", {"id": [1], "text": ["x"]})
    (tmp_path / "b.parquet").write_bytes(damage(good.read_bytes()))
    planned = list_shards(spec(tmp_path))
    assert [shard.path for shard in planned.shards] == [str(good)]
    assert [path for path, _ in planned.broken] == ["b.parquet"]
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path, on_error="fail"))
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path / "b.parquet"))


def damaged(tmp_path: Path) -> tuple[Path, int]:
    """A file of three row groups with a flipped byte in the text of the second: (path, its rows)."""
    texts = [f"document {n} " * 50 for n in range(300)]
    columns = {"id": list(range(300)), "text": texts}
    options = {
        "row_group_size": 100,
        "compression": "zstd",
        "write_page_checksum": True,
        "use_dictionary": False,
    }
    path = write(tmp_path / "a.parquet", columns, **options)
    chunk = pq.read_metadata(path).row_group(1).column(1)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size - 50] ^= (
        0xFF  # the page's header comes first
    )
    path.write_bytes(content)
    return path, 100


def test_a_flipped_byte_rejects_a_row_group_and_the_run_goes_on(tmp_path):
    """Rows of the damaged group are `corrupt_page`; the others are read; the same rows on every read."""
    path, rows = damaged(tmp_path)
    found = read_all(spec(path))
    assert set(found.reasons) == {"corrupt_page"}
    assert len(found.ids) + len(found.rejects) == 300
    assert found.ids == [n for n in range(300) if n not in {r.row for r in found.rejects}]
    assert 0 < len(found.rejects) <= rows
    again = read_all(spec(path), carry=True)
    assert again.ids == found.ids


def test_a_wanted_row_that_cannot_be_decoded_is_an_error(tmp_path):
    """The second read never loses a document silently."""
    path, _ = damaged(tmp_path)
    with pytest.raises(InputError, match="row group 1 cannot be decoded"):
        read_all(spec(path), wanted=[150, 199])


def test_two_columns_of_one_name_are_an_error(tmp_path):
    """Which of the two is meant cannot be known."""
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="two columns are called 'text'"):
        list_shards(spec(tmp_path / "a.parquet"))


def test_integers_beside_a_float_column_must_fit_exactly(tmp_path):
    """An int64 that a double cannot hold is an error with file, column and types, not a rounded number."""
    write(tmp_path / "1.parquet", {"text": ["x"], "n": [0.5]})
    write(tmp_path / "2.parquet", {"text": ["y"], "n": [3]})
    assert [row["n"] for row in read_all(spec(tmp_path), carry=True).columns] == [0.5, 3.0]
    write(tmp_path / "2.parquet", {"text": ["y"], "n": [2**53 + 1]})
    with pytest.raises(InputError, match=r"2\.parquet: column 'n': int64 does not fit double"):
        read_all(spec(tmp_path), carry=True)


def test_partitions_in_the_path_add_no_columns(tmp_path):
    """Key=value folders are just folders."""
    folder = tmp_path / "lang=en" / "run=final=2"
    folder.mkdir(parents=True)
    write(folder / "p.parquet", {"text": ["x"], "dump": ["d"], "lang": ["own"]})
    assert read_all(spec(tmp_path), carry=True).columns == [{"dump": "d", "lang": "own"}]


MEMORY = """
import re, sys
from pathlib import Path
from refinery.sources.read import read_documents
from refinery.sources.documents import SourceSpec
from refinery.sources.shards import list_shards
spec = SourceSpec("s", (sys.argv[1],))
rows = size = 0
for shard in list_shards(spec).shards:
    for batch in read_documents(shard, spec):
        rows, size = rows + len(batch.rows), size + batch.text.nbytes
# not ru_maxrss, which a process inherits from the one that started it
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(rows, size, int(peak[1]) // 1024)
"""


def measured(path: Path) -> list[int]:
    """Rows, bytes of text and peak MiB of a process that reads the file."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    return [int(number) for number in done.stdout.split()]


def test_two_gigabytes_behind_a_dictionary_are_read_in_bounded_memory(tmp_path):
    """13 KB on disk, one row group, 2.1 GiB of text: under 500 MiB of memory and no overflow."""
    text = pa.DictionaryArray.from_arrays(
        pa.array([0] * 4600, pa.int32()), pa.array(["lorem ipsum " * 41000])
    )
    columns = {"id": pa.array(range(4600)), "text": text}
    path = write(tmp_path / "a.parquet", columns, store_schema=False, row_group_size=4600, compression="zstd")
    rows, size, peak = measured(path)
    assert (rows, size > 2 * 2**30) == (4600, True)
    assert peak < 500


def test_memory_does_not_follow_the_row_group(tmp_path):
    """A plain-encoded row group of 850 MiB is read in pieces."""
    path = tmp_path / "a.parquet"
    block = pa.table({"text": [f"{n:08d} " + "word " * 2000 for n in range(3000)]})
    options = {"use_dictionary": False, "compression": "zstd"}
    with pq.ParquetWriter(path, block.schema, **options) as writer:
        writer.write_table(pa.concat_tables([block] * 30), row_group_size=90_000)
    assert pq.read_metadata(path).row_group(0).total_byte_size > 850 * 2**20
    rows, _, peak = measured(path)
    assert rows == 90_000
    assert peak < 500
