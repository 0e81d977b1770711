"""What users of corpus tools bring: schemas, ids, broken rows and files, through the whole run."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from tests.cases import lines, run, write_jsonl, write_table
from tests.conftest import document, read_files


@pytest.mark.parametrize("backwards", [False, True])
def test_keys_that_come_late_or_mix_types_over_shards(tmp_path, refinery, backwards):
    """NULL first and a value later, rare keys, nested ones, empty lists: one schema, in any order of files."""
    shards = [
        [
            {"id": f"a{n}", "text": f"a {n}", "meta": {"license": None}, "tags": [], "score": n}
            for n in range(50)
        ],
        [{"id": f"b{n}", "text": f"b {n}", "meta": {"license": "cc-by"}, "tags": ["x"]} for n in range(50)],
        [{"id": "c0", "text": "c 0", "meta": {"license": "mit", "link": "/a"}, "score": 0.5, "key2": 7}],
        [{"id": "d0", "text": "d 0", "never": None}],
    ]
    order = reversed(range(4)) if backwards else range(4)
    for number, rows in zip(order, shards, strict=True):
        write_jsonl(tmp_path / "in" / f"{number}.jsonl", rows)
    ran = run(refinery, tmp_path)
    rows = ran.rows
    assert len(rows) == 102
    assert sum(row["meta"] is not None and row["meta"]["license"] == "cc-by" for row in rows.values()) == 50
    assert rows["a7"]["meta"] == {"license": None, "link": None}
    assert rows["c0"]["meta"] == {"license": "mit", "link": "/a"}
    assert (rows["a7"]["tags"], rows["b7"]["tags"], rows["c0"]["tags"]) == ([], ["x"], None)
    assert (rows["a7"]["score"], rows["b7"]["score"], rows["c0"]["score"]) == (7.0, None, 0.5)
    assert (rows["c0"]["key2"], rows["a7"]["key2"], rows["d0"]["never"]) == (7, None, None)
    schema = ran.table.schema
    assert (schema.field("score").type, schema.field("key2").type) == (pa.float64(), pa.int64())


def test_values_that_no_column_can_hold_are_carried_as_json(tmp_path, refinery):
    """Strings beside objects in a list become JSON text, read again as it is and written to JSONL as JSON."""
    messages = [
        {"role": "a", "content": "s"},
        {"role": "b", "content": [{"type": "text", "text": "t"}]},
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", [{"id": "m", "text": "x", "messages": messages}, *lines(2)])
    first = run(refinery, tmp_path)
    assert json.loads(first.rows["m"]["messages"]) == messages
    assert first.rows["d0"]["messages"] is None
    second = run(refinery, tmp_path, source={"path": "out"}, output={"path": "again"})
    assert second.table.drop_columns(["lineage"]).equals(first.table.drop_columns(["lineage"]))
    third = run(refinery, tmp_path, output={"path": "json", "format": "jsonl"}, name="json")
    with zstandard.open(third.output / "data-00000.jsonl.zst", "rt") as file:
        written = {row["id"]: row for row in map(json.loads, file)}
    assert written["m"]["messages"] == messages


def test_clashing_types_are_refused_with_file_column_and_both_types(tmp_path, refinery):
    """Before any document is decided on, exit code 2."""
    for number in range(5):
        year = pa.array([1999]) if number != 3 else pa.array(["1999"])
        write_table(tmp_path / "in" / f"{number}.parquet", {"text": [f"text {number}"], "year": year})
    ran = run(refinery, tmp_path, expect=2)
    assert "3.parquet: column 'year' is string here but int64 in" in ran.err
    assert "0.parquet" in ran.err
    assert not (tmp_path / "out.records" / "manifest.json").exists()


@pytest.mark.parametrize("on_error", ["quarantine", "fail"])
def test_one_shard_of_many_with_another_type_of_text(tmp_path, refinery, on_error):
    """The shard, the column, the expected and the found type are named; the other shards are read, or none."""
    for number in range(6):
        text = pa.array([b"raw"]) if number == 4 else pa.array([f"text {number}"])
        write_table(tmp_path / "in" / f"{number}.parquet", {"id": [number], "text": text})
    ran = run(refinery, tmp_path, source={"on_error": on_error}, expect=2 if on_error == "fail" else 0)
    problem = "column 'text' is binary, expected string (set `binary_text: true` if it is UTF-8)"
    if on_error == "fail":
        assert f"4.parquet: {problem}" in ran.err
        return
    (broken,) = ran.source["broken"]
    assert broken["path"].endswith("4.parquet")
    assert broken["problem"] == problem
    assert ran.manifest["kept"]["documents"] == 5
    assert "1 file could not be read" in ran.err and "0 rows" not in ran.err
    assert [row["reason"] for row in ran.rejects] == ["unreadable"]


def test_an_empty_shard_among_others_changes_nothing(tmp_path, refinery):
    """A Parquet file without rows comes first, an empty JSONL file last: the rest is read and deduplicated."""
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("year", pa.int64())])
    write_table(tmp_path / "in" / "0.parquet", {f.name: pa.array([], f.type) for f in schema})
    write_table(
        tmp_path / "in" / "1.parquet", {"id": ["a", "b"], "text": ["same text", "same text"], "year": [1, 2]}
    )
    (tmp_path / "in" / "2.jsonl").write_text("")
    stage = {"measure": ["language", "signals"], "dedup": {"exact": True, "near": {}}}
    ran = run(refinery, tmp_path, stage=stage)
    assert ran.outcomes == {"a": "kept", "b": "dedup.exact"}
    assert ran.source["shards"] == 3
    assert ran.table.schema.field("year").type == pa.int64()


def test_nothing_but_an_empty_shard(tmp_path, refinery):
    """There is nothing to read, which is told before the run."""
    write_table(
        tmp_path / "in" / "0.parquet", {"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}
    )
    ran = run(refinery, tmp_path, stage={"measure": ["signals"], "dedup": {"near": {}}}, expect=2)
    assert "no document: the file is empty" in ran.err


def test_a_row_group_that_decodes_to_far_more_than_it_holds(tmp_path, refinery):
    """400 rows of one dictionary entry, 26 MB from a few kilobytes: all read, one kept."""
    values = pa.array(["lorem ipsum " * 5500])
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 400, pa.int32()), values)
    file = write_table(
        tmp_path / "in" / "a.parquet",
        {"id": list(range(400)), "text": text},
        store_schema=False,
        row_group_size=400,
    )
    assert file.stat().st_size < 30_000
    ran = run(refinery, tmp_path, stage={"dedup": {"exact": True}})
    assert ran.source["documents"] == 400
    assert ran.table.column("id").to_pylist() == [0]
    assert ran.rows[0]["text"] == values[0].as_py()


def test_dictionary_columns_are_read_as_plain_strings(tmp_path, refinery):
    """Categories with any index type beside plain strings: the output of plain files, byte for byte."""
    texts = [["one", "two", "one"], ["three", "four", "three"], ["five " * 40_000, *[None] * 600]]
    for kind, encode in {
        "plain": lambda a, _: a,
        "coded": lambda a, n: a.dictionary_encode() if n != 1 else a,
    }.items():
        folder = tmp_path / kind
        for number, values in enumerate(texts):
            text = pa.array(values, pa.string())
            site = pa.array(["wiki"] * len(values))
            coded = encode(site, number)
            if number == 0 and kind == "coded":
                coded = coded.cast(pa.dictionary(pa.int8(), pa.string()))
            columns = {"id": list(range(len(values))), "text": encode(text, number), "site": coded}
            write_table(folder / "in" / f"{number}.parquet", columns)
        ran = run(refinery, folder, guards={"rejected": "off"})
        assert ran.source["reasons"] == {"null_text": 600}
        assert ran.manifest["kept"]["documents"] == 7
    plain, coded = (tmp_path / kind / "out" / "data-00000.parquet" for kind in ("plain", "coded"))
    assert plain.read_bytes() == coded.read_bytes()


def test_ids_come_out_as_they_went_in(tmp_path, refinery):
    """Digits stay strings: leading zeros, more than 53 bits, underscores; repeated and NULL ids are no error."""
    ids = ["00010", "72057594038135102", "18_19", "1e5", "NaN", "", " x "]
    write_jsonl(
        tmp_path / "in" / "a.jsonl",
        [{"id": name, "text": f"t{n}"} for n, name in enumerate([*ids, "", None])],
    )
    ran = run(refinery, tmp_path)
    assert ran.table.column("id").to_pylist() == [*ids, "", None]


def test_integer_ids_stay_integers_and_two_kinds_become_strings(tmp_path, refinery):
    """Exact dedup of A, B, A, C, B keeps three with int64 ids; beside a source of string ids they are strings."""
    write_table(
        tmp_path / "in" / "a.parquet",
        {"id": pa.array([1, 2, 3, 4, 2**60]), "text": ["A", "B", "A", "C", "B"]},
    )
    ran = run(refinery, tmp_path, stage={"dedup": {"exact": True}})
    assert ran.table.column("id").type == pa.int64()
    assert ran.table.column("id").to_pylist() == [1, 2, 4]
    assert ran.decisions[str(2**60)]["duplicate_of_id"] == "2"
    write_table(tmp_path / "in" / "b.parquet", {"id": ["x"], "text": ["D"]})
    assert run(refinery, tmp_path, stage={"dedup": {"exact": True}}).table.column("id").to_pylist() == [
        "1",
        "2",
        "4",
        "x",
    ]


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (pa.array([b"\xff\x00", b"plain", b"\xfe"]), ["ff00", "plain", "fe"]),
        (pa.array([b"\x01\x80", b"ab", b"\xff\xff"], pa.binary(2)), ["0180", "ab", "ffff"]),
        (pa.array([[1, 2], [], [3]]), ["[1,2]", "[]", "[3]"]),
        (pa.array([{"part": "a", "n": 1}] * 3), ['{"part":"a","n":1}'] * 3),
        (pa.array([1.5, 2.0, 0.1]), ["1.5", "2", "0.1"]),
        (pa.array([1, 2, 3], pa.timestamp("ms")), [f"1970-01-01 00:00:00.00{n}" for n in (1, 2, 3)]),
        (pa.array([True, False, True]), ["true", "false", "true"]),
    ],
)
def test_ids_of_any_type(tmp_path, refinery, ids, told):
    """Hashes, lists, objects, times: they come out as they went in; as text in decisions and beside others."""
    write_table(tmp_path / "in" / "a.parquet", {"id": ids, "text": ["A", "B", "A"]})
    stage = {"dedup": {"exact": True}}
    ran = run(refinery, tmp_path, stage=stage)
    assert ran.table.column("id").to_pylist() == ids[:2].to_pylist()
    assert ran.table.column("id").type == ids.type
    decided = read_files(ran.output, "decisions").to_pylist()
    assert [row["id"] for row in decided] == told
    assert decided[2]["duplicate_of_id"] == told[0]
    write_table(tmp_path / "in" / "b.parquet", {"id": ["x"], "text": ["C"]})
    assert run(refinery, tmp_path, stage=stage).table.column("id").to_pylist() == [*told[:2], "x"]


def test_ids_of_two_widths_become_the_wider_one(tmp_path, refinery):
    """int32 beside int64, string beside large_string: still integers, still strings."""
    kinds = {"a": (pa.int32(), 1), "b": (pa.int64(), 2**40), "c": (pa.uint8(), 3)}
    for name, (kind, number) in kinds.items():
        write_table(tmp_path / "in" / f"{name}.parquet", {"id": pa.array([number], kind), "text": [name]})
    ran = run(refinery, tmp_path)
    assert ran.table.column("id").type == pa.int64()
    assert ran.table.column("id").to_pylist() == [1, 2**40, 3]


BROKEN = {
    500: '{"id": 7, "text": "an integer id"}',
    501: '{"id": "b", "text": null}',
    502: '{"id": "c"}',
    503: '{"id": "d", "text": {"a": 1}}',
    504: '{"id": "x", "tex',
    505: "[1, 2]",
    506: '{"id": "s1", "text": "hi \\ud83d there"}',
    507: '{"id": "s2", "text": "\\ude00 x"}',
    508: '{"id": "pair", "text": "\\ud83d\\ude00"}',
}
REASONS = {
    501: "null_text",
    502: "missing_text",
    503: "text_not_string",
    504: "not_json",
    505: "not_object",
    506: "lone_surrogate",
    507: "lone_surrogate",
}


def broken_lines(folder: Path) -> None:
    rows: list[object] = lines(1000)
    for number, line in BROKEN.items():
        rows[number] = line
    write_jsonl(folder / "in" / "a.jsonl", rows)


def test_broken_rows_are_put_aside_one_by_one(tmp_path, refinery):
    """Each with shard, row and reason; counted in the manifest, told at the end; their neighbours are kept."""
    broken_lines(tmp_path)
    ran = run(refinery, tmp_path)
    assert {row["row"]: row["reason"] for row in ran.rejects} == REASONS
    assert {row["path"] for row in ran.rejects} == {"a.jsonl"}
    assert all(row["detail"] for row in ran.rejects if row["reason"] in {"not_json", "text_not_string"})
    assert ran.source["rejected"] == 7
    assert ran.source["reasons"] == {
        "lone_surrogate": 2, "missing_text": 1, "not_json": 1, "not_object": 1, "null_text": 1, "text_not_string": 1,
    }  # fmt: skip
    assert "\n7 rows were rejected: see" in f"\n{ran.err}"
    kept = ran.rows
    assert len(kept) == 993
    assert (kept["7"]["text"], kept["pair"]["text"]) == ("an integer id", "😀")
    assert {"d499", "d509"} <= set(kept)
    assert ran.decisions["a.jsonl:504"]["outcome"] == "rejected"


def test_a_broken_row_stops_the_run_when_asked_to(tmp_path, refinery):
    """`on_error: fail` names shard and row, with exit code 2, and writes nothing."""
    broken_lines(tmp_path)
    ran = run(refinery, tmp_path, source={"on_error": "fail"}, expect=2)
    assert "a.jsonl, row 501: null_text" in ran.err
    assert not (tmp_path / "out.records" / "manifest.json").exists()


def test_text_in_binary_view_and_nested_columns(tmp_path, refinery):
    """Each kind of column gives the same document; what is not UTF-8 is put aside."""
    raw = [b"caf\xc3\xa9", b"caf\xe9"]
    write_table(tmp_path / "in" / "0.parquet", {"id": ["b0", "b1"], "text": pa.array(raw, pa.binary())})
    write_table(tmp_path / "in" / "1.parquet", {"id": ["l0", "l1"], "text": pa.array(raw, pa.large_binary())})
    write_table(tmp_path / "in" / "2.parquet", {"id": ["v0"], "text": pa.array(["café"], pa.string_view())})
    write_table(tmp_path / "in" / "3.parquet", {"id": ["s0"], "text": pa.array(["café"], pa.large_string())})
    ran = run(refinery, tmp_path, source={"binary_text": True})
    assert {name: row["text"] for name, row in ran.rows.items()} == dict.fromkeys(
        ["b0", "l0", "v0", "s0"], "café"
    )
    assert ran.source["reasons"] == {"invalid_utf8": 2}
    nested = [{"doc": {"text": "café", "n": 1}, "key": {"name": "n0"}}]
    write_table(tmp_path / "deep" / "a.parquet", {name: [row[name] for row in nested] for name in nested[0]})
    write_jsonl(tmp_path / "deep" / "b.jsonl", [{"doc": {"text": "thé", "n": 2}, "key": {"name": "n1"}}])
    ran = run(refinery, tmp_path, source={"path": "deep", "text": "doc.text", "id": "key.name"})
    assert {name: (row["text"], row["doc"]) for name, row in ran.rows.items()} == {
        "n0": ("café", {"n": 1}),
        "n1": ("thé", {"n": 2}),
    }


def test_names_that_refinery_uses_are_never_overwritten(tmp_path, refinery):
    """Input columns keep their values under a name that the manifest tells."""
    columns = {
        "id": ["a"], "body": [document(1)], "text": ["a summary"], "lang": ["of the input"], "tokens": [-1],
        "lineage": ["theirs"], "input_lang": ["taken too"],
        "quality_score": [0.5], "__index_level_0__": [9], "_cluster": [3],
    }  # fmt: skip
    write_table(tmp_path / "in" / "a.parquet", columns)
    stage = {"measure": ["language"], "keep": [{"english": "lang_score > 0"}]}
    ran = run(refinery, tmp_path, source={"text": "body"}, stage=stage)
    row = ran.rows["a"]
    assert (row["text"], row["lang"]) == (document(1), "en")
    renamed = ran.manifest["renamed_columns"]
    assert set(renamed) == {"text", "lang", "tokens", "lineage"}
    assert {name: row[renamed.get(name, name)] for name in columns if name not in {"id", "body"}} == {
        name: values[0] for name, values in columns.items() if name not in {"id", "body"}
    }
    again = run(refinery, tmp_path, source={"path": "out"}, stage=stage, output={"path": "again"})
    assert again.rows["a"] | {"lineage": None} == row | {"lineage": None}


def test_folders_with_equals_signs_are_folders(tmp_path, refinery):
    """No column is made of a path, and a column of that name keeps its own value and type."""
    write_table(tmp_path / "in" / "lang=en" / "dump=202410" / "p0.parquet", {"id": ["a"], "text": ["one"]})
    columns = {"id": ["b"], "text": ["two"], "lang": ["fr"], "dump": ["007"]}
    write_table(tmp_path / "in" / "lang=de" / "dump=202411" / "p0.parquet", columns)
    write_table(tmp_path / "in" / "run=final=2" / "p0.parquet", {"id": ["c"], "text": ["three"]})
    ran = run(refinery, tmp_path)
    assert {n: (r["lang"], r["dump"]) for n, r in ran.rows.items()} == {
        "a": (None, None),
        "b": ("fr", "007"),
        "c": (None, None),
    }
    assert ran.rows["c"]["lineage"]["path"] == "run=final=2/p0.parquet"


def test_files_of_one_name_in_two_folders_stay_apart(tmp_path, refinery):
    """Lineage keeps the folder, and minted ids differ."""
    for folder in "ab":
        write_table(
            tmp_path / "in" / folder / "part-0.parquet", {"text": [f"from {folder}", f"more from {folder}"]}
        )
    ran = run(refinery, tmp_path)
    assert len(ran.rows) == 4
    assert {row["lineage"]["path"] for row in ran.rows.values()} == {"a/part-0.parquet", "b/part-0.parquet"}
