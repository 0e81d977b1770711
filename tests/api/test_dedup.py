"""Finding the duplicates among the rows of a table."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refinery
from refinery.errors import DefinitionError, InputError
from tests.api.tables import KINDS, in_form, rows_of
from tests.conftest import document

LONG = document(1, 20)
ROWS = {
    "text": ["Once.", LONG, "once", LONG + " And two more.", "Other."],
    "year": [1999, 2001, 2003, 2005, 2007],
    "pmid": ["a", "b", "c", "d", "a"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_each_group_is_kept(kind):
    """Copies and near copies go, on every kind of table; the others stay in order."""
    frame = in_form(kind, ROWS)
    assert [row["year"] for row in rows_of(refinery.dedup(frame))] == [1999, 2001, 2005, 2007]
    assert [row["year"] for row in rows_of(refinery.dedup(frame, near={}))] == [1999, 2001, 2007]


@pytest.mark.parametrize("kind", KINDS)
def test_each_duplicate_is_named(kind):
    """With its rule, the kept row and their similarity, in the form of the data."""
    exact, near = rows_of(refinery.duplicates(in_form(kind, ROWS), near={"similarity": 0.7}))
    assert exact == {"row": 2, "rule": "dedup.exact", "duplicate_of_row": 0, "similarity": 1.0}
    assert (near["row"], near["rule"], near["duplicate_of_row"]) == (3, "dedup.near", 1)
    assert 0.7 <= near["similarity"] < 1


def test_columns_compare_and_prefer():
    """`by` compares columns alone, `prefer` says which one stays, `missing` where NULL ranks."""
    table = pa.table(ROWS)
    assert refinery.dedup(table, by="pmid").column("year").to_pylist() == [1999, 2001, 2003, 2005]
    assert refinery.dedup(table, by=["pmid"], prefer="year DESC").column("year").to_pylist() == [
        2001,
        2003,
        2005,
        2007,
    ]
    years = table.set_column(1, "year", pa.array([None, 1, 2, 3, 4]))
    assert refinery.dedup(years, by="pmid", prefer="year", missing="last").num_rows == 4
    assert refinery.duplicates(years, by="pmid", prefer="year", missing="first").to_pylist()[0]["row"] == 4
    assert refinery.duplicates(table, by="pmid").column("similarity").to_pylist() == [None]


def test_dates_and_texts_rank():
    """Columns of any type that has an order, dictionaries of texts among them."""
    table = pa.table(
        {
            "text": ["a", "a", "a"],
            "day": pa.array([2, None, 1], pa.date32()),
            "host": pa.array(["b", "c", "a"]).dictionary_encode(),
        }
    )
    for prefer, kept in (("day", 2), ("day DESC", 0), ("host DESC", 1), ("host", 2)):
        assert refinery.dedup(table, prefer=prefer)["host"].to_pylist() == [table["host"][kept].as_py()], (
            prefer
        )
    assert refinery.dedup(table, exact=False, by="host").num_rows == 3


def test_within_compares_what_shares_a_column():
    """Near duplicates with other values are left alone."""
    assert refinery.dedup(pa.table(ROWS), near={"within": ["pmid"]}).num_rows == 4


def test_duplicates_are_those_of_a_run(data_repository):
    """The verb on a table finds what it finds in a run."""
    near = {"similarity": 0.5}
    file = data_repository / "pipeline.yaml"
    file.write_text(file.read_text().replace("near: {similarity: 0.8}", "near: {similarity: 0.5}"))
    output = refinery.run(file, workers=1, progress=False)["unique"]
    ran = output.decisions().filter(stage="unique").collect()
    places, texts = {}, []
    for n in range(3):
        table = pq.read_table(data_repository / "crawl" / f"{n}.parquet")
        places |= {(f"{n}.parquet", row): len(texts) + row for row in range(len(table))}
        texts += table.column("text").to_pylist()
    screened = {
        (row["path"], row["row"])
        for row in output.decisions().collect().to_dicts()
        if row["stage"] != "screened"
    }
    chosen = [places[place] for place in sorted(screened)]
    table = refinery.transform([texts[n] for n in chosen], ["normalize"])
    own = refinery.duplicates(table, exact=True, near=near).to_pylist()
    assert [
        (chosen[row["row"]], row["rule"], chosen[row["duplicate_of_row"]], row["similarity"]) for row in own
    ] == [
        (
            places[row["path"], row["row"]],
            row["rule"],
            places[row["duplicate_of_path"], row["duplicate_of_row"]],
            row["similarity"],
        )
        for row in ran.to_dicts()
    ]
    assert {row["rule"] for row in own} >= {"dedup.exact"}


WORDS = st.sampled_from(["a", "b", "c d", "C D", "e!", "e", "", "?"])


@given(st.lists(WORDS, max_size=20), st.randoms())
def test_what_is_kept_and_what_goes_are_all_there_is(texts, random):
    """Of texts with the same words the best ranked stays; each that goes names a kept one with the same words."""
    ranks = random.sample(range(100), len(texts))
    table = pa.table({"text": pa.array(texts, pa.string()), "rank": pa.array(ranks, pa.int64())})
    gone = {
        row["row"]: row["duplicate_of_row"] for row in refinery.duplicates(table, prefer="rank").to_pylist()
    }
    best: dict[str, int] = {}
    for n in sorted(range(len(texts)), key=ranks.__getitem__):
        best.setdefault(re.sub(r"\W+", " ", texts[n].lower()).strip() or f"nothing {n}", n)
    kept = sorted(best.values())
    assert sorted(gone) == sorted(set(range(len(texts))) - set(kept))
    assert set(gone.values()) <= set(kept)
    assert refinery.dedup(table, prefer="rank").column("rank").to_pylist() == [ranks[n] for n in kept]


def test_nothing_and_texts_without_words():
    """An empty table has no duplicates; documents without a word are no copies of one another."""
    assert refinery.dedup(pa.table({"text": pa.array([], pa.string())}), near={}).num_rows == 0
    assert refinery.dedup(["", "", None, None, "?"], near={}).num_rows == 5


def test_what_a_table_cannot_be_asked_is_told():
    """Settings as a stage has them, with their places; columns that are not there."""
    with pytest.raises(DefinitionError, match=r"near\.similarty: unknown key; did you mean \"similarity\""):
        refinery.dedup(["a"], near={"similarty": 0.8})
    with pytest.raises(DefinitionError, match="against: a table is compared with itself"):
        refinery.duplicates(["a"], against="out")
    with pytest.raises(DefinitionError, match="prefer: a table has no sources"):
        refinery.dedup(["a"], prefer="source")
    with pytest.raises(InputError, match="no column 'yaer'; did you mean \"year\""):
        refinery.dedup(pa.table(ROWS), prefer="yaer DESC")
    with pytest.raises(InputError, match="no column 'pimd'"):
        refinery.dedup(pa.table(ROWS), by="pimd")
