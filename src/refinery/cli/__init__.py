"""The command line: parses, calls, renders. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable
from copy import copy
from pathlib import Path

from typer import Typer

from refinery.cli import label, look
from refinery.cli.budget import budget
from refinery.cli.calibrate import calibrate
from refinery.cli.commands import app
from refinery.cli.echo import echo
from refinery.cli.recall import recall
from refinery.cli.train import train
from refinery.executors.limits import one_thread, shortage

look.add_to(app)
label.add_to(app)
app.command()(budget)
app.command()(calibrate)
app.command()(recall)
app.add_typer(train, name="train")


def main() -> None:
    """Entry point: a user's mistake or a failed run is one message and an exit code, never a traceback."""
    one_thread()
    gc.set_threshold(300_000, 20, 20)  # to look through what is imported takes a tenth of a short command
    atexit.register(gc.freeze)  # and as much again at its end
    sys.exit(_guarded(lambda: _app_of(sys.argv[1:2])(standalone_mode=True)))


def _app_of(asked: list[str]) -> Typer:
    """The command that is asked for without the others, of which typer would take 25 ms to make its own."""
    found = [
        one for one in app.registered_commands if [one.name or getattr(one.callback, "__name__", "")] == asked
    ]
    if not found:
        return app
    alone = copy(app)
    alone.registered_commands, alone.registered_groups = found, []
    return alone


def _guarded(command: Callable[[], None]) -> int:
    from refinery.errors import DefinitionError, InputError, RefineryError

    try:
        command()
    except DefinitionError as error:
        for problem in error.lines():  # those of a file begin with their place in it
            echo(f"error: {problem}" if problem.startswith("--") else problem, err=True)
        return error.exit_code
    except InputError as error:  # the place may hold anything
        echo(f"error: {error}", err=True)
        return error.exit_code
    except RefineryError as error:
        for line in f"error: {error}".splitlines():
            echo(line, err=True)
        return error.exit_code
    except FileNotFoundError:
        if _here():
            raise
        echo("error: the current folder is not there any more: change to another one", err=True)
        return 2
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if (short := shortage(error)) is None:
            raise
        echo(f"error: {short}", err=True)
        return short.exit_code
    return 0


def _here() -> bool:
    """Whether the current folder is there."""
    try:
        return bool(Path.cwd())
    except FileNotFoundError:
        return False
