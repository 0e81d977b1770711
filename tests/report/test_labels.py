"""What labels say, for people."""

from rich.console import Console

from refinery.labels.compare import compare_scores
from refinery.labels.threshold import find_threshold
from refinery.report.labels import compare_report, threshold_report
from tests.labels.files import labels_of


def lines(parts) -> list[str]:
    console = Console(width=150)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return captured.get().splitlines()


def test_the_last_line_is_the_rule(tmp_path):
    """Above it the share that passes, the cuts, what was chosen and from where on it is certain."""
    labels = labels_of(tmp_path, [(900, [(n / 300, n > 99 or n % 9 == 0) for n in range(300)])])
    shown = lines(threshold_report(find_threshold(labels)))
    assert shown[0].startswith("300 labels stand for 900 documents; 70.7 % (65.3 to 75.5) of them pass")
    assert shown[-1] == "score >= 0.27"
    assert shown[-3].startswith("the greatest recall with precision 0.9: precision 92.")
    assert shown[-2].startswith("the interval lies above that precision from score >= 0.")
    assert any("│ >= 0.27" in line for line in shown)
    assert lines(threshold_report(find_threshold(labels, beta=0.1)))[-2].startswith(
        "the greatest F-beta, beta 0.1: "
    )


def test_a_precision_that_no_cut_reaches(tmp_path):
    """The best of the table is told."""
    labels = labels_of(tmp_path, [(90, [(n, n % 3 == 0) for n in range(60)])])
    shown = lines(threshold_report(find_threshold(labels, precision=0.9)))
    assert shown[-1].startswith("no cut reaches precision 0.9; the best of the table is score >= ")


def test_scores_and_their_pairs(tmp_path):
    """A row each; one score alone has no pair; notes stand above."""
    strata = [(90, [(n, n % 3 != 0 and n > 20) for n in range(60)]), (50, [(1, None)])]
    labels = labels_of(tmp_path, strata, other=[n % 7 for n in range(61)])
    shown = lines(compare_report(compare_scores(labels)))
    assert "note: stratum 2 has no label: its 50 documents are left out" in shown
    assert any(line.startswith("│ score, other │") for line in shown)
    assert not any("NMI" in line for line in lines(compare_report(compare_scores(labels, ["score"]))))
