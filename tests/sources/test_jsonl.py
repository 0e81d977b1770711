import gzip
import json
import math
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources import jsonl
from refinery.sources.rows import first_columns
from refinery.sources.schema import notes, unify
from refinery.sources.shards import list_shards

from .reading import id_type, read_all, scan_schema, spec


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def documents(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"id": f"d{n}", "text": f"text of {n}"} for n in range(start, start + count)]


def test_ids_that_look_like_numbers_stay_strings(tmp_path):
    """Byte for byte."""
    names = ["00010", "72057594038135102", "18_19"]
    path = lines(tmp_path / "a.jsonl", *({"id": name, "text": "x"} for name in names))
    assert read_all(spec(path)).ids == names


def test_integer_ids_stay_integers(tmp_path):
    """A source whose ids are all integers has int64 ids."""
    path = lines(tmp_path / "a.jsonl", {"id": 5, "text": "x"}, {"id": None, "text": "y"})
    shard = list_shards(spec(path)).shards[0]
    assert id_type(shard, spec(path)) == pa.int64()
    assert read_all(spec(path)).ids == [5, None]


def test_every_line_is_judged_by_itself(tmp_path):
    """An integer id among strings is kept as its digits; null, missing and wrong text are rejects."""
    rows: list[object] = list(documents(1000))
    rows[500:504] = [
        {"id": 7, "text": "x"},
        {"id": "b", "text": None},
        {"id": "c"},
        {"id": "d", "text": {"a": 1}},
    ]
    found = read_all(spec(lines(tmp_path / "a.jsonl", *rows)))
    assert [(r.row, r.reason) for r in found.rejects] == [
        (501, "null_text"),
        (502, "missing_text"),
        (503, "text_not_string"),
    ]
    assert found.ids[499:502] == ["d499", "7", "d504"]
    assert len(found.ids) == 997


def test_id_type_is_the_same_in_every_batch(tmp_path):
    """Batches of integers alone do not change the type of the shard's ids."""
    path = lines(
        tmp_path / "a.jsonl", *({"id": n, "text": "x" * 50} for n in range(20)), {"id": "s", "text": "y"}
    )
    assert read_all(spec(path), batch_bytes=100).ids == [*map(str, range(20)), "s"]


