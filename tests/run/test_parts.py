"""Runs of a mix: what the records say of each part, against the documents that are written."""

import json
import re
from collections import Counter

import pyarrow.parquet as pq
import pytest

import refinery
from refinery.run.amounts import amounts_of
from tests.conftest import decisions, document, write_parquet
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: mixing
protect: {held: {from: held}}
sources:
  books: {path: "books/*.parquet"}
  crawl: {path: "crawl/*.parquet"}
  held: {path: "held/*.parquet"}
stages:
  good:
    from: crawl
    keep: [recent: "year >= 1995"]
  mixture:
    from: [books, good, crawl]
    mix: {tokens: TOKENS, shares: {books: 70%, good: 20%, crawl: 10%}, most_repeats: {books: 4}}
outputs:
  all: {from: mixture, path: out}
"""


@pytest.fixture
def mixing(tmp_path):
    """Twelve books, two hundred documents of a crawl, one of each protected; what writes the definition."""
    books = [{"id": f"book{n}", "text": document(n), "year": 1990} for n in range(12)]
    crawl = [{"id": f"crawl{n}", "text": document(n + 1000, 4), "year": 1990 + n % 10} for n in range(200)]
    for name, rows in (("books", books), ("crawl", crawl)):
        for number in range(2):
            write_parquet(tmp_path / name / f"{number}.parquet", rows[number::2])
    write_parquet(tmp_path / "held" / "0.parquet", [books[3], crawl[9]])

    def write(tokens: int, *edits: tuple[str, str]):
        text = DEFINITION.replace("TOKENS", str(tokens))
        for edit in edits:
            text = text.replace(*edit)
        (tmp_path / "pipeline.yaml").write_text(text)
        return tmp_path / "pipeline.yaml"

    return tmp_path, write


def records(base) -> tuple[dict, dict]:
    """The manifest and the mixture of the output."""
    return tuple(
        json.loads((base / "out.records" / name).read_text()) for name in ("manifest.json", "mixture.json")
    )


def test_records_tell_what_is_written_of_each_part(mixing, refinery):
    """Fresh and repeated tokens, epochs and weights; the funnel, the card and plan show them."""
    base, write = mixing
    code, out, err = refinery("run", write(9000))
    assert code == 0, err
    manifest, mixture = records(base)
    rows = [row for file in (base / "out").glob("*.parquet") for row in pq.read_table(file).to_pylist()]
    times = Counter(row["id"] for row in rows)
    tokens = {row["id"]: row["tokens"] for row in rows}
    assert times.keys().isdisjoint({"book3", "crawl9"})
    assert {n: row["repeats"] for n, row in decisions(base / "out").items() if row["repeats"]} == times
    assert "100 documents come by several parts" in err
    part_of = {row["id"]: "books" if row["year"] == 1990 and "book" in row["id"] else "good" for row in rows}
    part_of |= {row["id"]: "crawl" for row in rows if "crawl" in row["id"] and row["year"] < 1995}
    for part in ("books", "good", "crawl"):
        mine = {one: count for one, count in times.items() if part_of[one] == part}
        account = manifest["parts"][part]
        fresh = sum(tokens[one] for one in mine)
        exposures = sum(tokens[one] * count for one, count in mine.items())
        assert account["kept"]["tokens"] == fresh
        assert account["repeated"]["tokens"] == exposures - fresh
        assert account["largest"] == max(mine.values()) <= account["most_repeats"]
        written = mixture["parts"][part]
        assert written["tokens"] == exposures
        assert written["epochs"] == exposures / account["tokens"]
        assert written["weight"] == pytest.approx(exposures / sum(tokens[o] * n for o, n in times.items()))
    assert len({count for one, count in times.items() if one.startswith("book")}) == 2
    assert all(count == 1 for one, count in times.items() if one.startswith("crawl"))
    assert mixture["fresh_tokens"] + mixture["repeated_tokens"] == mixture["tokens"]
    assert manifest["parts"]["books"]["documents"] == 12
    assert "repeated" in out
    assert "parts, in tokens" in out
    assert "## Parts" in (base / "out.records" / "README.md").read_text()
    often = next(name for name, count in times.items() if count > 1)
    assert f"kept, written {times[often]} times" in refinery("explain", base / "pipeline.yaml", often)[1]
    text = next(row["text"] for row in rows if row["id"] == often)
    answer = json.loads(refinery("find", base / "out", text, "--json")[1])
    assert json.dumps(answer).count(f'"{often}"') == 1
    amounts = amounts_of(plan_of(base / "pipeline.yaml"))
    again = amounts.written["all"].documents / amounts.kept["protect:mixture"].documents
    assert again == pytest.approx(len(rows) / len(times))
    _, out, _ = refinery("plan", base / "pipeline.yaml")
    assert re.search(r"books +│ 70% +│ 6,300 +│ 4 +│ 1,575 ", out)
    assert "all: parts, in tokens" in out


def test_what_a_part_cannot_fill_is_told_with_numbers(mixing, refinery):
    """Needed, there, the most, and how many times it takes; a guard can stop it."""
    base, write = mixing
    code, _, err = refinery("run", write(20_000), "-q")
    assert code == 0
    manifest, _ = records(base)
    books, good = manifest["parts"]["books"], manifest["parts"]["good"]
    assert "the part 'books' gives" in err
    assert (
        f"of its 14,000 tokens: {books['tokens']:,} unique ones are there, each written at most 4 times"
        in err
    )
    assert f"its share takes {-(-14_000 // books['tokens'])} times" in err
    assert good["wanted"] == 4000
    guarded = write(20_000, ("protect:", "guards: {budget_missed: {stop: 1%}}\nprotect:"))
    code, _, err = refinery("run", guarded, "-q")
    assert (code, "the part 'books' gives" in err) == (1, True)


def test_an_output_of_counts_holds_each_document_once(mixing, refinery):
    """The records say the same of it."""
    base, write = mixing
    counted = write(
        6000, ("path: out", "path: out, repeats: counts"), ("protect: {held: {from: held}}\n", "")
    )
    assert refinery("run", counted, "-q")[0] == 0
    counts, mixture = records(base)
    assert counts["repeated"]["documents"] > 0
    rows = [row for file in (base / "out").glob("*.parquet") for row in pq.read_table(file).to_pylist()]
    assert sum(row["tokens"] * row["repeats"] for row in rows) == mixture["tokens"]
    assert len(rows) == counts["kept"]["documents"]


def test_what_a_curve_does_stands_in_the_records(tmp_path):
    """Factors by bucket in the manifest, and in the dataset card; again where the outcome is there already."""
    rows = [{"text": document(n), "score": float(n)} for n in range(200)]
    write_parquet(tmp_path / "crawl.parquet", rows)
    text = """
refinery: 1
name: curved
sources: {crawl: {path: crawl.parquet}}
stages:
  best: {from: crawl, select: {tokens: 12k, by: score, curve: {discard: 40%, most_repeats: 4}}}
outputs: {best: {from: best, path: out}}
"""
    for name in ("out", "again"):
        (tmp_path / "pipeline.yaml").write_text(text.replace("path: out", f"path: {name}"))
        output = refinery.run(tmp_path / "pipeline.yaml", workers=1, progress=False)["best"]
        (table,) = output.manifest.tables["best"]
        assert table.rows[0][0] == "0% to 40%" and table.rows[0][3] == "0.00" and len(table.rows) == 13
        assert sum(int(row[1]) for row in table.rows) == 200
    card = (output.records / "README.md").read_text()
    assert "best: times that documents are written, by quality" in card and "| 95% to 100% |" in card
