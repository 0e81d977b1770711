"""What topics are called."""

import numpy as np

from refinery.models.topic_names import name_topics
from refinery.text.batch import TextBatch
from refinery.text.features import features
from refinery.text.prepare import prepare


def bucket_of(term: str, bits: int = 20) -> int:
    """The bucket of a word, or of a pair, which alone is not in its words."""
    first, *second = term.split(" ")
    found = features(TextBatch.from_texts([term]), bits).buckets.tolist()
    if not second:
        return found[0]
    (pair,) = set(found) - {bucket_of(first, bits), bucket_of(second[0], bits)}
    return pair


def named(texts: list[str], terms: list[str], weights: list[list[float]]) -> list[list[str]]:
    """The names of topics with these weights of terms."""
    buckets = np.array([bucket_of(term) for term in terms], np.uint32)
    return name_topics(prepare(TextBatch.from_texts(texts)), buckets, np.array(weights, np.float32), 20, 100)


def test_terms_stand_as_in_the_texts():
    """The weightiest first; no part of another; characters side by side; none that does not weigh."""
    terms = ["crude oil", "oil", "tanker", "药 材", "wheat"]
    weights = [[0.9, 0.0], [0.8, 0.0], [0.2, 0.1], [0.0, 0.5], [0.0, 0.0]]
    assert named(["Crude oil, tanker", "中药材 wheat"], terms, weights) == [
        ["crude oil", "tanker"],
        ["药材", "tanker"],
    ]


def test_of_words_in_one_bucket_the_frequent_one_is_told():
    """A rare word that comes first does not stand for it."""
    words = [f"w{n}" for n in range(300)]
    buckets = {}
    for word in words:
        buckets.setdefault(bucket_of(word, 8), []).append(word)
    bucket, (rare, often, *_) = next((b, found) for b, found in buckets.items() if len(found) > 1)
    texts = prepare(TextBatch.from_texts([f"{rare} {often}", often, often]))
    pairs = features(texts, 8)
    assert bucket in pairs.buckets
    found = name_topics(texts, np.array([bucket], np.uint32), np.ones((1, 1), np.float32), 8, 100)
    assert found == [[often]]