def test_huge_numbers_as_ids_keep_their_digits(tmp_path):
    """An id beyond 64 bits, or with a fraction, is kept as it was written."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 123456789012345678901234567890, "text": "x"}\n{"id": 1.10, "text": "y"}\n')
    assert read_all(spec(path)).ids == ["123456789012345678901234567890", "1.10"]


def test_a_malformed_line_is_one_reject(tmp_path):
    """999 of 1000 documents are read, the bad row is named."""
    text = [json.dumps(row) for row in documents(1000)]
    text[500] = '{"id":"x","tex'
    (tmp_path / "a.jsonl").write_text("\n".join(text))
    found = read_all(spec(tmp_path))
    assert len(found.ids) == 999
    assert [(r.row, r.reason) for r in found.rejects] == [(500, "not_json")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (rb'{"id":"s1","text":"hi \ud83d there"}', "lone_surrogate"),
        (rb'{"id":"s2","text":"\ude00 x"}', "lone_surrogate"),
        (b'{"id":"s3","text":"caf\xe9"}', "invalid_utf8"),
        (rb'{"id":"s4","text":"x","n":NaN,"m":["\udc00"]}', "lone_surrogate"),
        (b'{"id":"s4","text":"x","n":nan}', "not_json"),
        (b'{"id":"s4","text":"x","n":NaN', "not_json"),
        (b'["a"]', "not_object"),
        (b'"text"', "not_object"),
        (b"[" * 5000 + b"]" * 5000, "not_json"),
        (b'{"text":"x","m":' + b"[" * 900 + b"]" * 900 + b"}", "not_json"),
        (b'{"text":"x","m":' + b"[" * 5000 + b"NaN" + b"]" * 5000 + b"}", "not_json"),
        (b'{"text":"x","n":12345678901234567890,"m":' + b"[" * 1000 + b"]" * 1000 + b"}", "not_json"),
        (b'{"id":"s5","text":"x"} trailing', "not_json"),
    ],
)
def test_what_is_wrong_with_a_line_has_a_name(tmp_path, line, reason):
    """A reject with its reason, never a crash; the lines around are read."""
    (tmp_path / "a.jsonl").write_bytes(b'{"text":"before"}\n' + line + b'\n{"text":"after"}\n')
    found = read_all(spec(tmp_path))
    assert found.texts == ["before", "after"]
    assert [(r.row, r.reason) for r in found.rejects] == [(1, reason)]


def test_what_python_writes_for_no_number_is_a_number(tmp_path):
    """NaN and the infinities are doubles of a carried column; such an id is kept as it was written."""
    rows = [{"id": "a", "text": "\U0001f600", "n": math.nan}, {"id": math.inf, "text": "y", "n": -math.inf}]
    schema, columns = carried(lines(tmp_path / "a.jsonl", *rows, {"id": "c", "text": "z", "n": 1}))
    assert schema.field("n").type == pa.float64()
    assert math.isnan(columns[0]["n"])
    assert [row["n"] for row in columns[1:]] == [-math.inf, 1.0]
    found = read_all(spec(tmp_path))
    assert (found.ids, found.texts) == (["a", "Infinity", "c"], ["\U0001f600", "y", "z"])


@pytest.mark.parametrize("levels", [33, 200, 248])
@pytest.mark.parametrize("kind", ["objects", "lists"])
def test_deep_nesting_is_carried_as_json_text(tmp_path, levels, kind):
    """A column of more than 32 levels is noted and comes out as it was; one of 32 keeps its type."""
    deep, shallow = (
        '{"a":' * n + "1" + "}" * n if kind == "objects" else "[" * n + "1" + "]" * n for n in (levels, 32)
    )
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text":"x","m":{deep},"n":{shallow}}}\n{{"text":"y","m":null}}\n')
    schema, columns = carried(path)
    assert columns[0]["m"] == deep
    assert columns[0]["n"] == json.loads(shallow)
    assert notes(schema) == ("column 'm' is carried as JSON text: it is nested more than 32 deep",)
    pq.write_table(pa.Table.from_pylist(columns, schema), tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == columns


def test_text_with_many_brackets_is_not_nested(tmp_path):
    """Brackets inside strings do not count as levels."""
    path = lines(tmp_path / "a.jsonl", {"text": "[{" * 5000, "m": ["]" * 300]})
    assert read_all(spec(path)).texts == ["[{" * 5000]


@pytest.mark.parametrize(
    "number",
    [
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "9" * 5000,
        "1e999",
    ],
)
def test_numbers_beyond_64_bits_keep_their_digits(tmp_path, number):
    """Alone, nested, and beside NaN: the column is carried as JSON text, with a note; others are untouched."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        f'{{"text":"x","n":{number},"m":[{{"a":{number}}}],"k":1234567890123456789}}\n'
        f'{{"text":"y","n":1.5,"m":[{{"a":NaN}},{number}],"k":-9223372036854775808}}\n'
    )
    schema, columns = carried(path)
    assert [row["n"] for row in columns] == [number, "1.5"]
    assert [row["m"] for row in columns] == [f'[{{"a":{number}}}]', f'[{{"a":null}},{number}]']
    assert [row["k"] for row in columns] == [1234567890123456789, -(2**63)]
    assert "'n' is carried as JSON text: it holds numbers beyond 64 bits" in notes(schema)[0]


def test_a_large_number_as_the_text_or_the_row_is_named(tmp_path):
    """The rejects of small numbers hold for large ones."""
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text":{2**70}}}\n{2**70}\nNaN\n{{"text":NaN}}\n')
    assert read_all(spec(path)).reasons == ["text_not_string", "not_object", "not_object", "text_not_string"]


def test_paired_surrogates_and_null_characters_are_text(tmp_path):
    """Escapes that are valid come out as the characters they stand for."""
    (tmp_path / "a.jsonl").write_bytes(rb'{"text":"\ud83d\ude00 \u0000 \u4e2d"}')
    assert read_all(spec(tmp_path)).texts == ["\U0001f600 \0 中"]


