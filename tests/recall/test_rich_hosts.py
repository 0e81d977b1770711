"""Pages that are taken for positive by the rest of their host."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from refinery.recall.rich_hosts import LEAST, in_rich_hosts
from refinery.recall.rounds import Round, Settings, first_round, next_round
from refinery.recall.sample import Sample
from refinery.text.batch import TextBatch
from refinery.text.features import features
from tests.recall.planted import texts

PAGES = st.lists(st.tuples(st.integers(-1, 1), st.booleans(), st.floats(0, 1, width=32)), max_size=40)


@example(pages=[(0, n < 3, 0.9) for n in range(6)], share=0.5, prevalence=0.01)
@given(pages=PAGES, share=st.sampled_from([0.05, 0.1, 0.5, 1.0]), prevalence=st.sampled_from([0.01, 0.3]))
def test_a_page_is_likely_at_the_share_of_the_rest_of_its_host(
    pages: list[tuple[int, bool, float]], share: float, prevalence: float
) -> None:
    """As counted page by page, with odds; no page is judged by itself, and none without a host."""
    hosts = np.array([host for host, _, _ in pages], np.int32)
    found = np.array([hit for _, hit, _ in pages], np.bool_)
    probability = np.array([one for _, _, one in pages], np.float32)
    chosen = in_rich_hosts(hosts, found, probability, prevalence, share)
    for at, (host, _, one) in enumerate(pages):
        others = [n for n, (of, _, _) in enumerate(pages) if of == host and n != at]
        hits = sum(found[n] for n in others)
        if host < 0 or len(others) < LEAST or hits < share * len(others):
            assert not chosen[at]
        elif 0 < one < 1:
            here = (hits + prevalence) / (len(others) + 1)
            odds = one / (1 - one) * here / (1 - here) * (1 - prevalence) / prevalence
            assert chosen[at] == (odds >= 1) or odds == pytest.approx(1, rel=1e-4)
        else:
            assert chosen[at] == (one == 1)


@pytest.fixture(scope="module")
def planted() -> tuple[Sample, NDArray[np.str_], Round]:
    """A pool with two rich hosts, what each document is of, and the first round.

    Host 0 is all of the topic: 20 pages in words of the seeds (a), 30 in other words (f) and few of theirs. Host 1
    has 20 pages of the topic and 60 of another matter (g).
    """
    a, random = texts(30, "a", 1.0, 4), np.random.default_rng(5)
    other = [
        " ".join(mine if random.random() < 0.08 else word for word, mine in zip(*pair, strict=True))
        for pair in zip(map(str.split, texts(30, "f", 0.25, 3)), map(str.split, a), strict=True)
    ]
    documents = [*texts(50, "a", 0.25, 1), *texts(60, "a", 0.25, 2), *other, *texts(60, "g", 0.25, 6)]
    kinds = ["seed"] * 50 + ["a"] * 60 + ["f"] * 30 + ["g"] * 60
    hosts = [-1] * 50 + [0] * 20 + [1] * 20 + [*range(2, 22)] + [0] * 30 + [1] * 60
    for number, topic in enumerate("bcde"):
        documents += texts(150, topic, 0.25, 10 + number)
        kinds += [topic] * 150
        hosts += [2 + n % 40 for n in range(150)]
    kind = np.array(kinds)
    sample = Sample(
        features(TextBatch.from_texts(documents)),
        np.arange(len(kind), dtype=np.uint64),
        kind == "seed",
        np.array(hosts, np.int32),
    )
    return sample, kind, first_round(sample, Settings())


def test_a_host_that_is_all_of_the_topic_is_found_in_whatever_words(
    planted: tuple[Sample, NDArray[np.str_], Round],
) -> None:
    """With rich hosts, and half of it without; what another rich host has beside the topic is left."""
    sample, kind, first = planted
    found = {}
    for share in (None, 0.1):
        second = next_round(sample, first, Settings(rich_hosts=share))
        found[share] = second.probability >= second.threshold
        assert (second.by_hosts is None) == (share is None)
    assert found[None][kind == "f"].mean() < 0.6
    assert found[0.1][kind == "f"].mean() >= 0.9
    for made in found.values():
        assert made[kind == "a"].mean() > 0.9
        assert not made[np.isin(kind, [*"bcdeg"])].any()


def test_a_round_says_how_many_came_by_hosts_if_any_could(
    planted: tuple[Sample, NDArray[np.str_], Round],
) -> None:
    """Those that were not positive already; with a share that no host reaches the round is that without hosts."""
    sample, kind, first = planted
    assert first.by_hosts is None
    some = next_round(sample, first, Settings(rich_hosts=0.1)).by_hosts
    assert some is not None and 15 < some <= int(np.isin(kind, ["a", "f"]).sum())
    none, without = (next_round(sample, first, Settings(rich_hosts=share)) for share in (1.0, None))
    assert none.by_hosts == 0 and none.probability.tobytes() == without.probability.tobytes()
