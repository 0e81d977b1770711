"""A run in the terminal."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live

from refinery.watch.bars import Bars, Folded, draw, fold
from refinery.watch.events import Note, Phase, RunBegun, Share, Subject, UnitBegun, UnitEnded
from refinery.watch.progress import Line

LINES = (
    Line("source", "journals", "done", 16_000, None, "measure", 4, 4, 1.0, 900, 4, 14.2),
    Line(
        "source",
        "archive_of_everything_else",
        "working",
        32_000,
        None,
        "measure",
        7,
        15,
        0.5,
        822,
        3.2,
        9,
        430,
    ),
    Line("stage", "screened", "done", 48_000, 44_100, "decide", 19, 19, 1.0, 126_446, 0, 1.3),
    Line("stage", "unique", "working", 44_100, None, "dedup alike among themselves", 3, 8, 0.4, 0, 0, 5),
    Line("stage", "corpus"),
    Line("output", "corpus"),
)


def drawn(lines, width, height):
    return [text.plain.rstrip() for text in draw(lines, width, height)]


def test_a_line_for_each_source_stage_and_output():
    """What came, what was kept, the time that is left or what was taken, the rate and the phase."""
    assert drawn(LINES, 80, 24) == [
        "                            in    kept",
        "source  journals        16,000          took 0:14",
        "source  archive_of_ev…  32,000          7:10 left     822 docs/s  measure 7/15",
        "stage   screened        48,000  44,100  took 0:01",
        "stage   unique          44,100          time unknown  dedup 3/8",
        "stage   corpus                          waiting",
        "output  corpus                          waiting",
    ]


def test_a_wide_terminal_has_bars_and_speeds():
    """And whole names, up to a length."""
    reading, _, dedup = drawn(LINES, 120, 24)[2:5]
    assert reading.startswith(
        "source  archive_of_everything_e…  32,000          7:10 left     ━━━━━─────  822 docs/s"
    )
    assert reading.endswith("  measure 7/15  3.2 MB/s")
    assert dedup.endswith("  time unknown  ━━━━──────  dedup 3/8")


def test_a_narrow_and_short_one_has_what_matters():
    """No heading, what is done in one line, and what waits in one where that is not enough."""
    assert drawn(LINES, 40, 5) == [
        "2 done: journals, screened",
        "archive_of_…  32,000  7:10 left",
        "unique        44,100  time unknown",
        "corpus                waiting",
        "corpus                waiting",
    ]
    assert drawn(LINES, 40, 4)[-1] == "2 waiting: corpus, corpus"


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40)
counts = st.none() | st.integers(0, 10**11)
lines = st.lists(
    st.builds(
        Line,
        st.sampled_from(["source", "stage", "output"]),
        names,
        st.sampled_from(["waiting", "working", "done", "stopped"]),
        counts,
        counts,
        st.sampled_from(["measure", "dedup alike among themselves"]),
        st.integers(0, 99),
        st.integers(0, 99_999),
        st.floats(0, 1),
        st.floats(0, 1e6),
        st.floats(0, 1e4),
        st.floats(0, 1e6),
        st.none() | st.floats(0.001, 1e7),
    ),
    max_size=30,
    unique_by=lambda line: (line.kind, line.name),
)


@given(lines=lines, width=st.integers(20, 130), height=st.integers(1, 30))
def test_never_more_than_the_terminal_has(lines, width, height):
    """Neither lines nor columns, whatever the names and numbers."""
    texts = list(draw(lines, width, height))
    assert len(texts) <= height
    assert all(text.cell_len <= width and "\n" not in text.plain for text in texts)
    assert bool(texts) == bool(lines)


@given(lines=lines, height=st.integers(4, 40))
def test_every_line_is_there_or_folded(lines, height):
    """In the definition's order, and folded only where there is no room; those that are worked on come last."""
    rows = fold(lines, height)
    alone = [row for row in rows if isinstance(row, Line)]
    folded = {row.state: row.names for row in rows if isinstance(row, Folded)}
    rest = iter(lines)
    assert all(row in rest for row in alone)
    for state in ("waiting", "working", "done", "stopped"):
        there = [row.name for row in alone if row.state == state] + list(folded.get(state, ()))
        assert sorted(there) == sorted(line.name for line in lines if line.state == state)
    assert len(rows) == min(len(lines), height) if not folded else len(rows) <= height < len(lines)
    if "working" in folded:
        assert all(sum(row.state == state for row in alone) <= 1 for state in ("waiting", "done"))


def test_in_a_terminal_lines_are_drawn_anew():
    """Ten lines are enough for twenty stages, and notes stand above; the cursor never goes up further than that."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=40, height=10, color_system=None)
    bars = Bars(console)
    subjects = tuple(Subject("stage", f"s{n}") for n in range(20))
    with Live(bars, console=console, auto_refresh=False) as live:
        bars(RunBegun(subjects))
        for subject in subjects:
            bars(Phase("decide", 1, 1, 1, (Share(subject, 1, 1),)))
            bars(UnitBegun("decide", "a", 1, 1, (subject,)))
            live.refresh()
            bars(UnitEnded("decide", "a", 1, 1, (subject,)))
            bars(Note(f"[{subject.name}] is a note"))
    text = out.getvalue()
    assert [f"[s{n}] is a note" in text for n in range(20)] == [True] * 20
    ups = [len(re.findall(r"\x1b\[1A", frame)) for frame in text.split("\r")]
    assert 5 < max(ups) < 10
    assert "12 working: s8, s9" in text


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
def test_nothing_to_do_draws_nothing(size):
    """But the note that says so."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=size[0], height=size[1], color_system=None)
    bars = Bars(console)
    with Live(bars, console=console, auto_refresh=False):
        bars(Note("Nothing to do"))
    plain = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]|\r", "", out.getvalue())
    assert plain == "Nothing to do\n"