def test_line_ends_and_byte_order_marks_change_nothing(tmp_path):
    """The same five records in four ways give the same texts; the row is the line, blank lines counted."""
    rows = [json.dumps({"text": f"t {n}"}) for n in range(5)]
    ways = [
        "\n".join(rows) + "\n",
        "\ufeff" + "\r\n".join(rows) + "\r\n",
        "\n\n" + "\n \n\n".join(rows) + "\n\n",
        "\n".join(rows),
    ]
    found = []
    for number, content in enumerate(ways):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.jsonl").write_bytes(content.encode())
        found.append(read_all(spec(tmp_path / str(number))))
    assert [f.texts for f in found] == [[f"t {n}" for n in range(5)]] * 4
    numbers = [[int(name.partition("-")[2]) for name in f.ids] for f in found]
    assert numbers == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [2, 5, 8, 11, 14], [0, 1, 2, 3, 4]]
    assert not any(f.rejects for f in found)


def test_long_lines(tmp_path):
    """20 MiB is read; over the limit is a reject that names it; the neighbours are unharmed."""
    path = lines(
        tmp_path / "a.jsonl",
        {"id": "a", "text": "x"},
        {"id": "b", "text": "word " * (4 * 2**20)},
        {"id": "c", "text": "y"},
    )
    found = read_all(spec(path))
    assert [len(text) for text in found.texts] == [1, 20 * 2**20, 1]
    small = read_all(spec(path, max_document_bytes=2**20))
    assert small.ids == ["a", "c"]
    assert [(r.row, r.reason) for r in small.rejects] == [(1, "oversize_row")]
    assert str(2**20) in small.rejects[0].detail


def test_members_and_frames_are_all_read(tmp_path):
    """Two gzip members, two zstd frames: the rows of both."""
    a, b = ("".join(json.dumps(row) + "\n" for row in documents(50, start)).encode() for start in (0, 50))
    compress = zstandard.ZstdCompressor().compress
    (tmp_path / "g.jsonl.gz").write_bytes(gzip.compress(a) + gzip.compress(b))
    (tmp_path / "z.jsonl.zst").write_bytes(compress(a) + compress(b))
    for name in ("g.jsonl.gz", "z.jsonl.zst"):
        assert read_all(spec(tmp_path / name)).ids == [f"d{n}" for n in range(100)]


def test_compression_is_told_by_content(tmp_path):
    """A gzip file that is only called .jsonl is decompressed."""
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(b'{"text":"x"}'))
    assert read_all(spec(tmp_path)).texts == ["x"]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_half_uploaded_file_keeps_its_complete_lines(tmp_path, name):
    """70 % of a file gives the complete lines and one reject `truncated_file`, the same on every read."""
    chosen = random.Random(1)
    rows = [{"id": f"d{n}", "text": "".join(chosen.choices("abcdefgh ", k=300))} for n in range(1000)]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    whole = gzip.compress(content) if name.endswith("gz") else zstandard.compress(content)
    (tmp_path / name).write_bytes(whole[: len(whole) * 7 // 10])
    found, again = read_all(spec(tmp_path)), read_all(spec(tmp_path))
    assert 300 < len(found.ids) < 1000
    assert found.texts == [row["text"] for row in rows[: len(found.ids)]]
    assert [(r.row, r.reason) for r in found.rejects] == [(len(found.ids), "truncated_file")]
    assert found.rejects[0].detail.endswith(f"ends before row {len(found.ids)}")
    assert (again.ids, again.rejects) == (found.ids, found.rejects)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"text": "x"}'.encode("utf-16"), "UTF-16"),
        (b"<html>403</html>", "HTML or XML"),
    ],
)
def test_files_that_are_not_json_lines_are_found_in_planning(tmp_path, content, problem):
    """Each is named with what it is, if nothing else is there; among others it is one reject."""
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.jsonl: .*{problem}"):
        list_shards(spec(tmp_path))
    (tmp_path / "b.jsonl").write_text('{"text": "x"}\n')
    found = read_all(spec(tmp_path), shard_bytes=5)
    assert found.texts == ["x"]
    assert [(reject.row, reject.reason) for reject in found.rejects] == [(0, "unreadable")]
    assert problem in found.rejects[0].detail
    with pytest.raises(InputError, match=rf"a\.jsonl: .*{problem}"):
        list_shards(spec(tmp_path, on_error="fail"))


