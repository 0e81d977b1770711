"""No report lets a name command the terminal, be taken for markup or vanish."""

from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from refinery.report.document import Document
from refinery.report.funnel import funnel
from refinery.report.grid import Grid
from refinery.report.parts import HEADINGS
from refinery.report.show import lines_of
from refinery.report.status import status_text
from refinery.run.manifest import Manifest
from refinery.watch.bars import Bars
from refinery.watch.cell import Cell
from refinery.watch.events import Note, RunBegun, Subject
from refinery.watch.plain import PlainLines
from refinery.watch.printable import printable
from refinery.watch.status import InFlight, Status

PIECES = [*"ab[]/:\\文", "[/b]", "[red]", ":smile:", *"\x1b\x07\n\r\x9b\u202e\u2028\udce9"]
NAMES = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: f"<{''.join(pieces)}>")


def shown(thing: object, width: int) -> str:
    console = Console(width=width, file=StringIO(), force_terminal=False)
    console.print(thing)
    return console.file.getvalue()


def unfolded(text: str) -> str:
    """What stands in a text, without the table around it and the ends of its lines."""
    return "".join(c for c in text if c not in "│┃ \n")


def is_safe(text: str) -> bool:
    return all(c == "\n" or printable(c) == c for c in text)


@given(NAMES, st.sampled_from([20, 40, 59, 60, 80]))
def test_a_table_holds_its_texts_whole(name, width):
    """Markup, emoji codes and controls are text in titles, headings and cells, in any width."""
    text = shown(Grid("t", ("", name), [("", name)]), width)
    assert is_safe(text)
    assert all(line[:8] in unfolded(text) for line in map(printable, name.split("\n")))


NUMBERS = ("70.0%", "70%", "999M", "12.3B", "1.9B", "3.11", "4 of 4")


@pytest.mark.parametrize("name", ["all", "journals_of_medicine", "文" * 40])
def test_no_short_word_of_a_table_breaks(name):
    """Neither of its headings nor of its cells, in 80 columns; a long word does, if anything is to."""
    text = shown(Grid("t", HEADINGS, [(name, *NUMBERS), ("web", *NUMBERS)]), 80)
    assert "┃" in text and all(len(line) <= 80 for line in text.splitlines())
    assert {*" ".join((*HEADINGS[1:], *NUMBERS)).split()} <= {*text.split()}


def test_a_table_whose_words_would_break_is_a_list():
    """With too many columns of them."""
    headings = tuple(f"heading_{n:03}" for n in range(8))
    assert "heading_007: x" in shown(Grid("t", headings, [("x",) * 8]), 80)
    assert "┃" in shown(Grid("t", headings[:5], [("x",) * 5]), 80)


@pytest.fixture(scope="module")
def manifest(tiny_run) -> Manifest:
    """Of an output of the run."""
    return Manifest.model_validate(orjson.loads((tiny_run.parent / "out.records/manifest.json").read_bytes()))


@given(name=NAMES)
@settings(max_examples=40)
def test_every_report_shows_names_as_text(name, manifest):
    """The funnel, documents, the status, the bars, plain lines and a notebook's cell."""
    crawl = manifest.sources["crawl"].model_copy(update={"reasons": {name: 1}, "nulled": {name: 2}})
    text = shown(funnel(manifest.model_copy(update={"sources": {"crawl": crawl}, "pipeline": name})), 80)
    assert is_safe(text) and printable(name.split("\n")[0]) in unfolded(text)
    assert is_safe("\n".join(lines_of(_document(name), 0, 40)))
    flight = (InFlight(unit=name, attempt=1, since=0),)
    status = Status(state="failed", pipeline=name, pid=1, host=name, started=0, updated=0, message=name)
    assert is_safe(status_text(status.model_copy(update={"in_flight": flight, "log": name})))
    assert is_safe("".join(_watched(name)))


def _document(name: str) -> Document:
    return Document(
        source="s",
        path=name,
        row=0,
        id=name,
        outcome="dropped",
        stage="s",
        rule=name,
        failed=(name,),
        limits={name: name},
        values={name: name},
        duplicate_of=None,
        similarity=None,
        text=name,
    )


def _watched(name: str) -> Iterator[str]:
    """What a person sees of a run with that name, in a terminal, elsewhere and in a notebook."""
    stream, console, cells = StringIO(), Console(width=80, file=StringIO()), []

    def display(content: dict[str, str], **_: object) -> SimpleNamespace:
        cells.append(content["text/plain"])
        return SimpleNamespace(update=display)

    bars = Bars(console)
    for listener in (PlainLines(stream), bars, Cell(display)):
        listener(RunBegun((Subject("source", name),)))
        listener(Note(name))
    console.print(bars)
    yield from (stream.getvalue(), console.file.getvalue(), *cells)
