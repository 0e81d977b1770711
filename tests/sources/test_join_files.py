"""Reading tables that are joined to sources."""

import csv
import datetime as dt
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.sources import join_files
from refinery.sources.column_settings import Join, NamedColumn
from refinery.sources.join_files import content_of, read_joined_table, table_spec
from refinery.sources.joined_table import HASH, KEY, key_hashes, key_shown

ROWS = [
    {"pmcid": "PMC2", "date": "2020-01-02", "license": "cc-by"},
    {"pmcid": "PMC1", "date": "2020-01-01", "license": None},
    {"pmcid": None, "date": "2020-01-03", "license": "cc0"},
    {"pmcid": "PMC2", "date": "2020-01-02", "license": "cc-by"},
]
COLUMNS = (NamedColumn("published", "date", "date"), NamedColumn("license", "license", "string"))


def written(folder, form, rows=ROWS):
    path = folder / f"side.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif form == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return Join((str(path),), ("pmcid",), ("pmcid",), COLUMNS)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_table_is_the_same_in_every_format(tmp_path, form):
    """Typed, in the order of the hashes of its keys, a row a key; a row without a key belongs to none."""
    table = read_joined_table("s", written(tmp_path, form))
    found = {row[KEY]: (row["published"], row["license"]) for row in table.to_pylist()}
    assert found == {"PMC1": (dt.date(2020, 1, 1), None), "PMC2": (dt.date(2020, 1, 2), "cc-by")}
    assert table[HASH].to_pylist() == sorted(key_hashes(table[KEY].combine_chunks()).tolist())
    assert len(table) == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [*ROWS, {"pmcid": "PMC2", "date": "2021-01-02", "license": "cc-by"}],
            r"csv, row [03]: the key 'PMC2' has 'published' .*2020.* here and .*2021.* in .*csv, row 4",
        ),
        ([ROWS[2]], "no row has a key 'pmcid'"),
    ],
)
def test_what_cannot_be_joined_is_told(tmp_path, rows, message):
    """A key with two rows that differ with both places, and a table without a key."""
    with pytest.raises(InputError, match=message):
        read_joined_table("s", written(tmp_path, "csv", rows))


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_key_of_several_columns_is_all_of_them(tmp_path, form):
    """A number may repeat where the court differs, and a whole one has one text in each format."""
    rows = [{"court": c, "number": n, "date": f"2020-01-0{n}"} for c, n in (("A", 1), ("B", 1), ("A", 2))]
    join = replace(
        written(tmp_path, form, rows), on=("court", "nr"), key=("court", "number"), columns=COLUMNS[:1]
    )
    table = read_joined_table("s", join)
    found = {key_shown(row[KEY]): row["published"].day for row in table.to_pylist()}
    assert found == {"A, 1": 1, "B, 1": 1, "A, 2": 2}
    join = replace(
        written(tmp_path, form, [*rows, rows[0] | {"date": "2021-01-01"}]), key=join.key, columns=COLUMNS[:1]
    )
    with pytest.raises(InputError, match="the key 'A, 1' has 'published'"):
        read_joined_table("s", join)


def test_a_row_that_cannot_be_read_is_told_with_its_place(tmp_path):
    """What belongs to its documents would be lost without a word."""
    join = written(tmp_path, "csv")
    with (tmp_path / "side.csv").open("a") as file:
        file.write("PMC9,2020-01-09\n")
    with pytest.raises(InputError, match=r"side.csv, row 4: wrong_columns: 2 fields"):
        read_joined_table("s", join)


def test_a_table_that_does_not_fit_in_memory_is_told(tmp_path, monkeypatch):
    """With what to do."""
    monkeypatch.setattr(join_files, "MOST_BYTES", 64)
    with pytest.raises(InputError, match=r"more than .* keys and values .*fewer of its columns"):
        read_joined_table("s", written(tmp_path, "csv"))


def test_a_table_is_known_by_its_content_wherever_it_lies(tmp_path):
    """Of a large file a byte between the blocks that identities are made of counts, too."""
    rows = [{"pmcid": f"PMC{n:06}", "date": "2020-01-01", "license": "cc-by"} for n in range(10_000)]
    (tmp_path / "other").mkdir()
    one, other = written(tmp_path, "csv", rows), written(tmp_path / "other", "csv", rows)
    (tmp_path / "other" / "side.csv").rename(tmp_path / "other" / "moved.csv")
    other = Join((str(tmp_path / "other" / "moved.csv"),), other.on, other.key, other.columns)
    content = content_of(table_spec("s", one))
    assert content == content_of(table_spec("s", other))
    path = tmp_path / "side.csv"
    whole = path.read_text()
    for number in range(5000, 5400, 50):
        path.write_text(whole.replace(f"PMC{number:06},2020", f"PMC{number:06},2021"))
        assert content_of(table_spec("s", one)) != content