def test_nested_text_and_id(tmp_path):
    """Dotted names pick nested values; a key of that very name goes first; the rest is carried."""
    path = lines(
        tmp_path / "a.jsonl",
        {"doc": {"text": "x", "url": "u"}, "meta": {"id": "i"}, "n": 1},
        {"doc.text": "y", "meta": {"id": "j"}},
        {"doc": "no object"},
    )
    found = read_all(spec(path, text="doc.text", id="meta.id"), carry=True)
    assert (found.texts, found.ids) == (["x", "y"], ["i", "j"])
    assert found.columns == [{"doc": {"url": "u"}, "n": 1}, {"doc": None, "n": None}]
    assert found.reasons == ["missing_text"]


def test_rows_without_an_id(tmp_path):
    """Without `id` in the definition they get a minted one; with it they have none; null stays null."""
    path = lines(tmp_path / "a.jsonl", {"id": "a", "text": "x"}, {"text": "y"}, {"id": None, "text": "z"})
    minted = read_all(spec(path)).ids
    assert (minted[0], minted[2]) == ("a", None)
    assert minted[1].endswith("-1")
    assert read_all(spec(path, id="id")).ids == ["a", None, None]


def carried(path: Path) -> tuple[pa.Schema, list[dict]]:
    shards = list_shards(spec(path)).shards
    schema = unify([(shard.name, scan_schema(shard, spec(path))) for shard in shards])
    return schema, read_all(spec(path), carry=True).columns


def test_null_first_and_a_value_late(tmp_path):
    """10 000 nulls, then 10 000 strings, in one shard and in two."""
    rows = [{"text": "x", "meta": {"license": None}}] * 10_000 + [
        {"text": "x", "meta": {"license": "cc-by"}}
    ] * 10_000
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    lines(tmp_path / "one" / "a.jsonl", *rows)
    lines(tmp_path / "two" / "a.jsonl", *rows[:10_000])
    lines(tmp_path / "two" / "b.jsonl", *rows[10_000:])
    for name in ("one", "two"):
        schema, columns = carried(tmp_path / name)
        assert schema.field("meta").type == pa.struct([("license", pa.string())])
        assert [row["meta"]["license"] for row in columns] == [None] * 10_000 + ["cc-by"] * 10_000


def test_a_key_that_only_one_file_has(tmp_path):
    """Missing is null, whichever file comes first."""
    for number in range(14):
        row = {"text": f"{number}", "key1": number} | ({"key2": "v"} if number == 9 else {})
        lines(tmp_path / f"{number}.jsonl", row)
    schema, columns = carried(tmp_path)
    assert schema.names == ["key1", "key2"]
    assert [row["key2"] for row in columns] == [None] * 9 + ["v"] + [None] * 4


def test_an_extra_nested_field_late_in_a_file(tmp_path):
    """Row 500 has one field more."""
    rows = [{"text": "x", "meta": {"a": n, "b": "s"}} for n in range(1000)]
    rows[500]["meta"]["symlink_target"] = "t"
    schema, columns = carried(lines(tmp_path / "a.jsonl", *rows))
    assert {field.name for field in schema.field("meta").type} == {"a", "b", "symlink_target"}
    assert columns[500]["meta"] == {"a": 500, "b": "s", "symlink_target": "t"}
    assert columns[0]["meta"] == {"a": 0, "b": "s", "symlink_target": None}


def test_strings_mixed_with_objects_are_carried_as_json_text(tmp_path):
    """The text is processed, the column carried as JSON, and there is a note that names it."""
    messages = [{"role": "a", "content": "s"}, {"role": "b", "content": [{"type": "text", "text": "é"}]}]
    schema, columns = carried(lines(tmp_path / "a.jsonl", {"text": "x", "messages": messages, "n": 1}))
    assert json.loads(columns[0]["messages"]) == messages
    assert columns[0]["n"] == 1
    assert len(notes(schema)) == 1
    assert "'messages' is carried as JSON text" in notes(schema)[0]


def test_columns_that_mix_over_files_are_carried_as_json_text(tmp_path):
    """A string in one file, an object in the next: both come out as JSON, null as null."""
    lines(tmp_path / "1.jsonl", {"text": "x", "m": "s"}, {"text": "x", "m": None})
    lines(tmp_path / "2.jsonl", {"text": "y", "m": {"a": 1}})
    schema, columns = carried(tmp_path)
    assert [row["m"] for row in columns] == ['"s"', None, '{"a":1}']
    assert "strings and objects" in notes(schema)[0]


