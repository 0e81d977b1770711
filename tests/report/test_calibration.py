"""What people see of a calibration."""

from refinery.filters.calibration.fit import calibrate
from refinery.filters.rules import Rule
from refinery.report.calibration import calibration_tables, moved_thresholds
from refinery.report.grid import Grid
from tests.filters.calibration.samples import sample

RULES = [Rule("short", "words >= 50"), Rule("lined", "lines > 1")]
FOUND = calibrate(
    sample(1, 600, words=[20] * 60 + [80] * 540, lines=[9] * 600, tokens=[100] * 600),
    sample(2, 10, words=[10] * 10, lines=[9] * 10),
    RULES,
    0.01,
)


def test_moved_thresholds_stand_beside_what_was_published() -> None:
    """A row for each rule that moved, with what fails it before and after; both halves; junk; notes."""
    rules, losses, junk, *notes = calibration_tables(FOUND, "screened")
    assert isinstance(rules, Grid)
    assert isinstance(losses, Grid)
    assert rules.rows == [("short", "words >= 50", "20", "10.00% -> 0.00%", "10.00% -> 0.00%", "10 -> 10")]
    assert [row[1] for row in losses.rows] == ["moves", "unseen, judges"]
    assert junk == "junk: of 10 documents published rules drop 10, moved ones 10"
    assert notes == [f"note: {note}" for note in FOUND.notes]


def test_names_of_rules_have_their_moved_thresholds() -> None:
    """Those that stay, and rules that nothing calibrated, have none."""
    assert moved_thresholds(FOUND) == {"short": " (words >= 50 -> 20)"}
    assert moved_thresholds(None) == {}
