"""Tables of what papers found."""

from refinery.scaling.published import REPEATS, STRONG_SHIFT, WEAK_SHIFT


def test_repeats_have_a_regime_and_a_source():
    """Each number says where it holds."""
    assert all(1 <= one.least <= one.most and one.regime and "arXiv" in one.source for one in REPEATS)


def test_replay_keeps_old_text():
    """More old text, less old loss and no less new loss, in both experiments."""
    for shift in (WEAK_SHIFT, STRONG_SHIFT):
        shares, old, new = zip(*((one.share, one.old, one.new) for one in shift.replays), strict=True)
        assert list(shares) == sorted(shares)
        assert list(old) == sorted(old, reverse=True)
        assert list(new) == sorted(new)
