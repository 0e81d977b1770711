"""Rankings by a column."""

import pytest

from refinery.filters.ranking import ranking


@pytest.mark.parametrize("text", ["", "a b c", "a up", "source DESC", "a DESC ASC"])
def test_what_is_no_ranking(text):
    """A column with a direction or none; `source` has one already."""
    with pytest.raises(ValueError, match='expected "COLUMN"'):
        ranking(text)


def test_rankings():
    """Any case, any blanks."""
    assert ranking(" words   asc ") == ("words", "ASC")
    assert ranking("source") == ("source", "")
