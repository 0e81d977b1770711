"""Items of benchmarks, changed before they are planted."""

import random

from planted_items import CHANGES, make_benchmark

TEXTS = [
    f"What does the word{n} mean to people who live in town{n}?\nIt means one thing, say some. And n{n}."
    for n in range(8)
]


def test_changes_are_what_they_are_called():
    """Whole, the middle, the same words in another order, errors in as many places; the same for the same seed."""
    items = make_benchmark("en", TEXTS, 4, random.Random(1))
    assert [item.kind for item in items] == ["as it is"] * 4 + ["multiple choice"] * 4
    assert len({item.source for item in items}) == 8
    for item in items:
        found = {name: make(item, random.Random(2)) for name, make in CHANGES.items()}
        words = item.text.split(" ")
        assert found["whole"] == item.text
        assert found["cut to 60 %"] in item.text
        assert len(found["cut to 60 %"].split(" ")) == len(words) - 2 * (len(words) // 5)
        assert sorted(found["reordered"].split()) == sorted(item.text.split())
        for count in (10, 30):
            others = found[f"error in {count} words"].split(" ")
            wrong = sum(a != b for a, b in zip(words, others, strict=True))
            assert wrong <= -(-len(words) // count)
    assert make_benchmark("en", TEXTS, 4, random.Random(1)) == items
