"""Checks of SQL predicates before any work."""

import re

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DefinitionError, InputError
from refinery.filters.predicate import columns_of, compute, parse, problems, type_of

COLUMNS = {
    "words": pa.int64(),
    "share": pa.float64(),
    "lang": pa.string(),
    "lang_score": pl.Float32,
    "ok": pl.Boolean,
}
LABELS = {"lang": frozenset({"en", "de", "zh", "fr"})}


@pytest.mark.parametrize(
    "predicate",
    [
        "words >= 50",
        "lang = 'en' AND lang_score >= 0.65",
        "lang NOT IN ('en', 'und') OR (words BETWEEN 3 AND 10)",
        "share <= 0.3 * (1 - lang_score) AND NOT ok",
        "COALESCE(share, 0) < 0.5",
        "CASE WHEN lang = 'zh' THEN words > 80 ELSE words > 50 END",
        "LENGTH(lang) = 2 AND lang LIKE 'e%' AND ABS(share) < 1",
        "ok",
        "words > 1 -- enough",
    ],
)
def test_sound_predicates_have_no_problems(predicate):
    """Comparisons, arithmetic, CASE, functions of a row, a boolean column, comments."""
    assert problems(predicate, COLUMNS, LABELS) == []


@pytest.mark.parametrize(
    ("predicate", "problem"),
    [
        ("words >", "not a SQL expression"),
        ("", "not a SQL expression"),
        ("words > 1; lang = 'en'", "not a SQL expression"),
        ("SELECT words", "not a SQL expression"),
        ("nonsense(words) > 1", "unsupported function 'nonsense'"),
        ("wordz >= 50", 'no column "wordz"; did you mean "words"?'),
        ("id < 300", 'no column "id"; SQL does not read ids'),
        ('lang = "en"', "double quotes name a column, text is written 'en'"),
        ("words", "it gives Int64, not true or false"),
        ("lang > 3", "cannot compare string with numeric type"),
        ("share = 'x'", "cannot compare string with numeric type"),
        ("1 = 1", "it reads no measurement"),
        ("words > AVG(words)", "judges each document by itself"),
        ("SUM(words) OVER (PARTITION BY lang) > 3", "judges each document by itself"),
        ("ROW_NUMBER() OVER (ORDER BY words) + words > 3", "judges each document by itself"),
        ("words > (SELECT 1)", "judges each document by itself"),
        ("words + COUNT(*) > 3", "judges each document by itself"),
    ],
)
def test_each_kind_of_mistake_is_named(predicate, problem):
    """Syntax, columns, types, and predicates that look at other documents."""
    (found,) = problems(predicate, COLUMNS, LABELS)
    assert problem in found


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(?<!a)b", "look-around.* is not supported .the engine takes time that grows"),
        (r"(a)\1", "backreferences are not supported .the engine"),
        ("(a", "unclosed group .text is text"),
    ],
)
def test_a_regular_expression_is_told_with_its_fault(pattern, problem):
    """What the engine cannot have is told from what is written wrongly."""
    (found,) = problems(f"text !~ '{pattern}'", {"text": pl.String})
    assert re.match(f"not a regular expression: {problem}", found), found


def test_every_unknown_column_is_reported():
    """Not only the first."""
    assert len(problems("wordz > 1 AND shore < 1 AND wordz < 9", COLUMNS)) == 2


@pytest.mark.parametrize(
    ("predicate", "found"),
    [
        ("lang = 'eng'", ["lang is never 'eng'; did you mean \"en\"?"]),
        ("'EN' = lang", ["lang is never 'EN'; did you mean \"en\"?"]),
        ("lang <> 'zh-Hans'", ["lang is never 'zh-Hans'; did you mean \"zh\"?"]),
        ("lang IN ('en', 'eng_Latn')", ["lang is never 'eng_Latn'; did you mean \"en\"?"]),
        ("lang not in ('xx')", ["lang is never 'xx'; there is de, en, fr, zh"]),
        (
            "(words > 1 OR \"lang\" != 'Q''s')",
            ["lang is never 'Q''s'; there is de, en, fr, zh".replace("''", "'")],
        ),
    ],
)
def test_a_language_that_the_model_cannot_give_is_an_error(predicate, found):
    """Instead of an empty corpus: every way to compare with text, and the code that was meant."""
    assert [line.replace('"Q\'s"', "'Q's'") for line in problems(predicate, COLUMNS, LABELS)] == found


