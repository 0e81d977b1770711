"""Small pools with a planted topic: documents are words drawn from a common vocabulary, some from the topic's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refinery.recall.sample import Sample
from refinery.text.batch import TextBatch
from refinery.text.features import features


def texts(number: int, topic: str, share: float, seed: int) -> list[str]:
    """Documents of 60 words, of which this share are of a topic's 40 words."""
    random = np.random.default_rng(seed)
    own, common = random.zipf(1.3, (number, 60)) % 40, random.zipf(1.2, (number, 60)) % 2000
    chosen = random.random((number, 60)) < share
    return [
        " ".join(f"{topic}{a}" if c else f"w{b}" for a, b, c in zip(*row, strict=True))
        for row in zip(own, common, chosen, strict=True)
    ]


def pool(
    seeds: int = 50, positive: int = 100, other: int = 900, shift: int = 0, share: float = 0.25
) -> tuple[Sample, NDArray[np.bool_]]:
    """Seeds and a pool, some of their topic and the others of four more; and which are.

    shift: another draw; share: of words that are of a document's topic.
    """
    documents = texts(seeds + positive, "a", share, 1 + shift)
    for number, topic in enumerate("bcde"):
        documents += texts(other // 4, topic, share, 2 + number + shift)
    truth = np.arange(len(documents)) < seeds + positive
    seed = np.arange(len(documents)) < seeds
    identities = np.arange(len(documents), dtype=np.uint64)
    found = features(TextBatch.from_texts(documents))
    return Sample(found, identities, seed, np.full(len(documents), -1, np.int32)), truth
