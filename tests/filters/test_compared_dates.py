"""Comparisons of dates with what is none."""

import polars as pl
import pytest

from refinery.filters.compared_dates import date_problems
from refinery.sources.sql import parse

TYPES = {"date": pl.Date(), "at": pl.Datetime("us"), "n": pl.Int64(), "s": pl.String()}


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("date > 2015", ["date is a date and cannot be compared with 2015: write DATE '2015-01-01'"]),
        ("'2015-03-04' <= at", ["at is a date with a time and cannot be compared with '2015-03-04': write DATE"]),
        ("n > 1 AND NOT date = 'abc'", ["date is a date and cannot be compared with 'abc': write DATE '2015-01-31'"]),
        ("date BETWEEN 2015 AND '2016'", ["2015: write DATE '2015-01-01'", "'2016': write DATE '2016-01-01'"]),
        ("date > n OR date < 20.5", ["compared with n: write", "compared with 20.5: write"]),
        ("date > DATE '2015-01-01' AND at < date AND n > 2015 AND s > '2015'", []),
        ("EXTRACT(YEAR FROM date) > 2015 AND date IS NOT NULL", []),
    ],
)  # fmt: skip
def test_a_date_is_compared_with_dates_alone(sql, told):
    """Each other comparison is told with what to write, the date that is meant if that can be seen."""
    found = date_problems(parse(sql), TYPES)
    assert len(found) == len(told)
    assert all(part in whole for part, whole in zip(told, found, strict=True))
