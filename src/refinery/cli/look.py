"""Commands that look at what is there: documents of an output."""

from __future__ import annotations

from typing import Annotated

import typer

_REDIS = ("redis://", "rediss://", "unix://")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (find,):
        app.command()(command)


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
        found = finding.find(place_of(output), questions, threshold, where, lambda n: typer.echo(n, err=True))
    except RunError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if json:
        import orjson

        answers = [finding.json_of(answer, limit) for answer in found]
        typer.echo(orjson.dumps(answers, option=orjson.OPT_INDENT_2))
    else:
        for line in (line for answer in found for line in finding.lines_of(answer, limit)):
            typer.echo(line)
    raise typer.Exit(0 if any(answer.matches for answer in found) else 1)
