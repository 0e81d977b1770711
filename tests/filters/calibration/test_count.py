"""What a calibration tells, as counted by hand."""

from refinery.filters.calibration.account import Calibration
from refinery.filters.calibration.fit import calibrate
from refinery.filters.rules import Rule
from tests.filters.calibration.samples import sample

RULES = [Rule("long", "words BETWEEN 50 AND 900"), Rule("lined", "lines >= 2")]


def test_counts_of_each_rule_alone_and_together() -> None:
    """Documents that fail a rule, those that fail it alone, and what all rules lose; junk as it is dropped."""
    trusted = sample(1, 600, words=[20] * 60 + [100] * 540, lines=[1] * 3 + [5] * 597)
    junk = sample(2, 4, words=[5, 30, 100, 100], lines=[5, 5, 1, 5])
    found = calibrate(trusted, junk, RULES, 0.002)
    long, lined = found.rules
    assert (long.before.documents, long.before.only, lined.before.documents) == (60, 57, 3)
    assert long.before.tokens == int(trusted.tokens[:60].sum())
    assert [(one.published, one.moved) for one in long.thresholds] == [("50", "20"), ("900", "900")]
    assert (found.junk.documents, found.junk.published, found.junk.moved) == (4, 3, 1)  # type: ignore[union-attr]
    assert sum(one.fitted.published.lost + one.judged.published.lost for one in found.languages) == 60
    assert Calibration.model_validate_json(found.model_dump_json()) == found
