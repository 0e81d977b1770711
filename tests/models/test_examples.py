import random
from itertools import pairwise

import numpy as np
from datasketch import MinHash

from refinery.models.examples import SIMILARITY, hold_out, near_groups, read_examples, read_texts
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from refinery.text.shingles import shingle_sets
from tests.conftest import document
from tests.models.domains import write


def test_near_duplicates_form_groups() -> None:
    """Documents with a changed sentence are one group; others stand alone."""
    documents = [document(seed, 30) for seed in range(40)]
    changed = [text.replace("aspirin", "placebo", 1) + " One more." for text in documents[:10]]
    groups = near_groups(prepare(TextBatch.from_texts([*documents, *changed])))
    for number in range(10):
        assert groups[number] == groups[40 + number]
    assert len(set(groups[:40].tolist())) == 40


def test_groups_are_the_components_of_near_pairs() -> None:
    """Against comparing every pair: no group that the pairs do not make, and hardly a pair apart."""
    chosen = random.Random(3)
    texts = []
    for seed in range(300):
        words = document(seed % 120, 15).split(" ")
        for _ in range(chosen.choice([0, 1, 3, 8, 15])):
            words[chosen.randrange(len(words))] = f"w{chosen.randrange(10**6)}"
        texts.append(" ".join(words))
    hashes, bounds = shingle_sets(TextBatch.from_texts(texts), 5, 8)
    sets = [set(hashes[low:high].tolist()) for low, high in pairwise(bounds.tolist())]
    near = [
        (one, other)
        for one in range(300)
        for other in range(one)
        if len(sets[one] & sets[other]) >= SIMILARITY * len(sets[one] | sets[other])
    ]
    groups = near_groups(TextBatch.from_texts(texts)).tolist()
    root = list(range(300))
    for _ in root:
        for one, other in near:
            root[one] = root[other] = min(root[one], root[other])
    assert len(near) > 100
    assert all(root[one] == root[other] for one, other in enumerate(groups))
    assert sum(groups[one] == groups[other] for one, other in near) >= 0.98 * len(near)


def test_repeats_and_contradictions_are_dropped(tmp_path) -> None:
    """One of each prepared text, in the order of the first; none of those that both classes have."""
    positive = write(tmp_path / "positive.parquet", ["One.", "both", "ONE", "", "two"])
    negative = write(tmp_path / "negative.parquet", ["three", "Both", "three!", "..."])
    found = read_examples([positive], [negative], "text")
    assert found.texts.to_arrow().to_pylist() == ["one", "two", "three"]
    assert found.positive.tolist() == [True, True, False]
    assert (found.read, found.contradictory) == ((4, 5), 1)
    empty = write(tmp_path / "empty.parquet", ["", "?!"])
    nothing = read_examples([empty], [empty], "text")
    assert (len(nothing.texts), nothing.read) == (0, (2, 2))


def test_texts_shorter_than_a_shingle_stand_alone() -> None:
    """No shingle, no group."""
    assert len(set(near_groups(prepare(TextBatch.from_texts(["a", "b", "a b", "字"]))).tolist())) == 4


def test_groups_are_never_split_and_shares_are_kept() -> None:
    """Held-out documents of each class come close to the share, and no group is on both sides."""
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 300, 1000)
    positive = rng.random(1000) < 0.3
    held = hold_out(groups, positive, 0.2, seed=1)
    assert not set(groups[held].tolist()) & set(groups[~held].tolist())
    for kind in (positive, ~positive):
        assert 0.15 <= held[kind].mean() <= 0.2
    assert np.array_equal(held, hold_out(groups, positive, 0.2, seed=1))
    assert not np.array_equal(held, hold_out(groups, positive, 0.2, seed=2))


def test_no_near_duplicate_crosses_the_split() -> None:
    """By an estimate of another library: no held-out document is like one that the model was trained on."""
    texts = [document(seed // 3, 20) + f" Version {seed % 3}." for seed in range(90)]
    words = prepare(TextBatch.from_texts(texts))
    held = hold_out(near_groups(words), np.arange(90) % 2 == 0, 0.3, seed=3)
    assert 0 < held.sum() < 90
    sketches = []
    for text in words.to_arrow().to_pylist():
        tokens = text.split()
        sketch = MinHash(128)
        sketch.update_batch([" ".join(tokens[n : n + 5]).encode() for n in range(len(tokens) - 4)])
        sketches.append(sketch)
    for one in np.flatnonzero(held):
        assert all(sketches[one].jaccard(sketches[two]) < 0.7 for two in np.flatnonzero(~held))


def test_texts_are_read_as_they_are(tmp_path) -> None:
    """Every document, NULL as none."""
    path = write(tmp_path / "a.parquet", ["One", "Two\n"])
    assert [text for batch in read_texts([path], "text") for text in batch.to_arrow().to_pylist()] == [
        "One",
        "Two\n",
    ]
