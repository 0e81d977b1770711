"""Columns of the sources' files where verbs read columns: rankings of any type, nothing read twice."""

import datetime as dt
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import decisions, document, read_files, write_parquet

DEFINITION = """
refinery: 1
name: carried
sources:
  old: {path: "old/*"}
  new: {path: "new/*"}
stages:
  unique:
    from: [old, new]
    dedup: {exact: true, prefer: PREFER}
outputs:
  unique: {from: unique, path: out}
"""


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def rows(names: str, **columns: list[object]) -> list[dict[str, object]]:
    """A document a name, `a1` and `b1` with one text, with columns row by row; None: the row has no such key."""
    found = []
    for number, name in enumerate(names.split()):
        row: dict[str, object] = {"id": name, "text": document(int(name[1:]))}
        row |= {column: values[number] for column, values in columns.items() if values[number] is not None}
        found.append(row)
    return found


@pytest.fixture
def kept(tmp_path, refinery):
    """Runs the definition; gives the ids that were kept, sorted."""

    def of(prefer: str, definition: str = DEFINITION) -> list[str]:
        (tmp_path / "pipeline.yaml").write_text(definition.replace("PREFER", prefer), encoding="utf-8")
        code, _, err = refinery("run", tmp_path / "pipeline.yaml", "-q")
        assert code == 0, err
        return sorted(map(str, read_files(tmp_path / "out", "data").column("id").to_pylist()))

    return of


@pytest.fixture
def checked(tmp_path, refinery):
    """Checks the definition; gives what is wrong with it."""

    def of(prefer: str, definition: str = DEFINITION) -> str:
        (tmp_path / "pipeline.yaml").write_text(definition.replace("PREFER", prefer), encoding="utf-8")
        code, out, err = refinery("check", tmp_path / "pipeline.yaml")
        assert (code == 2) == bool(err), (out, err)
        return err

    return of


@pytest.mark.parametrize("write", [write_jsonl, write_parquet])
def test_the_newest_is_kept_whatever_the_trust_order(tmp_path, kept, write):
    """ISO dates as texts, of JSON Lines and of Parquet; without a date a document is last, of two the trusted one."""
    suffix = "jsonl" if write is write_jsonl else "parquet"
    write(
        tmp_path / "old" / f"0.{suffix}", rows("a1 a2 a3 a4", date=["2019-05-01", "2024-01-31", None, None])
    )
    write(
        tmp_path / "new" / f"0.{suffix}", rows("b1 b2 b3 b4", date=["2021-01-01", "2024-01-30", "1999", None])
    )
    assert kept('["date DESC"]') == ["a2", "a4", "b1", "b3"]
    assert kept('["date"]') == ["a1", "a4", "b2", "b3"]
    assert kept('["date DESC"], missing: first') == ["a2", "a3", "a4", "b1"]
    assert kept("[source]") == ["a1", "a2", "a3", "a4"]


def test_texts_count_for_32_bytes(tmp_path, kept):
    """What differs within them ranks; what differs only behind them is a tie."""
    long = "x" * 31
    write_jsonl(tmp_path / "old" / "0.jsonl", rows("a1 a2", name=[long + "b", long + "xb"]))
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b1 b2", name=[long + "a", long + "xa"]))
    assert kept("[name]") == ["a2", "b1"]


def test_numbers_dates_times_and_truth_values(tmp_path, kept):
    """Of Parquet in their own types; whole numbers that a double cannot hold as well."""
    big = 2**60
    moment = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
    write_parquet(
        tmp_path / "old" / "0.parquet",
        rows(
            "a1 a2 a3",
            number=[big, 5, 1],
            day=[dt.date(2024, 1, 1)] * 3,
            good=[False, True, True],
            at=[moment] * 3,
        ),
    )
    later = [moment + dt.timedelta(minutes=m) for m in (1, -1, 0)]
    days = [dt.date(2024, 1, n) for n in (2, 1, 1)]
    write_parquet(
        tmp_path / "new" / "0.parquet",
        rows("b1 b2 b3", number=[big + 1, 4, 1], day=days, good=[True] * 3, at=later),
    )
    assert kept('["number DESC"]') == ["a2", "a3", "b1"]
    assert kept('["day DESC"]') == ["a2", "a3", "b1"]
    assert kept('["good DESC"]') == ["a2", "a3", "b1"]
    assert kept('["at DESC"]') == ["a2", "a3", "b1"]
    assert kept('["at"]') == ["a1", "a3", "b2"]


