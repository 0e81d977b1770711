"""Which bytes of a document an item's passage has."""

from dataclasses import replace

from refinery.definition.protections import Overlap
from tests.dedup.corpus import words
from tests.dedup.test_inside import CUT, cut_from


def test_a_changed_word_leaves_no_half_of_an_item(tmp_path):
    """What lies between two n-grams of an item goes too; a margin takes so many characters more."""
    words_ = words(60, 3)
    item = ". ".join(" ".join(words_[n : n + 15]) for n in range(0, 60, 15))
    parts = [words_[0:15], words_[15:30], words(15, 4), words_[45:60]]
    changed = ". ".join(map(" ".join, parts))
    text = f"Before it.\n{changed}.\nBehind 年it."
    _, gone, left = cut_from(tmp_path, [item], [text])
    assert (gone, left[0]) == ({}, "Before it.\nBehind 年it.")
    wider = replace(CUT, overlap=Overlap(action="cut", margin=8))
    assert cut_from(tmp_path, [item], [text], wider)[2][0] == "Befit."


def test_of_two_items_in_one_sentence_the_passage_is_one(tmp_path):
    """Spans do not overlap."""
    item, other = " ".join(words(20, 3)), " ".join(words(20, 4))
    cut, _, left = cut_from(tmp_path, [other, item], [f"One. Then {item} {other} and {item}! Two."])
    assert left == {0: "One. Two."}
    assert [other for _, other in cut[0]] == [0]
