"""What a run takes, as people read it."""

from io import StringIO

from rich.console import Console

from refinery.report.cost import cost_tables
from refinery.run.cost import Estimate, Step


def test_the_estimate_fits_80_columns():
    """A line for each work, then time, disk and memory; where the rates come from is said."""
    steps = (Step("read and measure the sources", 12_000_000_000, 34 * 10**12, 86_400.0),)
    console = Console(width=80, file=StringIO())
    for runs in (0, 1, 7):
        for table in cost_tables(Estimate(steps, 90_000, 96, 10**12, 2 * 10**12, 10**9, 1.25, runs)):
            console.print(table)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "time: about 25 h with 96 workers, by 7 earlier runs here" in text
    assert "disk: about 1.0 TB more in the work folder, 2.0 TB of outputs" in text
    assert "memory: at most 1.0 GB a worker" in text
    assert "by rates of benchmarks" in text and "by 1 earlier run here" in text
