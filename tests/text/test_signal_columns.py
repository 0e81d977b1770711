"""Columns of the signals and where kernels find them."""

from refinery.text.signal_columns import COUNT, COUNTS, RATIO, RATIOS


def test_each_column_is_found_by_its_name() -> None:
    """The place of a column is its place in the order in which the columns are written."""
    assert {name: getattr(COUNT, name) for name in COUNTS} == {name: i for i, name in enumerate(COUNTS)}
    assert {name: getattr(RATIO, name) for name in RATIOS} == {name: i for i, name in enumerate(RATIOS)}


def test_columns_that_kernels_count_on_lie_together() -> None:
    """The scripts, and the n-grams of each kind, are columns one after the other."""
    ratios = list(RATIOS)
    scripts = ("han", "kana", "hangul", "thai", "latin", "cyrillic", "arabic", "devanagari")
    found = ratios[RATIO.han_ratio : RATIO.devanagari_ratio + 1]
    assert found == [f"{script}_ratio" for script in scripts]
    for first, sizes in (("top_{}gram_char_frac", (2, 3, 4)), ("dup_{}gram_char_frac", (*range(5, 11), 16))):
        names = [first.format(n) for n in sizes]
        start = ratios.index(names[0])
        assert ratios[start : start + len(names)] == names
