"""Tables of what papers found."""

from refinery.scaling.published import CHEMISTRY, REPEATS, STRONG_SHIFT, WEAK_SHIFT


def test_repeats_have_a_regime_and_a_source():
    """Each number says where it holds."""
    assert all(1 <= one.least <= one.most and one.regime and "arXiv" in one.source for one in REPEATS)


def test_repeats_are_those_of_the_papers():
    """Epochs that paid by domain and paper: one is of one corpus, the others of parts of a mixture, by its size."""
    found = {(one.domain, one.source): [] for one in REPEATS}
    for one in REPEATS:
        found[one.domain, one.source].append((one.least, one.most))
    assert found == {
        ("any", "arXiv 2305.16264"): [(1, 4)],
        ("medical", "arXiv 2608.14071"): [(3, 4)],
        ("wikipedia", "arXiv 2608.14071"): [(3, 4)],
        ("code", "arXiv 2608.14071"): [(4, 5)],
        ("math", "arXiv 2608.14071"): [(5, 6)],
        ("scarce", "arXiv 2605.12715"): [(15, 20)],
        ("scarce", "arXiv 2606.07597"): [(24, 24), (5, 5)],
    }


def test_replay_keeps_old_text():
    """More old text, less old loss and no less new loss, in both experiments."""
    for shift in (WEAK_SHIFT, STRONG_SHIFT):
        shares, old, new = zip(*((one.share, one.old, one.new) for one in shift.replays), strict=True)
        assert list(shares) == sorted(shares)
        assert list(old) == sorted(old, reverse=True)
        assert list(new) == sorted(new)


def test_the_most_domain_text_leaves_room_for_old_text():
    """Of which a few percent keep the general loss from rising sevenfold."""
    assert (CHEMISTRY.share, CHEMISTRY.allowed, CHEMISTRY.alone) == (0.924, 0.03, 0.212)
    assert "arXiv" in CHEMISTRY.source
