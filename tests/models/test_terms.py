"""Mining a lexicon."""

import math
import random
from collections import Counter

import numpy as np
import polars as pl
import pytest

from refinery.definition.trainings import TermMining
from refinery.errors import DefinitionError
from refinery.models.examples import prepare_examples
from refinery.models.terms import PRIOR, log_odds, mine
from refinery.text.batch import TextBatch

COMMON = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "for",
    "it",
    "with",
    "as",
    "by",
    "on",
    "at",
    "from",
    "are",
    "was",
]
PLAIN = [f"{a}{b}" for a in ("mor", "tal", "ven", "kin", "lup") for b in ("a", "en", "il", "ost", "um")]
MEDICAL = [*PLAIN, "aspirin", "blood", "heart disease", "heart failure", "kidney"]
OTHER = [*PLAIN, "wheat", "company", "ship", "minister"]
MINING = TermMining(positive=("seeds",), negative=("crawl",))


def documents(words: list[str], count: int, seed: int) -> list[str]:
    """Texts of common words and these, in any order."""
    rng = random.Random(seed)
    return [" ".join(rng.choice(rng.choice((COMMON, words))) for _ in range(80)) for _ in range(count)]


def mined(positive: list[str], negative: list[str], mining: TermMining = MINING) -> pl.DataFrame:
    sides = ([("here", TextBatch.from_texts(texts))] for texts in (positive, negative))
    return mine(prepare_examples(*sides), mining)


def test_log_odds_are_those_of_fightin_words():
    """Against Monroe et al.'s equations written out for each word."""
    positive, negative = Counter(the=50, heart=9, law=1), Counter(the=70, law=20, ship=3)
    words = sorted(positive | negative)
    found = log_odds(*(np.array([side[word] for word in words]) for side in (positive, negative)))
    both = positive + negative
    for n, word in enumerate(words):
        prior = PRIOR * both[word] / both.total()
        odds = [
            math.log((side[word] + prior) / (side.total() + PRIOR - side[word] - prior))
            for side in (positive, negative)
        ]
        deviation = math.sqrt(sum(1 / (side[word] + prior) for side in (positive, negative)))
        assert found[0][n] == pytest.approx(odds[0] - odds[1])
        assert found[1][n] == pytest.approx((odds[0] - odds[1]) / deviation)


def test_the_words_of_a_domain_are_its_terms():
    """Single words and phrases, none of the others' and none of everybody's; the documents are counted."""
    texts = documents(MEDICAL, 100, 1), documents(OTHER, 100, 2)
    found = mined(*texts)
    words = set(found["term"])
    assert {"blood", "aspirin", "kidney", "heart disease", "heart failure"} <= words
    assert not words & {*COMMON, *OTHER, "of the", "the blood", "disease", "failure"}
    row = found.filter(term="aspirin")
    assert row["documents"].to_list() == [sum("aspirin" in text.split() for text in texts[0])]
    assert found["z"].is_sorted(descending=True)


def test_pieces_of_a_longer_term_are_none():
    """Of Chinese, where 心肌梗 stands in 心肌梗死 alone, and of words; a term itself may stand in a longer one."""
    places = ("左室", "右室", "前壁", "后壁", "下壁", "侧壁")
    fillers = [f"{a}{b}" for a in "甲乙丙丁戊己" for b in "子丑寅卯辰巳午未"]
    rng = random.Random(1)
    rest = ["。".join(rng.choices(fillers, k=20)) for _ in range(120)]
    positive = [f"{places[n % 6]}心肌梗死{rest[n]}。dilated cardio myopathy {n}x" for n in range(60)]
    negative = [f"{places[n % 6]}天气{rest[60 + n]}。a fine day {n}x" for n in range(60)]
    words = set(mined(positive, negative)["term"])
    assert {"心肌梗死", "dilated cardio myopathy"} <= words
    assert not words & {"心肌", "心肌梗", "肌梗死", "梗死", "dilated cardio", "cardio myopathy"}


def test_lengths_and_the_number_of_terms_are_bounded():
    """As the settings say, and no term of fewer documents than they want."""
    texts = documents(MEDICAL, 100, 1), documents(OTHER, 100, 2)
    found = mined(*texts, MINING.model_copy(update={"words": 1, "most": 3}))
    assert len(found) == 3 and not any(" " in term for term in found["term"])
    rare = mined(*texts, MINING.model_copy(update={"least_documents": 70}))
    assert min(rare["documents"]) >= 70


def test_alike_texts_have_no_terms():
    """That is told, with what to do."""
    texts = documents(OTHER, 40, 1)
    with pytest.raises(DefinitionError, match="no term is found; give more documents"):
        mined(texts, documents(OTHER, 40, 2))
