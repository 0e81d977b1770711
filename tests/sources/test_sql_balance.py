import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from refinery.errors import DefinitionError
from refinery.filters import predicate
from refinery.sources import sql_balance
from refinery.sources.sql import parse
from refinery.sources.sql_balance import balance

ROWS = pl.DataFrame(
    {"a": [None, 0, 1, 2, 5, 9], "b": [1, None, 0, 2, 4, 7], "s": ["x", None, "AND (", "it's", "OR", ""]},
    schema={"a": pl.Int64, "b": pl.Int64, "s": pl.String},
)
LEAVES = st.sampled_from(
    [
        "a = 1",
        "b<>2",
        "a BETWEEN 1 AND 5",
        "b NOT BETWEEN 0 AND 2",
        "s IN ('x', 'AND (', 'it''s')",
        "s = 'OR'",
        "a IS NULL",
        'abs("a" - b) < 1.5e0',
        "s LIKE '%(%'",
        "a + b * 2 - 1 > 3 -- OR a = 9 )\n",
        "s || 'y' = 'xy'",
    ]
)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    chains = st.tuples(st.sampled_from([" OR ", " and ", "\nOr "]), st.lists(parts, min_size=2, max_size=5))
    return st.one_of(
        chains.map(lambda found: found[0].join(found[1])),
        parts.map("NOT {}".format),
        parts.map("({})".format),
        st.tuples(parts, parts, parts).map("CASE WHEN {0[0]} THEN {0[1]} ELSE {0[2]} END".format),
    )


@given(st.recursive(LEAVES, joined, max_leaves=25))
@settings(max_examples=150)
def test_a_balanced_expression_gives_the_same_for_each_row(sql):
    """NULL, precedence, BETWEEN, CASE, texts and comments included, whatever its length."""
    before, sql_balance.SHORT = sql_balance.SHORT, 0
    try:
        balanced = balance(sql)
    finally:
        sql_balance.SHORT = before
    wanted, found = (ROWS.select(pl.sql_expr(text).alias("")).to_series() for text in (sql, balanced))
    assert_series_equal(found, wanted)


def test_a_rule_of_20_000_terms_is_checked_and_judged():
    """As fast as its length asks for, without the stack of the parser or of Python; a wrong label in it is found."""
    terms = " OR ".join(["a = 1", "b = 4", *(f"a = {n}" for n in range(100, 20_100))])
    assert predicate.problems(terms, {"a": pl.Int64, "b": pl.Int64}) == []
    judged = ROWS.select(parse(terms).alias("")).to_series().to_list()
    assert judged == [None, None, True, False, True, False]
    labels = " OR ".join(["lang = 'en'"] * 2_000 + ["lang = 'xx'"])
    (problem,) = predicate.problems(labels, {"lang": pl.String}, {"lang": frozenset({"en", "de"})})
    assert problem.startswith("lang is never 'xx'")


@pytest.mark.parametrize(
    "sql",
    [
        "(" * 20_000 + "a = 1" + ")" * 20_000,
        "+".join(["a"] * 20_000) + " = 1",
        "CASE WHEN a = 1 THEN " * 500 + "1" + " END" * 500,
        "abs(" * 300 + "a" + ")" * 300 + " = 1",
        "- " * 20_000 + "a = 1",
        "NOT " * 20_000 + "a = 1",
        "(" * 300 + "a = 1",
        "a = 1 OR " * 300 + "(a = 1",
        "a = 1 OR " * 300 + "a = 1)",
        "a = '" + "x" * 100_000,
    ],
)
def test_what_is_too_deep_or_not_closed_is_told_in_few_words(sql):
    """Never a crash, nor the whole expression in the message."""
    with pytest.raises(DefinitionError) as told:
        parse(sql)
    assert len(str(told.value)) < 1_000
