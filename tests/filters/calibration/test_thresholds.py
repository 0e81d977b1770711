"""Thresholds in predicates, against Polars' own reading of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.filters.calibration.thresholds import (
    number_for,
    thresholds_of,
    with_numbers,
    without_thresholds,
)
from refinery.filters.rules import built_in_rule_sets, load_rule_set
from refinery.sources.sql import parse

_OTHERS = """2 <= a|-1.5 < b|a BETWEEN -1 AND 4|NOT a > 1|a + b > 2|a = 1|a > b|lang = 'en'|a NOT BETWEEN 1 AND 2
b IS NULL|lang IN ('en', 'a > 3')|CASE WHEN a > 1 AND b > 1 THEN a > 2 ELSE TRUE END""".replace(
    "\n", "|"
).split("|")
COMPARISON = st.sampled_from(_OTHERS) | st.builds(
    "{} {} {}".format,
    st.sampled_from(["a", "b", '"c d"']),
    st.sampled_from([">=", "<=", ">", "<"]),
    st.sampled_from(["3", "-2", "0.5", "1e0", ".5"]),
)
PREDICATE = st.recursive(
    COMPARISON,
    lambda inner: st.builds(
        "({}) {} {}{}".format,
        inner,
        st.sampled_from(["AND", "OR"]),
        inner,
        st.sampled_from(["", " -- a > 3\n"]),
    ),
    max_leaves=5,
)
ROWS = st.lists(
    st.tuples(
        *[st.none() | st.integers(-4, 5)] * 2,
        st.none() | st.integers(-4, 5),
        st.sampled_from(["en", "de", None]),
    ),
    min_size=1,
    max_size=8,
)


def _passes(predicate: str, frame: pl.DataFrame) -> list[bool]:
    return frame.with_columns(x=parse(predicate).fill_null(False))["x"].to_list()


@given(PREDICATE, ROWS)
def test_a_predicate_is_its_thresholds_and_the_rest(predicate: str, rows: list[tuple[object, ...]]) -> None:
    """A document passes a predicate if it passes each of its thresholds and what is left without them."""
    frame = pl.DataFrame(
        rows, {"a": pl.Int64, "b": pl.Int64, "c d": pl.Float32, "lang": pl.String}, orient="row"
    )
    parts = [one.predicate for one in thresholds_of(predicate)]
    together = [
        all(verdicts)
        for verdicts in zip(
            *(_passes(p, frame) for p in [without_thresholds(predicate), *parts]), strict=True
        )
    ]
    assert _passes(predicate, frame) == together


@given(PREDICATE, ROWS, st.integers(1, 9))
def test_a_looser_number_lets_more_pass(predicate: str, rows: list[tuple[object, ...]], by: int) -> None:
    """With looser numbers every document passes that did, and all else of the predicate stays as it was."""
    frame = pl.DataFrame(
        rows, {"a": pl.Int64, "b": pl.Int64, "c d": pl.Float32, "lang": pl.String}, orient="row"
    )
    found = thresholds_of(predicate)
    looser = with_numbers(predicate, {one: repr(float(one.number) + one.sign * by) for one in found})
    before, after = _passes(predicate, frame), _passes(looser, frame)
    assert all(later for earlier, later in zip(before, after, strict=True) if earlier)
    assert without_thresholds(looser) == without_thresholds(predicate)


@pytest.mark.parametrize("name", built_in_rule_sets())
def test_rules_of_built_in_sets_have_thresholds(name: str) -> None:
    """Each rule of a built-in set that compares has a threshold, but one with a formula."""
    for rule in load_rule_set(name).rules:
        formula = "*" in rule.predicate
        compares = any(sign in rule.predicate for sign in "<>")
        assert bool(thresholds_of(rule.predicate)) == (compares and not formula), rule


@given(
    st.sampled_from([">=", "<=", ">", "<"]),
    st.floats(-1e4, 1e4, width=32),
    st.none() | st.floats(1e-3, 10),
)
def test_a_new_number_lets_the_last_pass_and_the_next_not(
    operator: str, value: float, gap: float | None
) -> None:
    """Of values of 32 bits the last passes the number that is found, and one that is looser by a gap does not."""
    (threshold,) = thresholds_of(f"x {operator} 0.5")
    looser = None if gap is None else float(np.float32(threshold.sign * value + max(gap, abs(value) / 1e5)))
    number = number_for(threshold, threshold.sign * value, looser, whole=False)
    values = [value] if looser is None else [value, threshold.sign * looser]
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float32)})
    assert (
        _passes(with_numbers(f"x {operator} 0.5", {threshold: number}), frame) == [True, False][: len(values)]
    )


@given(st.sampled_from([">=", "<=", ">", "<"]), st.integers(-1000, 1000))
def test_whole_numbers_stay_whole(operator: str, value: int) -> None:
    """Of whole numbers the last that passes is told exactly."""
    (threshold,) = thresholds_of(f"x {operator} 5")
    number = number_for(threshold, threshold.sign * value, None, whole=True)
    frame = pl.DataFrame({"x": [value, value + threshold.sign]})
    assert _passes(f"x {operator} {number}", frame) == [True, False]
