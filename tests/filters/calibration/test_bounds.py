"""The ends of what is measured."""

from hypothesis import given
from hypothesis import strategies as st

from refinery.filters.calibration.bounds import bound_of, cannot_fail
from refinery.filters.signals import Settings, build, columns
from refinery.text.batch import TextBatch

PIECES = st.sampled_from(
    ["a", "a b", "\n", "\n\n", " ", "#", "...", "…", "中文", "【", "{", "1", "a a a a a a"]
)


@given(st.lists(PIECES, max_size=60).map("".join), st.sampled_from([1, 1, 40]))
def test_no_signal_is_beyond_its_bounds(piece: str, times: int) -> None:
    """Whatever the text is, repetition of itself as well."""
    text = piece * times
    measured = build(Settings())(TextBatch.from_texts([text]))
    for name in columns():
        value = measured[name][0].as_py()
        low, high = bound_of(name, ">="), bound_of(name, "<=")
        assert low == 0 <= value
        assert high is None or value <= high, name


def test_a_threshold_at_or_beyond_the_end_cannot_fail() -> None:
    """A strict one at the end can, and so can one of a column of which nothing is known."""
    assert cannot_fail("dup_line_frac", "<=", "1") and cannot_fail("dup_line_frac", "<", "1.2")
    assert not cannot_fail("dup_line_frac", "<", "1") and not cannot_fail("dup_line_frac", "<=", "0.99")
    assert cannot_fail("stop_words_en", ">=", "0") and not cannot_fail("stop_words_en", ">=", "1")
    assert not cannot_fail("year", ">=", "0") and not cannot_fail("top_3gram_char_frac", "<=", "1.2")