def test_values_that_cannot_be_compared_are_told_with_both_files(tmp_path, checked):
    """At check, from the heads of the files."""
    write_parquet(tmp_path / "old" / "0.parquet", rows("a1", at=[dt.date(2024, 1, 1)]))
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b1", at=["2024-01-01"]))
    told = f"new/0.jsonl: the column 'at' is string here but date32[day] in {tmp_path}/old/0.parquet"
    assert told in checked('["at DESC"]')


def test_nested_columns_and_the_id(tmp_path, kept):
    """A dotted name is a column inside of a column, in JSON Lines too; ids rank as texts."""
    nested = [{"meta": {"score": score}} for score in (1, 5, 3)]
    write_parquet(
        tmp_path / "old" / "0.parquet", [a | b for a, b in zip(rows("a1 a2 a3"), nested, strict=True)]
    )
    lines = rows("b1 b2 b3")
    write_jsonl(
        tmp_path / "new" / "0.jsonl",
        [lines[0] | {"meta": {"score": 2.5}}, lines[1] | {"meta.score": 7}, lines[2]],
    )
    assert kept('["meta.score DESC"]') == ["a3", "b1", "b2"]
    assert kept('["id DESC"]') == ["b1", "b2", "b3"]


def test_what_is_missing_is_told_at_check(tmp_path, checked):
    """A column that no source has, with the nearest name; one that a source lacks, if nothing says where it ranks."""
    write_jsonl(tmp_path / "old" / "0.jsonl", rows("a1", date=["2020"], tags=[["x"]], mixed=[1]))
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b1 b2", mixed=["one", 2]))
    assert (
        "no measurer before this makes the column 'dat' and no source has it; did you mean \"date\"?"
        in checked('["dat DESC"], missing: last')
    )
    lacks = "the source new has no column 'date'; `missing: last` or `missing: first` says where such documents rank"
    assert f":10: stages.unique.dedup.prefer.0: {lacks}" in checked('["date DESC"]')
    assert checked('["date DESC"], missing: last') == ""
    told = "the column 'tags' is list<item: string> (a ranking needs a number, date, time, boolean or text)"
    assert told in checked("[tags], missing: last")
    assert "the column 'mixed' cannot rank documents: it mixes types" in checked("[mixed]")


def test_the_files_are_read_once(tmp_path, kept, monkeypatch):
    """A column is kept while the texts are measured: another ranking by it reads no file again."""
    from refinery.run import measure

    write_parquet(tmp_path / "old" / "0.parquet", rows("a1 a2", year=[1, 9]))
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b1 b2", year=[2, 8]))
    reads = []
    read = measure.read_documents

    def counted(*given, **named):
        reads.append(given[0])
        return read(*given, **named)

    monkeypatch.setattr(measure, "read_documents", counted)
    assert kept("[year]") == ["a1", "b2"]
    assert len(reads) == 2
    assert kept('["year DESC", source]') == ["a2", "b1"]
    assert len(reads) == 2
    files = [pq.read_table(file) for file in (tmp_path / ".refinery").rglob("measured-carried-*")]
    assert sorted(len(table) for table in files) == [2, 2]


SELECTED = """
refinery: 1
name: selected
sources:
  old: {path: "old/*"}
stages:
  best:
    from: old
    select: {tokens: 1500, by: PREFER}
outputs:
  best: {from: best, path: out, measurements: [tokens]}
"""


def test_select_takes_texts_and_dates_too(tmp_path, kept, checked):
    """The best first; ties beyond one key of a text are broken by the next."""
    dates = [f"2024-01-{day:02}T00:00:{day * 7 % 30:02}Z" for day in range(1, 21)]
    write_jsonl(tmp_path / "old" / "0.jsonl", rows(" ".join(f"a{n}" for n in range(1, 21)), date=dates))
    newest, oldest = kept("date", SELECTED), kept('"date ASC"', SELECTED)
    assert 3 < len(newest) < 15
    order = [f"a{n}" for n in range(1, 21)]
    assert newest == sorted(order[-len(newest) :]) and oldest == sorted(order[: len(oldest)])
    assert "no source has it; did you mean" in checked("dat", SELECTED)


BY = DEFINITION.replace("exact: true, prefer: PREFER", "PREFER")


def decided(folder: Path) -> dict[str, tuple[object, object]]:
    return {
        name: (row["rule"], row["duplicate_of_id"]) for name, row in decisions(folder).items() if row["rule"]
    }


def test_one_document_of_each_identifier_is_kept(tmp_path, kept):
    """A number and a text are one identifier; without one, or with an empty one, a document duplicates nothing."""
    write_jsonl(tmp_path / "old" / "0.jsonl", rows("a1 a2 a3 a4", pmid=[7, 8, None, True]))
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b5 b6 b7 b8", pmid=[" 7", 8.0, "", None]))
    assert kept("by: pmid", BY) == ["a1", "a2", "a3", "a4", "b7", "b8"]
    assert decided(tmp_path / "out") == {"b5": ("dedup.by", "a1"), "b6": ("dedup.by", "a2")}


