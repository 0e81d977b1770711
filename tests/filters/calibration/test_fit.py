"""Thresholds moved by trusted text."""

import numpy as np
import pytest

from refinery.errors import DefinitionError
from refinery.filters.calibration.fit import calibrate
from refinery.filters.calibration.rule_file import moves
from refinery.filters.calibration.sample import Sample, failed
from refinery.filters.rules import Rule
from tests.filters.calibration.samples import sample

RULES = [
    Rule("long", "words >= 50"),
    Rule("ratio", "ratio <= 0.1"),
    Rule("lines", "lines > 3"),
]


def _trusted(seed: int, documents: int = 4000, **more: object) -> Sample:
    rng = np.random.default_rng(seed)
    columns = {
        "words": rng.integers(30, 400, documents),
        "ratio": rng.beta(1, 30, documents).astype(np.float32),
        "lines": rng.integers(1, 40, documents),
    }
    return sample(seed, documents, **{**columns, **more})


def _junk(documents: int = 500) -> Sample:
    rng = np.random.default_rng(99)
    return sample(
        99,
        documents,
        words=rng.integers(1, 60, documents),
        ratio=rng.beta(1, 9, documents).astype(np.float32),
        lines=rng.integers(10, 40, documents),
    )


def _moved(found: object) -> list[Rule]:
    return [Rule(name, predicate) for name, predicate in found.predicates.items()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_unseen_half_is_kept(seed: int) -> None:
    """The bound of the fitting half is at most what may be lost, and text that was not seen loses about as much."""
    trusted = _trusted(seed)
    found = calibrate(trusted, _junk(), RULES, 0.02)
    (language,) = found.languages
    assert language.fitted.published.share > 0.02
    assert language.fitted.moved.interval[1] < 0.025
    assert language.fitted.moved.most_tokens <= 0.02
    assert language.judged.moved.interval[0] <= 0.02
    assert failed(trusted, _moved(found)).any(axis=1).sum() == (
        language.fitted.moved.lost + language.judged.moved.lost
    )


def test_thresholds_are_only_loosened() -> None:
    """Every document that passes a published rule passes the moved one; what passes anyway moves nothing."""
    trusted = _trusted(1)
    found = calibrate(trusted, None, RULES, 0.01)
    before, after = failed(trusted, RULES), failed(trusted, _moved(found))
    assert not (after & ~before).any()
    assert calibrate(trusted, None, RULES, 0.5).predicates == {rule.name: rule.predicate for rule in RULES}


def test_junk_is_dropped_by_the_thresholds_that_stay() -> None:
    """With junk that one rule drops, that rule moves less than without any."""
    trusted = _trusted(2)
    alone = calibrate(trusted, None, RULES, 0.05)
    found = calibrate(trusted, _junk(), RULES, 0.05)
    assert found.junk is not None
    assert found.junk.moved >= failed(_junk(), _moved(alone)).any(axis=1).sum()
    assert found.junk.moved <= found.junk.published


def test_languages_are_judged_each() -> None:
    """No language with enough documents loses more, however few of all they are; few are judged with others."""
    few, many = 400, 4000
    words = np.concatenate([np.full(many, 100), np.full(few, 20), np.full(20, 100)])
    languages = ["en"] * many + ["de"] * few + ["fr"] * 20
    documents = len(words)
    trusted = sample(3, documents, words=words, lang=languages)
    found = calibrate(trusted, None, RULES[:1], 0.3)
    assert found.predicates == {"long": "words >= 20"}
    assert [(one.language, one.judged.moved.lost) for one in found.languages] == [("en", 0), ("de", 0)]
    assert any("fr 20" in note for note in found.notes)


def test_languages_that_no_rule_judges_are_told() -> None:
    """All of the trusted text is an error, a part a note, unless a rule judges every language."""
    english = Rule("long", "lang NOT IN ('en', 'und') OR (words >= 50)")
    languages = ["zh"] * 900 + ["ru"] * 100
    with pytest.raises(DefinitionError, match="no rule judges any trusted document: they are zh 900, ru 100"):
        calibrate(sample(5, 1000, words=20, lang=languages), None, [english], 0.05)
    mixed = sample(5, 1000, words=60, lang=["en"] * 900 + ["ru"] * 100)
    (told,) = [note for note in calibrate(mixed, None, [english], 0.05).notes if "judges" in note]
    assert told == "no rule judges 100 trusted documents: they are ru 100, the rules judge en"
    everything = calibrate(mixed, None, [english, *RULES[:1]], 0.05)
    assert not any("judges" in note for note in everything.notes)


def test_too_few_documents_are_told() -> None:
    """Of so few that no loss could be told all are kept, and a note says so."""
    found = calibrate(_trusted(1, 100), None, RULES, 0.01)
    assert found.languages[0].fitted.moved.lost == 0
    assert any("too few" in note for note in found.notes)


def test_rules_without_thresholds_count_and_are_told() -> None:
    """What they lose is part of what may be lost; where it is more, thresholds move for the other documents."""
    names = np.where(np.arange(4000) % 200 == 0, "bad", "good")
    trusted = _trusted(4, name=names)
    rules = [*RULES, Rule("named", "name <> 'bad'")]
    found = calibrate(trusted, None, rules, 0.02)
    assert found.languages[0].fitted.moved.interval[1] < 0.025
    assert any("no threshold to move: named" in note for note in found.notes)
    strict = calibrate(trusted, None, rules, 0.003)
    assert any("whatever the thresholds are" in note for note in strict.notes)
    others = trusted.only(names != "bad")
    assert failed(others, _moved(strict)).any(axis=1).mean() < 0.006


def test_a_threshold_stops_at_the_end_of_what_is_measured() -> None:
    """A share at 1, a count at 0: they can no longer fail, which is told. Of other columns nothing is known."""
    documents = 400  # so few that all are kept
    number = np.arange(documents)
    share = np.where(number % 10 == 0, 0.5 + number / documents / 2, 0.01)
    trusted = sample(6, documents, dup_line_frac=share, own=share, sentences=(share < 0.5) * 3)
    predicates = {"dup": "dup_line_frac <= 0.3", "own": "own <= 0.3", "few": "sentences >= 2"}
    rules = [Rule(name, predicate) for name, predicate in predicates.items()]
    found = calibrate(trusted, None, rules, 0.01)
    assert found.predicates["dup"] == "dup_line_frac <= 1" and found.predicates["few"] == "sentences >= 0"
    assert float(found.predicates["own"].split()[-1]) > 1
    assert [one.thresholds[0].is_void for one in found.rules] == [True, False, True]
    assert list(moves(found.rules[0])) == ["dup_line_frac <= 0.3 -> 1, can no longer fail"]
