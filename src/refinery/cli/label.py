"""Commands for labels of people: a sample to label, a cut from the labels, scores compared by them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from refinery.cli.echo import echo, echo_json, echo_table
from refinery.cli.look import OutputName, RunOf
from refinery.cli.options import Limit, Roots, Work, roots_of

LabelFile = Annotated[
    Path, typer.Argument(metavar="LABELS", help="A file of `refinery label`, with yes or no in `label`.")
]
Json = Annotated[bool, typer.Option("--json", help="All of it as JSON.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (label, threshold, compare):
        app.command()(command)


def label(
    run: RunOf,
    column: Annotated[
        list[str],
        typer.Option(help="A number of each document; may be repeated: the first makes the strata."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="A new file to label, .csv or .jsonl.")],
    near: Annotated[
        float | None,
        typer.Option(help="A cut about which more is drawn (default: the number that a rule compares with)."),
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=20, help="Documents that are drawn.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws other documents.")] = 0,
    chars: Annotated[int, typer.Option(min=1, max=32_767, help="Characters of each text.")] = 2000,
    stage: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Documents as they came to which stage (default: whose rule reads the column).",
        ),
    ] = None,
    output: OutputName = None,
    limit: Limit = None,
    work: Work = None,
    root: Roots = None,
) -> None:
    """Draw documents of a run for people to label: over all values of a column, more about a cut."""
    from refinery.api.label import label as draw

    found = draw(
        run,
        column,
        out,
        near=near,
        n=number,
        seed=seed,
        chars=chars,
        stage=stage,
        output=output,
        limit=limit,
        work=work,
        roots=roots_of(root),
    )
    about = f", half of them about {found.near:g}" if found.near is not None else ""
    came = f"of {found.documents:,} that came to {found.stage} and have a value of {column[0]}"
    echo(f"{out}: {len(found.rows):,} documents{about}, {came}")
    echo(f"Write yes or no in the column `label`, then: refinery threshold {out}")


def threshold(
    labels: LabelFile,
    column: Annotated[
        str | None, typer.Option(help="Which score (default: what the sample was drawn over).")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(help="That the cut reaches (default: 0.9, none with --beta).")
    ] = None,
    beta: Annotated[
        float | None, typer.Option(help="The cut of greatest F-beta; 0.1 asks for precision above all.")
    ] = None,
    json: Json = False,
) -> None:
    """Set a cut from labels, with intervals of precision and recall; exit code 1 if none reaches the precision."""
    from refinery.api.label import threshold as find
    from refinery.report.labels import threshold_report

    found = find(labels, column=column, precision=precision, beta=beta)
    if json:
        echo_json(found, indent=True)
    else:
        for part in threshold_report(found):
            echo_table(part)
    raise typer.Exit(0 if found.rule else 1)


def compare(
    labels: Annotated[
        Path | None,
        typer.Argument(metavar="LABELS", help="A file of `refinery label`, with yes or no in `label`."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="Which scores (default: all of the file); may be repeated."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="A run that measures them, of which their speed is timed on a sample."
        ),
    ] = None,
    gold_hosts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Hosts or sites that are all of the domain, a line each: recall in the run."
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Documents of the run as they came to which stage."),
    ] = None,
    output: OutputName = None,
    limit: Limit = None,
    work: Work = None,
    root: Roots = None,
    json: Json = False,
) -> None:
    """Compare scores: by labels AUC, average precision, what they share; in a run speed and recall on gold hosts."""
    from refinery.api.label import compare as judge
    from refinery.report.labels import compare_report

    found = judge(
        labels,
        columns or (),
        run=run,
        gold_hosts=gold_hosts,
        stage=stage,
        output=output,
        limit=limit,
        work=work,
        roots=roots_of(root),
    )
    if json:
        echo_json(found, indent=True)
        return
    for part in compare_report(found):
        echo_table(part)
