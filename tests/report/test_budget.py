"""Budgets as tables."""

import pytest

from refinery.report.budget import budget_tables, count_text, epochs_table
from refinery.scaling.budget import budget


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (999.6, "1k"),
        (1_234, "1.23k"),
        (999_960, "1M"),
        (29.14e9, "29.1B"),
        (216e12, "216T"),
        (5e15, "5,000T"),
    ],
)
def test_counts_have_three_figures(number, text):
    """And the unit of their size."""
    assert count_text(number) == text


def test_tables_say_law_and_source():
    """What it is enough for, two tables a model, then repeats and replay; each number has its source."""
    found = list(budget_tables(budget(2e9, [1.3e9, 7e9])))
    assert len(found) == 2 * 2 + 4
    assert all("arXiv" in row[-1] for table in (found[1], found[3]) for row in table.rows)
    assert next(row[:2] for row in found[5].rows if row[0] == "medical") == ("medical", "3 to 4")
    assert found[2].rows[0][:3] == ("1", "2B", "2B")


def test_far_too_little_text_is_told():
    """Where a model wants more epochs than any law is of use for."""
    small, enough = (next(iter(epochs_table(m).title for m in budget(u, [1.3e9]).models)) for u in (3e5, 2e9))
    assert "far too little text" in small and "the 97,100 epochs" in small
    assert "far too little text" not in enough


def test_little_text_is_told_without_numbers_that_mean_nothing():
    """What it is enough for first, no losses beyond the epochs of the law, epochs in three figures."""
    found = list(budget_tables(budget(84e4, [1.3e9])))
    assert found[0].title == "What 840k unique tokens are enough for: no language model"
    assert "34,700 epochs" in found[1].rows[0][0] and "nats" not in str(found[1].rows)
    assert found[2].rows[-1][0] == "40"
    assert "no language model" not in next(budget_tables(budget(2e9, []))).title
