"""`refinery budget`: how many tokens and epochs a model of a given size should see."""

from __future__ import annotations

from typing import Annotated

import typer

from refinery.cli.echo import echo, echo_json, echo_table
from refinery.cli.options import Roots, roots_of


def budget(
    params: Annotated[
        list[str], typer.Option(metavar="N", help="Parameters of a model, such as 1.3B; may be repeated.")
    ],
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A definition that was run, its folder, or an output's; or URL."),
    ] = None,
    unique: Annotated[
        str | None, typer.Option(metavar="N", help="Unique tokens, in place of a run: 2B.")
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(metavar="N", help="Tokens to train on (default: compute-optimal).")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only its published repeats: medical, code, math ...")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", metavar="NAME", help="Which output (default: the first).")
    ] = None,
    root: Roots = None,
    json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
) -> None:
    """Say how many tokens and epochs models should see of a corpus, by published laws, and for what it is enough."""
    from refinery.api.budget import budget as find_budget
    from refinery.report.budget import budget_tables, count_text

    found = find_budget(
        _corpus(run, unique),
        [_count("--params", one) for one in params],
        tokens=_count("--tokens", tokens) if tokens is not None else None,
        domain=domain,
        output=output,
        roots=roots_of(root),
    )
    if json:
        echo_json(found, indent=True)
        return
    echo(f"{count_text(found.unique)} unique tokens")
    for table in budget_tables(found):
        echo_table(table)


def _corpus(run: str | None, unique: str | None) -> str | int:
    """What is given of a run and of its unique tokens; raises DefinitionError unless it is one of them."""
    from refinery.errors import DefinitionError

    if (run is None) == (unique is None):
        raise DefinitionError("budget: give a run, or --unique 2B, one of them")
    return _count("--unique", unique) if unique is not None else str(run)


def _count(option: str, text: str) -> int:
    """A number such as 1.3B; raises DefinitionError."""
    from pydantic import TypeAdapter, ValidationError

    from refinery.definition.values import TokenCount
    from refinery.errors import DefinitionError

    try:
        return TypeAdapter[int](TokenCount).validate_python(text)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise DefinitionError(f"{option} {text}: {message}") from None
