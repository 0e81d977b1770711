import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources.column_settings import Join, NamedColumn, Where
from refinery.sources.documents import SourceSpec
from refinery.sources.read import fields_to_carry, read_documents
from refinery.sources.shards import list_shards
from tests.sources.joining import placed
from tests.sources.reading import describe, read_all, spec

FORMS = ("jsonl", "parquet")
ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "text": "one",
        "year": "2015",
        "meta": {"lang": "en", "license": "mit"},
        "tags": ["x"],
        "n": 1,
    },
    {"id": "b", "text": "two", "year": "MMXV", "meta": {"lang": "de", "license": None}, "tags": [], "n": 2},
    {"id": "c", "text": "six", "year": None, "meta": {"lang": "en", "license": "cc0"}, "tags": None, "n": 3},
    {"id": "d", "text": None, "year": "x", "meta": {"lang": "en", "license": "cc0"}, "tags": None, "n": 4},
]
YEAR = NamedColumn("year", "year", "int")


def source(tmp_path: Any, form: str, rows: list[dict[str, Any]] = ROWS, **options: Any) -> SourceSpec:
    path = tmp_path / f"a.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return spec(path, **options)


@pytest.mark.parametrize("form", FORMS)
def test_columns_are_kept_dropped_and_named(tmp_path, form):
    """In a file's own types; what is taken out of another column stays there, too."""
    found = read_all(source(tmp_path, form, keep=("n",)), carry=True)
    assert found.columns == [{"n": 1}, {"n": 2}, {"n": 3}]
    found = read_all(source(tmp_path, form, drop=("n", "tags", "meta")), carry=True)
    assert found.columns == [{"year": "2015"}, {"year": "MMXV"}, {"year": None}]
    named = (NamedColumn("license", "meta.license"), NamedColumn("labels", "tags"), NamedColumn("count", "n"))
    found = read_all(source(tmp_path, form, columns=named, drop=("year",)), carry=True)
    assert found.columns[0] == {"meta": ROWS[0]["meta"], "license": "mit", "labels": ["x"], "count": 1}
    found = read_all(source(tmp_path, form, columns=named, keep=()), carry=True, wanted=[2])
    assert found.columns == [{"license": "cc0", "labels": None, "count": 3}]


@pytest.mark.parametrize("form", FORMS)
def test_values_that_do_not_fit_are_null_and_counted(tmp_path, form):
    """Once, when all rows are read; rows that are rejected anyway do not count."""
    one = source(tmp_path, form, columns=(YEAR,), keep=())
    assert read_all(one, carry=True).columns == [{"year": 2015}, {"year": None}, {"year": None}]
    (shard,) = list_shards(one).shards
    assert describe(shard, one).carried.field("year").type == pa.int64()
    schema = describe(shard, one).carried
    counted = [run.nulled for run in read_documents(shard, one, carry=schema, describe=describe(shard, one))]
    assert counted == [{"year": 1}]
    assert [run.nulled for run in read_documents(shard, one, carry=schema)] == [{}]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carry", [False, True])
