import random

import pytest
from planting import jaccard, near_copy, shingles

from tests.conftest import CHINESE, document


def test_shingles_are_words_of_spaced_and_characters_of_unspaced_text() -> None:
    """Five folded words, or eight characters without punctuation."""
    assert shingles("The cat, SAT on the mat.") == {"the cat sat on the", "cat sat on the mat"}
    assert shingles("中华人民，共和国公民。") == {" ".join("中华人民共和国公"), " ".join("华人民共和国公民")}
    assert shingles("第 12 条 model A of 法") == {"第 12 条 model a of", "12 条 model a of 法"}
    assert shingles("too short") == set()


@pytest.mark.parametrize("target", [0.55, 0.7, 0.8, 0.95])
@pytest.mark.parametrize(
    "text", [document(1, sentences=60), "".join(CHINESE[i % 6] + str(i) for i in range(90))]
)
def test_an_edited_copy_has_the_wanted_similarity(text: str, target: float) -> None:
    """In both styles, words and characters, the true similarity is near the target and is what is recorded."""
    for seed in range(6):
        copy = near_copy(text, target, random.Random(seed))
        assert copy.jaccard == jaccard(shingles(text), shingles(copy.text))
        assert copy.jaccard == pytest.approx(target, abs=0.03)
