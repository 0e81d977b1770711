"""What the command line writes: lines whose names are shown as text, JSON, tables.

A reader that goes away (`| head -1`) is no failure: the rest is not shown and the command ends as it would have. What
else keeps standard output from being written is an error; standard error that cannot be written stops nothing.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING, TextIO

import typer

from refinery.errors import OutputError
from refinery.watch.printable import json_text, printable

if TYPE_CHECKING:
    from rich.console import RenderableType


def echo(line: str = "", *, err: bool = False) -> None:
    """Writes one line; raises OutputError when standard output cannot be written."""
    write(printable(line) + "\n", err=err)


def echo_json(value: object, *, indent: bool = False) -> None:
    """Writes JSON to standard output; raises OutputError when that cannot be written."""
    write(json_text(value, indent=indent) + "\n")


def echo_table(table: RenderableType) -> None:
    """Writes a table of rich's, a text as it is; raises OutputError when standard output cannot be written."""
    from rich.console import Console

    if isinstance(table, str):
        echo(table)
        return
    console = Console()  # its own way with a closed pipe is exit code 1
    with console.capture() as captured:
        console.print(table)
        # at its end rich writes what is left, which is nothing, yet a full disk refuses that too
        console.file = StringIO()
    write(captured.get())


def write(text: str, *, err: bool = False) -> None:
    """Writes text that is safe to show; raises OutputError when standard output cannot be written."""
    stream = sys.stderr if err else sys.stdout
    if stream is None:
        return
    try:
        typer.echo(text, nl=False, err=err)
    except UnicodeEncodeError:
        typer.echo(text.encode(stream.encoding, "backslashreplace"), nl=False, err=err)
    except OSError as error:
        _discard(stream)
        if not (err or isinstance(error, BrokenPipeError)):
            raise OutputError(f"standard output cannot be written: {error.strerror}") from None


def _discard(stream: TextIO) -> None:
    """What is still in the stream's buffer, and all that follows, goes nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
