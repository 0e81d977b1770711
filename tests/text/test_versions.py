"""Versions of a text, by tokens; the reference is plain Python."""

import bisect
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.text.versions import PASSAGE, RUN, SIDE, are_versions

Tokens = list[int]


def versions(one: Tokens, other: Tokens) -> bool:
    """As the kernel tells it."""
    tokens = np.array([*one, *other], np.uint64)
    starts, stops = np.array([0, len(one)]), np.array([len(one), len(tokens)])
    found = are_versions(tokens, starts, stops, np.array([0, 1]), np.array([1, 0]))
    assert found[0] == found[1], "it does not matter which one comes first"
    return bool(found[0])


def runs(tokens: Tokens) -> list[tuple[int, ...]]:
    return [tuple(tokens[n : n + RUN]) for n in range(len(tokens) - RUN + 1)]


def uncovered(tokens: Tokens, start: int, stop: int, shared: set[tuple[int, ...]]) -> Tokens:
    """Tokens of which no run is shared."""
    here = {n + k for n, run in enumerate(runs(tokens)) if run in shared for k in range(RUN)}
    return [tokens[n] for n in range(start, stop) if n not in here]


def common(one: Tokens, other: Tokens) -> int:
    """Length of the longest common subsequence, by the whole table."""
    row = [0] * (len(other) + 1)
    for x in one:
        before = row.copy()
        for n, y in enumerate(other):
            row[n + 1] = before[n] + 1 if x == y else max(before[n + 1], row[n])
    return row[-1]


def reference(one: Tokens, other: Tokens) -> bool:
    ours, theirs = runs(one), runs(other)
    shared = set(ours) & set(theirs)
    once = {run for run in shared if Counter(ours)[run] == Counter(theirs)[run] == 1}
    pairs = [(n, theirs.index(run)) for n, run in enumerate(ours) if run in once]
    ends: list[int] = []
    chains: list[list[tuple[int, int]]] = []
    for at, to in pairs:
        length = bisect.bisect_left(ends, to)
        chain = [*(chains[length - 1] if length else []), (at, to)]
        ends[length : length + 1], chains[length : length + 1] = [to], [chain]
    chain = chains[-1] if chains else []
    for link in range(SIDE, len(chain) - SIDE + 1):
        (at, to), (next_at, next_to) = chain[link - 1], chain[link]
        own, their = uncovered(one, at, next_at, shared), uncovered(other, to, next_to, shared)
        if max(len(own), len(their)) - common(own, their) >= PASSAGE:
            return True
    return False


@st.composite
def edits(draw: st.DrawFn) -> tuple[Tokens, Tokens]:
    """A text of few or many different tokens, and what edits of every kind make of it."""
    rng = draw(st.randoms(use_true_random=False))
    words = draw(st.sampled_from([3, 12, 10**9]))
    one = [rng.randrange(words) for _ in range(draw(st.integers(0, 120)))]
    other = list(one)
    for _ in range(draw(st.integers(0, 6))):
        at, size = rng.randrange(len(other) + 1), draw(st.sampled_from([1, 2, 7, 8, 9, 30]))
        new = [rng.randrange(words) for _ in range(draw(st.sampled_from([0, 1, 7, 8, 9, 30])))]
        other[at : at + size] = new
    start, step = draw(st.integers(0, 60)), draw(st.integers(2, 4))
    for place in range(start, min(start + draw(st.sampled_from([0, 40])), len(other)), step):
        other[place] = rng.randrange(words)  # so dense that no run is shared, but most tokens are
    other[start:start] = [rng.randrange(words) for _ in range(draw(st.integers(0, 7)))]
    return one, other


@settings(max_examples=80)
@given(edits())
def test_the_kernel_tells_what_the_reference_tells(texts):
    """Whatever was replaced, added or left out, where texts repeat themselves and where not."""
    assert versions(*texts) == reference(*texts)


def fresh(count: int, seed: int) -> Tokens:
    return random.Random(seed).choices(range(2**62), k=count)


TEXT = fresh(200, 1)


@pytest.mark.parametrize(
    ("other", "are"),
    [
        (TEXT, False),
        (TEXT[:100] + fresh(8, 2) + TEXT[108:], True),
        (TEXT[:100] + fresh(7, 2) + TEXT[107:], False),
        (TEXT[:100] + fresh(8, 2) + TEXT[100:], True),
        (TEXT[:100] + TEXT[108:], True),
        (TEXT[:60] + TEXT[100:140] + TEXT[60:100] + TEXT[140:], False),
        (fresh(40, 2) + TEXT + fresh(40, 3), False),
        (TEXT[20:150], False),
        ([x if n % 10 else n for n, x in enumerate(TEXT)], False),
        (fresh(200, 2), False),
        ([], False),
    ],
    ids=[
        "equal", "passage", "shorter", "added", "left out", "moved", "ends", "excerpt", "strewn", "other", "empty",
    ],
)  # fmt: skip
def test_a_passage_between_shared_ones_makes_a_version(other, are):
    """Slips all over a text, passages that moved, other ends, and texts that share nothing do not."""
    assert versions(TEXT, other) is are
