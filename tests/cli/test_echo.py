import os
import subprocess
import sys
from io import TextIOWrapper
from pathlib import Path

import pytest

from refinery.cli.echo import echo, echo_json, echo_table, write
from refinery.errors import OutputError
from refinery.report.grid import Grid

MAIN = "from refinery.cli import main; main()"


def refinery(
    *arguments: object, cwd: Path | None = None, **streams: object
) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", MAIN, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, text=True, timeout=60, check=False, **streams)


@pytest.fixture
def closed_pipe():
    """The end to write to of a pipe that nobody reads."""
    read, writing = os.pipe()
    os.close(read)
    with open(writing, "w") as stream:  # noqa: PTH123
        yield stream


def test_a_reader_that_goes_away_is_no_failure(closed_pipe, monkeypatch):
    """What follows is not shown either; nothing is left for the end of the process to write."""
    monkeypatch.setattr("sys.stdout", closed_pipe)
    echo("one")
    echo_json({"a": 1})
    echo_table(Grid("title", ("a",), [("b",)]))
    closed_pipe.flush()


def test_a_full_disk_is_told(monkeypatch):
    """Of standard output in words; standard error stops nothing."""
    with open("/dev/full", "w") as out, open("/dev/full", "w") as err:  # noqa: PTH123
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stderr", err)
        with pytest.raises(OutputError, match="standard output cannot be written: No space left on device"):
            echo("one")
        echo("two", err=True)


def test_a_full_disk_is_told_of_tables(monkeypatch):
    """Of a stream without a buffer too, which is asked to write nothing."""
    with open("/dev/full", "wb", 0) as raw, TextIOWrapper(raw, write_through=True) as out:  # noqa: PTH123
        monkeypatch.setattr("sys.stdout", out)
        with pytest.raises(OutputError, match="standard output cannot be written"):
            echo_table(Grid("title", ("a",), [("b",)]))


def test_what_the_encoding_of_a_stream_lacks_is_an_escape(tmp_path, monkeypatch):
    """As in a terminal of Latin-1; a closed stream is passed over."""
    with (tmp_path / "out").open("w", encoding="latin-1") as out:
        monkeypatch.setattr("sys.stdout", out)
        echo("é 文 \udce9")
    assert (tmp_path / "out").read_bytes() == b"\xe9 \\u6587 \\udce9\n"
    monkeypatch.setattr("sys.stdout", None)
    write("nothing")


def test_exit_codes_in_a_shell(tmp_path):
    """Of commands whose output nobody reads or nobody can write."""
    read, writing = os.pipe()
    os.close(read)
    cut = refinery("schema", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (cut.returncode, cut.stderr) == (0, "")
    with Path("/dev/full").open("w") as full:
        no_room = refinery("version", stdout=full, stderr=subprocess.PIPE)
        told_nobody = refinery("check", tmp_path / "nope.yaml", stdout=subprocess.PIPE, stderr=full)
    words = "error: standard output cannot be written: No space left on device\n"
    assert (no_room.returncode, no_room.stderr) == (1, words)
    assert (told_nobody.returncode, told_nobody.stdout) == (2, "")


def test_a_current_folder_that_is_gone_is_told(tmp_path, monkeypatch, refinery):
    """By commands that need it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for command in (("status", "."), ("init",)):
        words = "error: the current folder is not there any more: change to another one\n"
        assert refinery(*command) == (2, "", words)
    assert refinery("check", "p.yaml") == (2, "", "p.yaml: no such file\n")


def test_names_are_text_in_errors(tmp_path, refinery):
    """A key, a path, a rule: no control character reaches the terminal, no line is faked."""
    keys = '"\\e]0;pwn\\a": 1\n"a\\nerror: b": 2\n"\\u202Ec": 3\n'
    (tmp_path / "p.yaml").write_text(f"refinery: 1\nname: a\nsources: {{a: {{path: x}}}}\n{keys}")
    for path in (tmp_path / "p.yaml", tmp_path / "\x1b[2J\nx.yaml"):
        code, out, err = refinery("check", path)
        assert code == 2 and not out
        assert all(line.startswith(str(tmp_path)) for line in err.splitlines())
        assert not [c for c in err if c != "\n" and not c.isprintable()]
