"""Commands that look at what is there: documents of an output."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from refinery.cli.echo import echo, echo_json
from refinery.cli.options import Limit, Roots, Work, roots_of

if TYPE_CHECKING:
    from refinery.recall.account import Moved

RunOf = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A definition that was run, or the folder of an output; or URL."),
]
OutputName = Annotated[
    str | None,
    typer.Option("--output", metavar="NAME", help="On the way to which output (default: the first)."),
]
Json = Annotated[bool, typer.Option("--json", help="The answer as JSON, texts whole.")]
_REDIS = ("redis://", "rediss://", "unix://")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (show, explain, diff, find):
        app.command()(command)


def show(
    run: RunOf,
    dropped_by: Annotated[
        str | None,
        typer.Option(
            metavar="RULE", help="Those that a rule, a rule set or a stage dropped, or rejected rows."
        ),
    ] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Those that were kept.")] = False,
    near: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Those closest to the limit of a rule, or to VALUE of COLUMN=VALUE."
        ),
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="SQL", help="Those for which SQL over measured columns is true.")
    ] = None,
    round_: Annotated[
        int | None,
        typer.Option("--round", metavar="N", min=1, help="Those that a round of recall found or lost."),
    ] = None,
    came: Annotated[bool, typer.Option("--came", help="With --round: only those that came.")] = False,
    went: Annotated[bool, typer.Option("--went", help="With --round: only those that went.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --round: of which model (default: the first).")
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Documents that are shown.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws other documents.")] = 0,
    chars: Annotated[int, typer.Option(min=0, help="Characters of each text; 0: all of it.")] = 400,
    output: OutputName = None,
    limit: Limit = None,
    work: Work = None,
    root: Roots = None,
    json: Json = False,
) -> None:
    """Show documents of a run with the values that decided on them: a sample, the same for the same seed."""
    if round_ is not None:
        from refinery.api.recall import moved

        of_round = moved(run, round_, model=model, limit=limit, work=work, roots=roots_of(root))
        which = {True, False} if came == went else {came}
        _show_moved(of_round, which, number, chars, json)
        return
    from refinery.api import look
    from refinery.report.show import lines_of

    found = look.show(
        run,
        dropped_by=dropped_by,
        kept=kept,
        near=near,
        where=where,
        n=number,
        seed=seed,
        output=output,
        limit=limit,
        work=work,
        roots=roots_of(root),
    )
    if json:
        echo_json(found, indent=True)
        return
    for document in found:
        for line in lines_of(document, chars, _width()):
            echo(line)
        echo()
    echo(f"{len(found):,} document{'s'[: len(found) != 1]} shown")


def _show_moved(found: Moved, which: Collection[bool], number: int, chars: int, json: bool) -> None:
    """Documents that a round of recall found (True) or lost (False)."""
    from refinery.report.recall import moved_lines

    if json:
        echo_json(found.model_dump(mode="json"), indent=True)
        return
    for line in moved_lines(found, which, number, chars, _width()):
        echo(line)


def explain(
    run: RunOf,
    document: Annotated[
        str,
        typer.Argument(
            metavar="ID|TEXT", help="A document's id or PATH:ROW; or a text, which is measured here."
        ),
    ],
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="As a text of which source (default: the first).")
    ] = None,
    chars: Annotated[int, typer.Option(min=0, help="Characters of each text; 0: all of it.")] = 400,
    output: OutputName = None,
    limit: Limit = None,
    work: Work = None,
    root: Roots = None,
    json: Json = False,
) -> None:
    """Say all that was measured and decided on one document, and how it differs from the one kept instead."""
    from refinery.api import look
    from refinery.report.explanation import explanation_lines

    found = look.explain(
        run, document, source=source, output=output, limit=limit, work=work, roots=roots_of(root)
    )
    if json:
        echo_json(found, indent=True)
        return
    for line in explanation_lines(found, chars, _width()):
        echo(line)


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="RUN_A", help="A definition or folder, with @N for its run N; alone: its last two."
        ),
    ],
    after: Annotated[str | None, typer.Argument(metavar="RUN_B", help="The other run.")] = None,
    work: Work = None,
    root: Roots = None,
    json: Json = False,
) -> None:
    """Say what two runs differ in: the definition by field, and which documents moved, and why."""
    from refinery.api import look
    from refinery.report.diff import diff_lines

    found = look.diff(before, after, work=work, roots=roots_of(root))
    if json:
        echo_json(found, indent=True)
        return
    for line in diff_lines(found):
        echo(line)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def find(
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="Output folder of a finished run; or URL.")],
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE", help="What to look for; a .jsonl or .parquet file has a `text` in each row."
        ),
    ],
    threshold: Annotated[
        float, typer.Option(min=0.01, max=1, help="Jaccard similarity of shingles from which on it is shown.")
    ] = 0.8,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Documents shown of each text.")] = 10,
    index: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL", help="Where the index lies, or redis://... (default: OUTPUT.index)."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The answers as JSON.")] = False,
) -> None:
    """Say whether a text is in an output, as a copy or a near one; exit code 0 if it is, 1 if not, 2 for an error."""
    from refinery.api.runs import place_of
    from refinery.errors import RunError
    from refinery.report import find as finding
    from refinery.report.questions import questions_of

    try:
        questions = questions_of(text)
        where = index if index is None or index.startswith(_REDIS) else place_of(index)
        found = finding.find(place_of(output), questions, threshold, where, lambda n: echo(n, err=True))
    except RunError as error:
        echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if json:
        answers = [finding.json_of(answer, limit) for answer in found]
        echo_json(answers, indent=True)
    else:
        for line in (line for answer in found for line in finding.lines_of(answer, limit)):
            echo(line)
    raise typer.Exit(0 if any(answer.matches for answer in found) else 1)
