"""The token budget."""

import pickle

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.select.budget import find_cut, read_ranked, within
from refinery.storage.write import TableWriter

VALUES = [-1.0, -0.0, 0.0, 5e-324, 0.5, 0.5000000000000001, float("inf"), float("-inf"), float("nan")]


def in_order(_name, function, units, **_):
    return [function(unit) for unit in units]


def plain(tokens: np.ndarray, ranking: np.ndarray, budget: int) -> set[int]:
    """A walk down the ranking, earlier documents first, until the next one would overspend."""
    spent, chosen = 0, set()
    for index in sorted(range(len(tokens)), key=lambda i: (ranking[i] != ranking[i], ranking[i], i)):
        spent += tokens[index]
        if spent > budget:
            break
        chosen.add(index)
    return chosen


def selected(folder, tokens: np.ndarray, ranking: np.ndarray, budget: int, cuts: list[int]) -> set[int]:
    """The same through files cut at the given documents, two files a group."""
    places = []
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(tokens)], strict=True)):
        table = pa.table({"tokens": tokens[start:stop], "prefer_0": ranking[start:stop]})
        places.append(folder / f"{number}.parquet")
        with TableWriter(places[-1], table.schema) as writer:
            writer.write(table)
    groups = [tuple(places[n : n + 2]) for n in range(0, len(places), 2)]
    cut = find_cut(groups, budget, in_order, folder)
    chosen, start = set(), 0
    for number, group in enumerate(groups):
        remaining = cut.remaining[number] if cut else 0
        for place in group:
            here, keys = read_ranked(place)
            mask, remaining = within(cut and cut.keys, here, keys, remaining)
            chosen |= set((start + np.flatnonzero(mask)).tolist())
            start += len(here)
    return chosen


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from(VALUES) | st.floats(0, 1)), max_size=40),
    st.integers(0, 600),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_equals_a_plain_walk_down_the_ranking(tmp_path, documents, budget, cuts):
    """The best documents are taken in order until the next one would overspend, however the files are cut."""
    tokens = np.array([d[0] for d in documents], np.int64)
    ranking = np.array([d[1] for d in documents], np.float64)
    cuts = sorted(min(cut, len(documents)) for cut in cuts)
    assert selected(tmp_path, tokens, ranking, budget, cuts) == plain(tokens, ranking, budget)


def test_results_of_units_are_a_few_numbers(tmp_path):
    """However many bins a histogram has: results of all units are held by one process at once."""
    generator = np.random.default_rng(1)
    places = []
    for number in range(3):
        places.append(tmp_path / f"{number}.parquet")
        table = pa.table({"tokens": generator.integers(1, 9, 5000), "prefer_0": generator.normal(size=5000)})
        with TableWriter(places[-1], table.schema) as writer:
            writer.write(table)
    sizes = []

    def map_units(name, function, units, **_):
        found = in_order(name, function, units)
        sizes.extend(len(pickle.dumps(one)) for one in found)
        return found

    assert find_cut([(place,) for place in places], 20_000, map_units, tmp_path) is not None
    assert len(sizes) > 10 and max(sizes) < 100