def test_values_that_do_not_fit_reject_their_row_where_that_is_asked_for(tmp_path, form, carry):
    """In every read, whether or not the column is carried; a row is asked for again without being judged."""
    one = source(tmp_path, form, columns=(NamedColumn("date", "year", "date", reject=True),), keep=())
    found = read_all(one, carry=carry)
    assert found.texts == ["one", "six"]
    assert [(r.row, r.reason, r.detail) for r in found.rejects] == [
        (1, "wrong_type", "'year' is no date: " + ('"MMXV"' if form == "jsonl" else "MMXV")),
        (3, "null_text", ""),
    ]
    if carry:
        assert found.columns == [{"date": dt.date(2015, 1, 1)}, {"date": None}]
        assert read_all(one, carry=True, wanted=[2]).texts == ["six"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(
    ("sql", "types", "kept", "skipped"),
    [
        ("n >= 2", (("n", "int"),), ["two", "six"], 1),
        ("tongue = 'en' AND n < 3", (("n", "int"), ("tongue", "string")), ["one"], 2),
        ("year > 2000", (("year", "int"),), ["one"], 2),
        ("year IS NULL", (("year", "int"),), ["two", "six"], 1),
        ("n > 5", (("n", "int"),), [], 3),
    ],
)
def test_rows_are_chosen_by_their_columns(tmp_path, form, carry, sql, types, kept, skipped):
    """Named and cast ones, dropped ones too; NULL is not true. Skipped rows are counted."""
    columns = (YEAR, NamedColumn("tongue", "meta.lang"))
    one = source(tmp_path, form, columns=columns, keep=(), where=Where(sql, types))
    found = read_all(one, carry=carry)
    assert (found.texts, found.skipped) == (kept, {"where": skipped} if skipped else {})
    assert [r.reason for r in found.rejects] == ["null_text"]


@pytest.mark.parametrize("form", FORMS)
def test_a_value_that_cannot_be_judged_is_an_error(tmp_path, form):
    """With the value, and the setting that makes NULL of it."""
    one = source(tmp_path, form, where=Where("year > 2000", (("year", "int"),)))
    with pytest.raises(
        InputError, match=r"'year', of which a value is no int: .*MMXV.*columns: {year: {type: int}}"
    ):
        read_all(one)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(
    ("name", "ids", "sql", "kept"),
    [
        (None, ["PMC1", "PMC22", None], "id LIKE 'PMC_'", ["t0"]),
        (None, [7, 8, 9], "id IN ('7', '9')", ["t0", "t2"]),
        ("pmid", [7, 8, None], "CAST(pmid AS BIGINT) > 7", ["t1"]),
        ("pmid", [7, 8, None], "pmid IS NULL", ["t2"]),
    ],
)
def test_rows_are_chosen_by_their_ids(tmp_path, form, carry, name, ids, sql, kept):
    """As texts; the ids stay what they are."""
    rows = [{name or "id": value, "text": f"t{n}"} for n, value in enumerate(ids)]
    one = source(tmp_path, form, rows, id=name, where=Where(sql, ((name or "id", "string"),)))
    found = read_all(one, carry=carry)
    assert (found.texts, found.skipped) == (kept, {"where": 3 - len(kept)})
    assert found.ids == [ids[int(text[1:])] for text in kept]


CASTS = {"int": int, "string": str}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    values=st.lists(st.none() | st.from_regex(r"\A[0-9a]{1,3}\Z"), min_size=1, max_size=30),
    least=st.integers(0, 500),
    form=st.sampled_from(FORMS),
    batch=st.integers(1, 300),
)
def test_nothing_is_lost(tmp_path, values, least, form, batch):
    """Every row is a document, a reject or skipped, whatever the batches; as Python judges row by row."""
    rows = [{"text": f"t{n}", "x": value} for n, value in enumerate(values)]
    number = [None if v is None or not v.isdigit() else int(v) for v in values]
    named = (NamedColumn("x", "x", "int", reject=True),)
    one = source(tmp_path, form, rows, columns=named, where=Where(f"x >= {least}", (("x", "int"),)))
    found = read_all(one, carry=True, batch_bytes=batch)
    assert found.texts == [f"t{n}" for n, x in enumerate(number) if x is not None and x >= least]
    assert [c["x"] for c in found.columns] == [x for x in number if x is not None and x >= least]
    wrong = [n for n, v in enumerate(values) if v is not None and number[n] is None]
    assert [r.row for r in found.rejects] == wrong
    assert found.skipped.get("where", 0) == len(rows) - len(wrong) - len(found.texts)


