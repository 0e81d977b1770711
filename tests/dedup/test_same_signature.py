from refinery.dedup.settings import Settings
from tests.dedup.corpus import jaccard, near, of_texts, words


def test_near_copies_with_one_signature_share_the_outcome_of_the_first(tmp_path):
    """Documents that one change of a long text made, with one signature and near to a preferred document, all go."""
    base = words(3000, 1)
    preferred = " ".join(base[:2900])
    copies = [" ".join([*base, f"w{n}"]) for n in range(60)]
    for threshold in (0.8, 0.95):
        settings = Settings(near=near(threshold, bands=28, rows=4))
        removed = of_texts(tmp_path, [preferred, *copies], settings)
        assert set(removed) == set(range(1, 61))
        assert all(jaccard(preferred, copies[row - 1]) >= threshold for row in removed)


def test_copies_that_are_too_far_from_the_kept_one_leave_one(tmp_path):
    """The first of them goes at the very threshold, the others are just below it: one of those is kept."""
    base = words(400, 1)
    first = " ".join(base + words(96, 2))  # shares 396 of 492 shingles with the base: J = 396/492
    others = [" ".join([*first.split(" "), f"x{n}"]) for n in range(5)]
    threshold = jaccard(" ".join(base), first)
    assert threshold > jaccard(" ".join(base), others[0])
    settings = Settings(near=near(threshold, bands=112, rows=1))
    removed = of_texts(tmp_path, [" ".join(base), first, *others], settings)
    assert removed[1].place == (0, 0)
    kept = [row for row in range(7) if row not in removed]
    assert kept[0] == 0 and len(kept) <= 3
    assert all(kept.similarity >= threshold for kept in removed.values())
