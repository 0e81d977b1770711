"""Documents drawn at random."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from refinery.models.draw import bound_of, draw
from refinery.shuffle.partition import hash_numbers
from tests.models.shards import cut, run_here

TEXTS = [f"Word{n} word" for n in range(200)]


def drawn(folder, shards, most: int, seed: int = 1, map_units=run_here) -> list[str]:
    """The prepared texts that are drawn of one part."""
    found = draw({"positive": shards}, {"positive": most}, seed, map_units, folder).drawn
    assert [one.number for one in found] == list(range(len(found)))
    return [text for one in found for _, texts in one.words() for text in texts.to_arrow().to_pylist()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    most=st.integers(1, 250),
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(0, 200), max_size=5).map(sorted),
    dropped=st.frozensets(st.integers(0, 199), max_size=150),
)
def test_those_with_the_smallest_hashes_are_drawn(tmp_path, most, seed, cuts, dropped) -> None:
    """As sorting all that arrive by their hashes gives, however the source is cut; in the order of the documents."""
    found = drawn(tmp_path, cut("crawl", TEXTS, *cuts, dropped=dropped), most, seed)
    (whole,) = cut("crawl", TEXTS)
    hashes = hash_numbers(whole.identities().view(np.int64), xxh3_64_intdigest(b"draw %d" % seed))
    arrived = sorted(set(range(200)) - dropped, key=lambda n: hashes[n])
    assert found == [TEXTS[n].lower() for n in sorted(arrived[:most])]


def test_another_seed_draws_other_documents(tmp_path) -> None:
    """And both draw about evenly from all of the source."""
    one, other = (set(drawn(tmp_path, cut("crawl", TEXTS, 100), 100, seed)) for seed in (1, 2))
    assert 30 < len(one & other) < 70
    assert 30 < len(one & {text.lower() for text in TEXTS[:100]}) < 70


def test_a_document_that_comes_by_two_ways_counts_once(tmp_path) -> None:
    """A stage and the source that it is made of: as many different documents as are wanted, if there are."""
    source, stage = cut("crawl", TEXTS, 50), cut("crawl", TEXTS, dropped=frozenset(range(100)))
    found = drawn(tmp_path, [*source, *stage], 150)
    assert len(set(found)) == 150
    assert set(found) == set(drawn(tmp_path, source, 150))


def test_few_candidates_are_written_of_many_documents(tmp_path) -> None:
    """Of 20,000 documents little more than the 100 that are drawn, with the memory for a shard's stated."""
    written, stated = [], []

    def map_units(name, function, units, /, *, memory=0):
        found = run_here(name, function, units)
        if not name.startswith("end"):
            written.append(sum(one.documents for one in found))
            stated.append(memory)
        return found

    assert len(drawn(tmp_path, cut("crawl", ["word"] * 20_000, 5_000), 100, map_units=map_units)) == 100
    (count,) = written
    assert 100 < count < 300
    assert stated == [128 * 15_000]


@pytest.mark.parametrize("shards", [[], cut("crawl", []), cut("crawl", ["a"], dropped=frozenset({0}))])
def test_nothing_is_drawn_of_nothing(tmp_path, shards) -> None:
    """No shard, an empty one, one of which nothing arrives."""
    assert drawn(tmp_path, shards, 10) == []


def test_the_bound_is_enough_almost_always() -> None:
    """Six standard deviations more than what is wanted lies below it on average."""
    for most, arrived in ((20, 10**6), (10**5, 10**9), (500_000, 600_000)):
        expected = bound_of(most, arrived) / 2**64 * arrived
        assert expected - most >= 6 * most**0.5