@pytest.mark.parametrize("form", FORMS)
def test_fields_are_found_before_the_file_is_read(tmp_path, form):
    """By the names that the source has for them; what it drops is not there."""
    columns = (YEAR, NamedColumn("license", "meta.license"))
    one = source(tmp_path, form, columns=columns, drop=("n",))
    (shard,) = list_shards(one).shards
    found = fields_to_carry(shard, one, ["year", "license", "n", "tags", "meta.lang"])
    assert set(found.names) >= {"year", "license", "tags", "meta"} and "n" not in found.names
    assert found.field("year").type == pa.int64()
    run = next(read_documents(shard, one, carry=found))
    assert run.columns.column("year").to_pylist() == [2015, None, None]
    license_ = run.columns.column("license").to_pylist()
    assert license_ == (['"mit"', None, '"cc0"'] if form == "jsonl" else ["mit", None, "cc0"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(
    ("on", "key", "reject", "where", "kept"),
    [
        ("id", "id", False, None, {"one": "new", "two": None, "six": "old"}),
        ("id", "id", True, None, {"one": "new", "six": "old"}),
        ("n", "number", False, None, {"one": None, "two": "new", "six": None}),
        ("tongue", "lang", False, None, {"one": "new", "two": None, "six": "new"}),
        (("tongue", "id"), ("lang", "id"), False, None, {"one": "new", "two": None, "six": None}),
        (("n", "path"), ("number", "file"), False, None, {"one": None, "two": "new", "six": None}),
        ("path", "file", True, None, {"one": "new", "two": "new", "six": "new"}),
        ("id", "id", False, Where("court = 'new'", (("court", "string"),)), {"one": "new"}),
    ],
)
def test_joined_columns_are_those_of_the_row_with_the_key(
    tmp_path, form, carry, on, key, reject, where, kept
):
    """By id, number, named column, path of the file or several of these; rows are rejected or chosen by them."""
    rows = [
        {"id": "a", "number": 2, "lang": "en", "file": f"a.{form}", "Court": "new"},
        {"id": "c", "number": 9, "lang": "fr", "file": "b", "Court": "old"},
    ]
    (tmp_path / "side.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    court = (NamedColumn("court", "Court", "string"),)
    on, key = (names if isinstance(names, tuple) else (names,) for names in (on, key))
    side = Join((str(tmp_path / "side.jsonl"),), on, key, court, reject)
    (tmp_path / "data").mkdir()
    one = source(
        tmp_path / "data",
        form,
        columns=(NamedColumn("tongue", "meta.lang"),),
        keep=(),
        joins=(placed(side, tmp_path / "work" / "table"),),
        where=where,
    )
    found = read_all(one, carry=carry)
    assert found.texts == list(kept)
    assert not carry or [row["court"] for row in found.columns] == list(kept.values())
    unmatched = [(r.row, r.reason, r.detail) for r in found.rejects if r.reason != "null_text"]
    assert unmatched == ([(1, "no_match", "the table has no 'id' b")] if reject and on == ("id",) else [])
    assert found.skipped == ({"where": 2} if where else {})
    if carry:
        assert read_all(one, carry=True, wanted=[2]).texts == ["six"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(
    ("text", "sql", "kept"),
    [
        (("q", "a"), "a <> ''", ["Q1\n\nA1"]),
        (("q", "a"), "a IS NULL OR q = 'Q2'", ["Q2", "Q3"]),
        (("q",), "q LIKE '%3'", ["Q3"]),
        (("q", "p"), "p LIKE 'one%two'", ["Q1\n\none\n\ntwo"]),
    ],
)
def test_rows_are_chosen_by_the_parts_of_their_text(tmp_path, form, carry, text, sql, kept):
    """One of them can be asked for; of a list its text counts, and none becomes a column by that."""
    rows = [
        {"id": 1, "q": "Q1", "a": "A1", "p": ["one", "two"]},
        {"id": 2, "q": "Q2", "a": "", "p": []},
        {"id": 3, "q": "Q3", "a": None, "p": ["two"]},
    ]
    read = tuple((name, "string") for name in text if f"{name} " in sql)
    one = source(tmp_path, form, rows, text=text, where=Where(sql, read))
    found = read_all(one, carry=carry)
    assert (found.texts, found.skipped) == (kept, {"where": 3 - len(kept)})
    if carry:
        assert all(not row.keys() & set(text) for row in found.columns)
