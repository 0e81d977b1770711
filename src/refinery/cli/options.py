"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Definition = Annotated[Path, typer.Argument(metavar="PIPELINE.yaml", help="The pipeline definition.")]
Work = Annotated[
    str | None,
    typer.Option(
        help="Folder or URL for measurements and decisions (default: .refinery beside the definition)."
    ),
]
Roots = Annotated[
    list[str] | None,
    typer.Option(
        "--root", metavar="NAME=PATH", help="Folder or URL for a root of the definition; may be repeated."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", min=1, help="A sample of N documents of each source, with outputs of its own."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no table, errors and warnings only.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Progress as JSON lines on stderr, the result as JSON on stdout.")
]


def roots_of(given: list[str] | None) -> dict[str, str]:
    """The roots that are given on the command line, by name; raises DefinitionError for one without a path."""
    from refinery.errors import DefinitionError

    roots = {}
    for root in given or ():
        name, sign, path = root.partition("=")
        if not sign or not path:
            raise DefinitionError(f"--root {root}: expected NAME=PATH, such as data=s3://bucket")
        roots[name] = path
    return roots