def test_text_is_only_held_against_labels_where_it_is_compared_with_that_column():
    """Other columns, comments, functions and the code of unknown languages are left alone."""
    fine = "lang = 'en' AND LOWER(lang) = 'x' AND lang NOT IN ('und') -- lang = 'qq'"
    assert problems(fine, COLUMNS, LABELS) == []
    assert problems("lang = 'eng'", COLUMNS) == []


def test_what_is_not_sql_is_a_definition_error_in_one_line():
    """No Polars exception reaches a user."""
    with pytest.raises(DefinitionError) as caught:
        parse("lang == == 'en'")
    assert "\n" not in str(caught.value)


def test_columns_that_a_predicate_reads():
    """Each once, quoted or not."""
    assert columns_of("lang = 'en' OR words > 3 AND \"words\" < 9") == {"lang", "words"}


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("words + 1", pa.int64()),
        ("CASE WHEN ok THEN 1 ELSE 0 END", pa.int64()),
        ("0.5 * words", pa.float64()),
        ("0.5 * lang_score", pa.float32()),
        ("words / 2", pa.float64()),
        ("words > 3 OR ok", pa.bool_()),
        ("UPPER(lang)", pa.string()),
        ("CAST(lang AS DATE)", pa.date32()),
    ],
)
def test_a_derived_column_has_a_type_that_depends_on_no_spelling(expression, kind):
    """Whole numbers have 64 bits, and no number is a decimal because a literal has a point."""
    assert type_of(expression, COLUMNS) == kind
    frame = pl.DataFrame(
        {"words": [1, None], "lang_score": [0.5, None], "ok": [True, None], "lang": [None] * 2}
    )
    frame = frame.cast({"lang_score": pl.Float32, "lang": pl.String})
    values = compute(expression, frame)
    assert pl.Series(pa.array([], kind)).dtype == values.dtype
    assert len(values) == 2


def test_null_nan_and_division_by_zero():
    """As in rules: NULL in gives NULL; a fraction by zero is infinite, or NaN, which is above all numbers."""
    frame = pl.DataFrame({"words": [0, 1, None], "share": [0.0, float("nan"), 2.0]})
    assert compute("share / words", frame).to_list()[2] is None
    assert compute("1.0 * words / 0", frame).to_list()[1] == float("inf")
    assert compute("NULLIF(words, 0) * 2", frame).to_list() == [None, 2, None]
    assert compute("share > 1", frame).to_list() == [False, True, True]


def test_values_that_break_an_expression_name_it():
    """Before any of them is used."""
    with pytest.raises(InputError, match=r"derive: CAST\(lang AS INTEGER\): cannot be computed"):
        compute("CAST(lang AS INTEGER)", pl.DataFrame({"lang": ["en"]}))


@given(st.decimals(0, 1, places=3), st.sampled_from([">=", "<=", "=", "<", ">"]), st.integers(-1, 1))
def test_a_fraction_is_a_float_of_the_columns_precision(bound, operator, step):
    """A float32 is compared with the float32 of the text, a float64 with the float64; so are bounds of BETWEEN."""
    for kind in (np.float32, np.float64):
        limit = kind(bound)
        value = limit if step == 0 else np.nextafter(limit, kind(2 * step))
        frame = pl.DataFrame({"x": np.array([value])})
        holds = {
            ">=": value >= limit,
            "<=": value <= limit,
            "=": value == limit,
            "<": value < limit,
            ">": value > limit,
        }
        assert frame.select(parse(f"x {operator} {bound}")).item() == holds[operator]
        assert frame.select(parse(f"x BETWEEN {bound} AND 2.0")).item() == holds[">="]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0.5 * words / zero", float("inf")), (".5 * words", 1.5), ("1. * words", 3.0), ("1.5e1 + words", 18.0),
        ("'0.5' || ' 1.5'", "0.5 1.5"), ("words -- 0.5\n + 1", 4), ('"a 1.5"', 7),
    ],
)  # fmt: skip
def test_fractions_are_found_outside_of_texts_names_and_comments(written, value):
    """A decimal divided by zero would be an error, which ends a run for one empty document."""
    assert pl.DataFrame({"words": [3], "zero": [0], "a 1.5": [7]}).select(parse(written)).item() == value
