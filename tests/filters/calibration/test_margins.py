"""How far beyond what was seen thresholds stand."""

import numpy as np
import pytest

from refinery.filters.calibration.fit import calibrate
from refinery.filters.calibration.margins import long_documents, scales_beyond, with_margins
from refinery.filters.calibration.sample import Needs, Sample, needs_of
from refinery.filters.calibration.search import PUBLISHED, Problem
from refinery.filters.rules import Rule
from tests.filters.calibration.samples import sample

RULES = [Rule("ratio", "ratio <= 0.1"), Rule("dup", "dup <= 0.1")]
LOSE = 0.01


def _needs(**columns: object) -> Needs:
    (documents,) = {len(column) for column in columns.values()}  # type: ignore[arg-type]
    return needs_of(sample(1, documents, **columns), RULES)


def _stands(needs: Needs, junk: list[list[float]], tokens: np.ndarray, long: np.ndarray) -> list[float]:
    levels = needs.needs.max(axis=0)
    problem = Problem(needs.needs, [], len(needs.needs), np.array(junk).reshape(-1, 2))
    scales = scales_beyond(needs, levels, tokens, long, [np.ones(len(tokens), bool)], LOSE)
    return [margin.level for _, margin in sorted(with_margins(needs, problem, levels, long, scales).items())]


def test_long_documents_are_judged_in_their_pool() -> None:
    """More tokens than an even share of the fewest documents by which a loss is told: 1 of 230 for 1 %."""
    tokens = np.array([100.0] * 1000 + [300.0, 500.0] + [10.0] * 300)
    first = np.arange(len(tokens)) < 1002
    assert np.flatnonzero(long_documents(tokens, [first, ~first], LOSE)).tolist() == [1001]
    assert not long_documents(tokens, [first & (tokens < 500), ~first], LOSE).any()


def test_junk_that_another_rule_drops_holds_no_threshold() -> None:
    """A margin ends before junk that nothing else drops, and goes beyond junk that goes anyway."""
    needs = _needs(ratio=np.append(np.linspace(0.12, 0.3, 10), 0.01), dup=np.full(11, 0.01))
    tokens, none = np.ones(11), np.zeros(11, bool)
    (alone,) = _stands(needs, [], tokens, none)
    assert alone == pytest.approx(0.3 + (0.3 - np.linspace(0.12, 0.3, 10).mean()))
    (before,) = _stands(needs, [[0.301, PUBLISHED]], tokens, none)
    (beyond,) = _stands(needs, [[0.301, 0.5]], tokens, none)
    assert 0.3 < before < 0.301
    assert beyond == alone


def test_margins_of_long_documents_grow_with_their_tokens() -> None:
    """Not at all where what holds a threshold is short; by as many scales as it takes, through junk, where not."""
    needs = _needs(ratio=np.append(np.linspace(0.12, 0.3, 10), [0.01] * 490), dup=np.full(500, 0.01))
    long = np.arange(500) < 10
    junk = [[0.301, PUBLISHED]]

    def stands(tokens_of_long: float) -> float:
        tokens = np.where(long, tokens_of_long, 100.0)
        (found,) = _stands(needs, junk, tokens, long)
        return found

    scale = 0.3 - np.linspace(0.12, 0.3, 10).mean()
    share = 5000 / (49_000 + 50_000)
    assert stands(1.0) < 0.301
    assert stands(5000) == pytest.approx(0.3 + scale * np.log(-np.log(0.1) * share / LOSE))
    assert stands(9000) > stands(5000)


def test_shares_never_reach_their_bound_beyond_long_documents() -> None:
    """Each scale leaves the same part of the distance between the end and 1."""
    shares = np.linspace(0.5, 0.8, 10)
    rules = [Rule("lines", "dup_line_frac <= 0.1"), RULES[1]]
    columns = {"dup_line_frac": np.append(shares, [0.01] * 490), "dup": np.full(500, 0.01)}
    needs, long = needs_of(sample(1, 500, **columns), rules), np.arange(500) < 10
    (found,) = _stands(needs, [[0.81, PUBLISHED]], np.where(long, 5000.0, 100.0), long)
    scales = np.log(-np.log(0.1) * 5000 / 99_000 / LOSE)
    assert found == pytest.approx(1 - 0.2 * np.exp(-scales * (np.log(1 - shares).mean() - np.log(0.2))))


def test_junk_that_passes_beyond_long_documents_is_left_for_other_thresholds() -> None:
    """They stand short of it, whatever the order of rules."""
    dup = np.append(np.linspace(0.12, 0.2, 10), [0.01] * 490)
    needs = _needs(ratio=np.append([0.01] * 10, np.linspace(0.12, 0.3, 490)), dup=dup)
    long = np.arange(500) < 10
    ratio, _ = _stands(needs, [[0.301, 0.21]], np.where(long, 5000.0, 100.0), long)
    assert ratio < 0.301


def test_tokens_are_those_of_the_pool() -> None:
    """A long document of a language with little text counts as much as its share of that language's tokens."""
    needs = _needs(ratio=np.append([0.3], [0.01] * 999), dup=np.full(1000, 0.01))
    levels, tokens, one = needs.needs.max(axis=0), np.full(1000, 100.0), np.arange(1000) < 100
    long = np.arange(1000) == 0
    assert scales_beyond(needs, levels, tokens, long, [np.ones(1000, bool)], LOSE) == 0
    found = scales_beyond(needs, levels, tokens, long, [one, ~one], LOSE)
    assert found == pytest.approx(np.log(-np.log(0.1) * 0.01 / LOSE))


def _statutes(seed: int, documents: int = 2000) -> Sample:
    """Lengths with a heavy tail; the longer a document the more of it repeats, and the more words it has."""
    rng = np.random.default_rng(seed)
    tokens = (200 * (rng.pareto(1.3, documents) + 1)).round()
    dup = np.clip(0.02 * np.log(tokens) ** 1.5 * rng.beta(4, 6, documents), 0, 1)
    return sample(seed, documents, tokens=tokens, dup=dup, words=tokens.astype(np.int64))


def test_the_longest_documents_that_were_not_seen_are_kept() -> None:
    """Most tokens lie in few documents: the unseen half of the median sample loses no more than may be."""
    rules = [Rule("dup", "dup <= 0.15"), Rule("long", "words <= 20000")]
    found = [calibrate(_statutes(seed), None, rules, LOSE) for seed in range(15)]
    assert np.median([one.languages[0].judged.moved.token_share for one in found]) <= LOSE
    assert all(any("long documents hold" in note for note in one.notes) for one in found)
