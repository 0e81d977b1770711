"""The benchmark of calibrated rule sets."""

from dataclasses import replace

import numpy as np
import polars as pl
from calibration import judged, of_splits, sheets
from rule_losses import Corpus

COLUMNS = ("words", "lines", "tokens")


def _corpus(name: str, good: bool, least: int, documents: int = 800) -> Corpus:
    rng = np.random.default_rng(least)
    columns = {column: rng.integers(least, 400, documents) for column in COLUMNS}
    return Corpus(name, "en", good, pl.DataFrame(columns))


def test_the_unseen_halves_judge(tmp_path):
    """A row with junk seen and one without: both keep the good text, and tell how much junk still goes, by kind."""
    (tmp_path / "own.yaml").write_text('rules: {long: "words >= 100", lined: "lines >= 80"}\n')
    corpora = [_corpus("good", True, 60), _corpus("salad", False, 1), _corpus("repeated", False, 70)]
    found = list(judged(corpora, [str(tmp_path / "own.yaml")], 0.05))
    assert [one.junk_seen for one in found] == [True, False]
    for one in found:
        loss = one.found.languages[0].judged
        assert loss.published.share > 0.1
        assert loss.moved.interval[0] <= 0.05
        assert {kind: dropped <= before for kind, (before, dropped) in one.still.items()} == {
            "salad": True,
            "repeated": True,
        }
        assert one.worst.startswith("repeated")
    assert found[0].all_still >= found[1].all_still
    table, kinds = sheets(found, 0.05)
    assert [row[2] for row in table.rows] == ["yes", "no"]
    assert kinds.columns[3:] == ("salad", "repeated")


def test_splits_are_told_by_their_means(tmp_path):
    """Each has other halves; one row for all of a set, with the most that one loses."""
    (tmp_path / "own.yaml").write_text('rules: {long: "words >= 100"}\n')
    corpora = [_corpus("good", True, 60), _corpus("salad", False, 1)]
    found = list(judged(corpora, [str(tmp_path / "own.yaml")], 0.05, splits=3))
    shares = [one.loss.share for one in found]
    assert len(set(shares)) > 1
    (row,) = of_splits(found, 3, 0.05).rows
    assert row[:3] == ("good", str(tmp_path / "own.yaml"), "yes")
    assert row[3:5] == (round(100 * sum(shares) / 3, 2), round(100 * max(shares), 2))
    assert row[7] == sum(one.is_within(0.05) for one in found)


def test_a_language_rule_stands_above_a_set_without_some_rules(tmp_path):
    """Where `lang` is measured junk of other languages goes by it, whatever the set loses; !RULE leaves one out."""
    (tmp_path / "own.yaml").write_text('rules: {long: "words >= 100", lined: "lines >= 80"}\n')
    good, other = _corpus("good", True, 60), _corpus("other_language", False, 60)
    corpora = [
        replace(one, measured=one.measured.with_columns(lang=pl.lit(language)))
        for one, language in ((good, "en"), (other, "de"))
    ]
    found = next(judged(corpora, [f"{tmp_path / 'own.yaml'}!long"], 0.05))
    assert [rule.name for rule in found.found.rules] == ["language", "own.lined"]
    assert found.all_still == 1.0