def test_the_preferred_document_of_an_identifier_is_kept(tmp_path, kept):
    """All columns of `by` count together, and what goes is on record with the one that is kept."""
    write_jsonl(
        tmp_path / "old" / "0.jsonl",
        rows("a1 a2 a3", court=["BGH", "BGH", "BVerfG"], number=[1, 2, 1], date=["2001", "2002", "2003"]),
    )
    write_jsonl(
        tmp_path / "new" / "0.jsonl",
        rows("b4 b5 b6", court=["BGH", "BGH", None], number=[1, 2, 1], date=["2009", "2000", "2009"]),
    )
    assert kept('by: [court, number], prefer: ["date DESC"]', BY) == ["a2", "a3", "b4", "b6"]
    assert decided(tmp_path / "out") == {"a1": ("dedup.by", "b4"), "b5": ("dedup.by", "a2")}
    assert {row["similarity"] for row in decisions(tmp_path / "out").values()} == {None}
    assert kept("by: court, exact: true", BY) == ["a1", "a3", "b6"]


def test_ids_and_sources_are_columns(tmp_path, kept, checked):
    """The column that a source's ids are taken from, under its name and as `id`, and `source`."""
    old = [{"pmid": n, "text": document(n), "id": None} for n in (1, 2)]
    write_parquet(
        tmp_path / "old" / "0.parquet", [{k: v for k, v in row.items() if k != "id"} for row in old]
    )
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b3 b4", pmid=[2, 3]))
    definition = BY.replace('old: {path: "old/*"}', 'old: {path: "old/*", id: pmid}')
    assert kept("by: pmid", definition) == ["1", "2", "b4"]
    assert decided(tmp_path / "out") == {"b3": ("dedup.by", "2")}
    assert kept("by: [source]", definition) == ["1", "b3"]
    assert 'no source has it; did you mean "pmid"?' in checked("by: pmdi", definition)


def test_columns_of_an_earlier_run_are_compared_too(tmp_path, refinery, kept, checked):
    """What it kept is not kept again, by its columns; if it has no such column that is told."""
    write_jsonl(tmp_path / "old" / "0.jsonl", rows("a1 a2", doi=["10.1/a", "10.1/b"]))
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b3 b4", doi=["10.1/b", "10.1/c"]))
    only = BY.replace("from: [old, new]", "from: SOURCE").replace("path: out", "path: OUT")
    assert kept("by: doi", only.replace("SOURCE", "old").replace("OUT", "out")) == ["a1", "a2"]
    (tmp_path / "out").rename(tmp_path / "earlier")
    (tmp_path / "out.records").rename(tmp_path / "earlier.records")
    second = only.replace("SOURCE", "new").replace("OUT", "out")
    assert kept("by: doi, against: earlier", second) == ["b4"]
    assert decided(tmp_path / "out") == {"b3": ("dedup.against", "a2")}
    write_jsonl(tmp_path / "new" / "1.jsonl", rows("b5", pmid=[1]))
    told = "earlier: the earlier output has no column 'pmid' (dedup.by) (there is doi, id"
    assert told in checked("by: pmid, against: earlier", second)


def test_near_duplicates_are_sought_among_documents_that_share_columns(tmp_path, kept, checked):
    """Judgments of one court; those of which no court is known are compared with one another."""
    other = document(1).replace("aspirin", "ibuprofen")
    courts = ["BGH", "BVerfG", "BGH", None, None]
    lines = rows("a1 a2 a3 a4 a5", court=courts)
    for number, row in enumerate(lines):
        row["text"] = f"{document(1) if number % 2 else other} {'and so on ' * number}"
    write_jsonl(tmp_path / "old" / "0.jsonl", lines)
    write_jsonl(tmp_path / "new" / "0.jsonl", rows("b9", court=["BGH"]))
    near = "near: {similarity: 0.5, bands: 28, rows: 4%s}"
    assert kept(near % "", BY) == ["a1", "b9"]
    assert kept(near % ", within: court", BY) == ["a1", "a2", "a4", "b9"]
    assert decided(tmp_path / "out") == {"a3": ("dedup.near", "a1"), "a5": ("dedup.near", "a4")}
    assert kept(near % ", within: [source, court]", BY) == ["a1", "a2", "a4", "b9"]
    told = "dedup.near.within.0: no measurer before this makes the column 'curt' and no source has it; did you mean"
    assert told in checked(near % ", within: [curt]", BY)
