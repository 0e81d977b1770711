"""Recall on hosts that are all of the domain."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.labels.gold_hosts import SHARES, gold_cuts, read_hosts


def test_hosts_are_read_in_one_form(tmp_path: Path) -> None:
    """As hosts, as URLs of first pages, in other scripts; notes, blank lines and repeats are none."""
    file = tmp_path / "hosts.txt"
    file.write_text(
        "# gold\n\nWWW.Cancer.gov\nhttps://math.example.org/\n\u4e2d\u56fd.\u4e2d\u56fd\nwww.cancer.gov.\n",
        "utf-8",
    )
    assert read_hosts(file) == ("www.cancer.gov", "math.example.org", "xn--fiqs8s.xn--fiqs8s")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a.org\nb.org/math/\n", r"hosts.txt:2: 'b.org/math/' is no host"),
        (b"a.org\nhttps://b.org/math\n", r"hosts.txt:2: 'https://b.org/math' is no host"),
        (b"# none\n", "it has no host"),
        (b"\xff\xfe", "it is not UTF-8"),
    ],
)
def test_what_is_no_host_is_told(tmp_path: Path, content: bytes, problem: str) -> None:
    """With its line, and what to give."""
    (tmp_path / "hosts.txt").write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read_hosts(tmp_path / "hosts.txt")
    with pytest.raises(InputError, match="No such file"):
        read_hosts(tmp_path / "absent.txt")


@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=300),
    st.lists(st.floats(-1, 31), max_size=2),
)
def test_cuts_keep_no_more_than_the_shares(rows: list[tuple[int, bool]], limits: list[float]) -> None:
    """Shares are those of a count by hand, the strictest first; a share is passed only where values are equal."""
    values = np.array([value for value, _ in rows], float)
    gold = np.array([value for value, yes in rows if yes] or [0], float)
    cuts = gold_cuts("x", values, gold, limits)
    assert [cut.threshold for cut in cuts] == sorted((cut.threshold for cut in cuts), reverse=True)
    assert {*limits} <= {cut.threshold for cut in cuts}
    for cut in cuts:
        assert cut.kept == sum(value >= cut.threshold for value in values) / len(values)
        assert cut.recall == sum(value >= cut.threshold for value in gold) / len(gold)
    for share in SHARES:
        strictest = next(cut for cut in cuts if cut.kept >= np.floor(share * len(values)) / len(values))
        above = (values > strictest.threshold).sum()
        assert strictest.threshold in limits or above < max(share * len(values), 1)


def test_documents_without_a_value_are_kept_by_no_cut() -> None:
    """They count among all and among gold ones."""
    values = np.append(np.arange(50.0), np.full(50, -np.inf))
    cuts = gold_cuts("x", values, np.array([49.0, -np.inf]), [])
    assert max(cut.kept for cut in cuts) == 0.5 and {cut.recall for cut in cuts} == {0.5}
