"""Which listener the command line's flags ask for."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import orjson
import pytest

from refinery.watch.events import Finished, Note, Phase, RunBegun, Share, Subject, UnitBegun, UnitEnded
from refinery.watch.show import show

CRAWL, OUT = Subject("source", "crawl"), Subject("output", "unique")
EVENTS = (
    RunBegun((CRAWL, OUT)),
    Phase("measure", 1, 100, 1, (Share(CRAWL, 1, 100),)),
    UnitBegun("measure", "a", 1, 100, (CRAWL,)),
    UnitEnded("measure", "a", 1, 100, (CRAWL,), documents=5),
    Finished(CRAWL, 5),
    Note("b is [made] again"),
)


def work_through(listener):
    for event in EVENTS:
        listener(event)


def test_the_flags_choose(capsys):
    """JSON before quiet, which says nothing; none writes to standard output."""
    for quiet, json, lines in ((False, True, 6), (True, True, 6), (True, False, 0), (False, False, 2)):
        with show(quiet=quiet, json=json) as listener:
            work_through(listener)
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", lines)
        if json:
            assert orjson.loads(err.splitlines()[0])["event"] == "run_begun"


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 10)])
def test_in_a_terminal_lines_are_drawn(columns, rows):
    """A real one, of another process; it is left with the lines and its cursor."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    code = "from tests.watch.test_show import *\nwith show(quiet=False, json=False) as one: work_through(one)"
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(sys.path)}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, stdin=slave, stdout=slave, stderr=slave, check=False
    )
    os.close(slave)
    drawn = b""
    try:
        while found := os.read(master, 1 << 16):
            drawn += found
    except OSError:  # all of it was read
        pass
    os.close(master)
    assert done.returncode == 0
    assert drawn.rstrip().endswith(b"\x1b[?25h")
    lines = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", drawn.decode().replace("\r", "\n")).splitlines()
    assert "b is [made] again" in lines
    assert [line.split() for line in [line for line in lines if line][-2:]] == [
        ["source", "crawl", "5", "took", "0:00"],
        ["output", "unique", "waiting"],
    ]
    assert max(map(len, lines)) <= columns
