"""A run in a notebook."""

from refinery.watch.cell import EVERY, Cell
from refinery.watch.events import (
    Finished,
    Note,
    Phase,
    RunBegun,
    RunEnded,
    Share,
    Subject,
    UnitBegun,
    UnitEnded,
)

CRAWL = Subject("source", "crawl")


class Shown:
    """What IPython's display was asked to show, one after the other."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, bundle, *, raw, display_id):
        assert raw and display_id
        self.update(bundle, raw=raw)
        return self

    def update(self, bundle, *, raw):
        self.texts.append(bundle["text/plain"])
        self.html = bundle["text/html"]


def test_the_cell_is_drawn_now_and_then_and_at_the_end():
    """Never more often than twice a second, at once for a note, and once more when the run has ended."""
    shown, now = Shown(), [10.0]
    cell = Cell(shown, lambda: now[0])
    cell(RunBegun((CRAWL,)))
    cell(Phase("measure", 9, 9, 1, (Share(CRAWL, 9, 9),)))
    for number in range(9):
        cell(UnitBegun("measure", str(number), 1, 1, (CRAWL,)))
        now[0] += EVERY / 4
        cell(UnitEnded("measure", str(number), 1, 1, (CRAWL,), documents=7))
    assert 3 <= len(shown.texts) <= 4
    assert "crawl" in shown.texts[-1]
    cell(Note("a <file> is made again"))
    assert shown.texts[-1].startswith("a <file> is made again\n")
    assert "a &lt;file&gt; is made again" in shown.html
    before = len(shown.texts)
    cell(Finished(CRAWL, 63))
    cell(RunEnded("finished"))
    assert len(shown.texts) == before + 1
    assert "63" in shown.texts[-1]