def test_empty_lists_and_lists_of_strings(tmp_path):
    """Empty lists: `[]` everywhere in one shard, strings in the other."""
    lines(tmp_path / "1.jsonl", {"text": "x", "tags": []})
    lines(tmp_path / "2.jsonl", {"text": "y", "tags": ["t"]})
    schema, columns = carried(tmp_path)
    assert schema.field("tags").type == pa.list_(pa.string())
    assert [row["tags"] for row in columns] == [[], ["t"]]


def test_int_beside_float_only_where_it_is_exact(tmp_path):
    """1 and 2.5 are doubles; an integer that a double cannot hold keeps its digits, as JSON text."""
    lines(tmp_path / "1.jsonl", {"text": "x", "n": 1, "wide": 2**60 + 1})
    lines(tmp_path / "2.jsonl", {"text": "y", "n": 2.5, "wide": 0.5})
    schema, columns = carried(tmp_path)
    assert schema.field("n").type == pa.float64()
    assert columns == [{"n": 1.0, "wide": str(2**60 + 1)}, {"n": 2.5, "wide": "0.5"}]


def test_objects_used_as_maps_do_not_become_thousands_of_columns(tmp_path):
    """An object column with more than 512 different keys is carried as JSON text."""
    rows = [{"text": "x", "scores": {f"key{n}": n}} for n in range(600)]
    schema, columns = carried(lines(tmp_path / "a.jsonl", *rows))
    assert columns[7] == {"scores": '{"key7":7}'}
    assert "more than 512" in notes(schema)[0]


def test_objects_without_keys_are_carried_as_json_text(tmp_path):
    """Parquet has no struct without fields."""
    _, columns = carried(lines(tmp_path / "a.jsonl", {"text": "x", "m": {}}))
    assert columns == [{"m": "{}"}]


def test_wanted_rows_alone_are_parsed(tmp_path):
    """Rows keep their numbers; a bad line that is not wanted does not matter."""
    text = [json.dumps(row) for row in documents(100)]
    text[50] = "bad"
    (tmp_path / "a.jsonl").write_text("\n".join(text))
    found = read_all(spec(tmp_path), wanted=[3, 49, 51])
    assert found.ids == ["d3", "d49", "d51"]
    assert not found.rejects


JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(JSON_TEXT, min_size=1, max_size=30), size=st.integers(1, 400), ascii=st.booleans())
def test_a_cut_file_has_the_rows_of_the_whole(tmp_path_factory, texts, size, ascii):
    """Every line belongs to exactly one shard, wherever the cuts fall."""
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_bytes("\n".join(json.dumps({"text": t}, ensure_ascii=ascii) for t in texts).encode())
    found = read_all(spec(path), shard_bytes=size)
    assert found.texts == texts
    assert found.ids == read_all(spec(path)).ids
    assert len(set(found.ids)) == len(texts)


@pytest.mark.parametrize(
    "options", [{}, {"text": "other"}, {"max_document_bytes": 500}], ids=["read", "no_text", "oversize"]
)
def test_a_look_at_the_first_columns_reads_no_more_than_that(tmp_path, options):
    """Lines that are no documents count as those that are: a wrong name of the text makes no whole read."""
    path = lines(tmp_path / "a.jsonl", *({"text": "x" * 1000, "n": 1} for _ in range(1000)))
    taken = []

    def counted(*arguments):
        for row in jsonl.rows(*arguments):
            taken.append(row)
            yield row

    source = spec(path, **options)
    (shard,) = list_shards(source).shards
    first_columns(counted, shard, source, 10_000)
    assert 5 <= len(taken) <= 20


def test_a_large_plain_file_is_cut_by_bytes(tmp_path):
    """Shards cover the file without a gap; a compressed file is one shard."""
    path = lines(tmp_path / "a.jsonl", *documents(1000))
    shards = list_shards(spec(path), shard_bytes=5000).shards
    assert len(shards) > 5
    assert [s.start for s in shards[1:]] == [s.stop for s in shards[:-1]]
    assert (shards[0].start, shards[-1].stop) == (0, -1)
    assert sum(s.bytes for s in shards) == path.stat().st_size
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert len(list_shards(spec(tmp_path / "b.jsonl.gz"), shard_bytes=100).shards) == 1
