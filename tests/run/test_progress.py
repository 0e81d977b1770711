"""Progress in its forms."""

import io

import orjson
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import Progress as RichProgress

from refinery.errors import RunError
from refinery.executors.base import Attempt, Unit
from refinery.run.progress import Bars, JsonLines, Several, Silent, progress


def work_through(one):
    """Two phases, the first in two steps, with a failed attempt."""
    one.start("measure", 1, 100)
    one.begun(Unit("a", None, 100), 1)
    one.ended(Unit("a", None, 100), 1, Attempt(RunError("no answer")), 0)
    one.begun(Unit("a", None, 100), 2)
    one.ended(Unit("a", None, 100), 2, Attempt(None), 5)
    one.start("measure", 1, 50)
    one.ended(Unit("b", None, 50), 1, Attempt(None), 2)
    one.start("decide", 1, 1)
    one.note("b is [made] again")


def test_json_lines_are_for_programs():
    """Phases, finished units and notes; a failed attempt is none of them."""
    stream = io.StringIO()
    work_through(JsonLines(stream))
    found = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in found] == ["phase", "unit", "phase", "unit", "phase", "note"]
    unit = {"phase": "measure", "done": 1, "units": 1, "documents": 5, "bytes": 100}
    assert unit.items() <= found[1].items()
    assert found[-1]["message"] == "b is [made] again"


def test_a_phase_in_steps_is_one_bar():
    """Its total grows; a failed attempt moves nothing; a note is printed as it is."""
    out = io.StringIO()
    with RichProgress(BarColumn(), console=Console(file=out, force_terminal=False)) as shown:
        work_through(Bars(shown))
        bars = [(bar.description, bar.completed, bar.total) for bar in shown.tasks]
    assert bars == [("measure", 150, 150), ("decide", 0, 1)]
    assert "b is [made] again" in out.getvalue()


def test_several_are_told_the_same():
    """Each of them, in order."""
    streams = io.StringIO(), io.StringIO()
    work_through(Several((Silent(), *map(JsonLines, streams))))
    first, second = (
        [orjson.loads(line) | {"time": 0} for line in stream.getvalue().splitlines()] for stream in streams
    )
    assert first == second != []


def test_the_flags_choose(capsys):
    """JSON before quiet; neither writes to standard output."""
    for quiet, json, lines in ((False, True, 6), (True, True, 6), (True, False, 0)):
        with progress(quiet=quiet, json=json) as chosen:
            work_through(chosen)
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", lines)
