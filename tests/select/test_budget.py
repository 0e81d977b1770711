"""The token budget."""

import pickle

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.filters.ranking import rank_keys
from refinery.select.budget import find_cutoff, ranked_dtype, within
from refinery.shuffle.records import Records

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


def write(folder, tokens: np.ndarray, ranking: np.ndarray, cuts: list[int]) -> Records:
    """Ranked documents by writers that are cut at the given documents."""
    ranked = Records.create(folder / "ranked", ranked_dtype(1), writers=len(cuts) + 1, block_bytes=300)
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(tokens)], strict=True)):
        records = np.empty(stop - start, ranked.form)
        records["document"], records["tokens"] = np.arange(start, stop), tokens[start:stop]
        keys = rank_keys(pa.chunked_array([ranking[start:stop]]), descending=False, missing="last")
        records["keys"] = keys
        ranked.write(number, records)
    return ranked


def selected(folder, tokens: np.ndarray, ranking: np.ndarray, budget: int, cuts: list[int]) -> set[int]:
    """The same through files cut at the given documents."""
    ranked = write(folder, tokens, ranking, cuts)
    cutoff = find_cutoff(ranked, budget, in_order, folder)
    chosen: set[int] = set()
    for writer in range(ranked.writers):
        remaining = cutoff.remaining[writer] if cutoff else 0
        for records in ranked.each(writers=[writer]):
            mask, remaining = within(cutoff and cutoff.keys, records, remaining)
            chosen |= set(records["document"][mask].tolist())
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


def test_units_and_results_are_a_few_numbers(tmp_path):
    """However many bins a histogram has: results of all units are held by one process at once."""
    generator = np.random.default_rng(1)
    tokens, ranking = generator.integers(1, 9, 15000), generator.normal(size=15000)
    ranked = write(tmp_path, tokens, ranking, [5000, 10000])
    sizes, results = [], []

    def map_units(name, function, units, **_):
        found = in_order(name, function, units)
        sizes.extend(len(pickle.dumps((function, unit))) for unit in units)
        results.extend(len(pickle.dumps(one)) for one in found)
        return found

    assert find_cutoff(ranked, 20_000, map_units, tmp_path) is not None
    assert len(results) > 10 and max(results) < 100 and max(sizes) < 1500
