"""`refinery recall`: more documents of a domain out of a pool, by some of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from refinery.cli.commands import run
from refinery.cli.echo import echo
from refinery.cli.options import Quiet
from refinery.executors.choose import Kind as Executors


def recall(
    pool: Annotated[
        list[str], typer.Argument(metavar="POOL...", help="Files, folders, globs or URLs to find more in.")
    ],
    seeds: Annotated[
        list[str],
        typer.Option(
            help="Documents of the domain, 20 at least: file, folder, glob or URL; may be repeated."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the definition that does it and for its output.")],
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Rounds at most.")] = 1,
    tokens: Annotated[
        str | None,
        typer.Option(metavar="N", help="Keep the most relevant, to so many tokens beside the seeds: 2B."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The text column (default: found by its name).")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only documents of the pool in this language: en, zh.")
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A rule set for the pool, such as gopher; may be repeated."),
    ] = None,
    gold_hosts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Hosts or sites that are all of the domain, a line each: recall on them is told.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes on this machine.")] = None,
    executor: Annotated[Executors, typer.Option(help="Where units of work run.")] = Executors.AUTO,
    address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The Ray cluster (default: RAY_ADDRESS).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Find more documents like some seeds in a pool: writes a definition, runs it and tells each round."""
    from refinery.api import runs
    from refinery.api.recall import DEFINITION, MODEL, OUTPUT, write_recall
    from refinery.report.recall import next_steps
    from refinery.run.generated import put_back
    from refinery.run.recalled import moved_in, recalled_of

    with put_back(out / DEFINITION):
        file = write_recall(
            pool,
            seeds,
            out,
            rounds=rounds,
            tokens=tokens,
            text=text,
            lang=lang,
            rules=rules or (),
            gold_hosts=gold_hosts or (),
        )
        run(file, workers=workers, executor=executor, address=address, quiet=quiet)
    if quiet:
        return
    planned = runs.plan(file)
    found = recalled_of(planned)[MODEL]
    moved = moved_in(planned, MODEL, found.chosen)
    for line in next_steps(out, out / OUTPUT, found, moved.came_in_all if moved else 0):
        echo(line)
