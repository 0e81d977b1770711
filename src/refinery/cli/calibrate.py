"""`refinery calibrate`: thresholds of rules moved so that trusted text stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refinery.cli.echo import echo, echo_json, echo_table
from refinery.cli.options import Quiet, Roots, Work, roots_of

if TYPE_CHECKING:
    from refinery.filters.calibration.account import Calibration
    from refinery.run.calibrating import Request

DEFAULT_LOSE = "1%"


def calibrate(
    definition: Annotated[
        Path | None,
        typer.Argument(
            metavar="PIPELINE.yaml",
            help="A definition whose sources or stages --trusted and --junk name; files without one.",
        ),
    ] = None,
    trusted: Annotated[
        list[str] | None,
        typer.Option(
            help="Text that must stay: source or stage, or file, folder, glob or URL; may be repeated."
        ),
    ] = None,
    junk: Annotated[list[str] | None, typer.Option(help="Text that should go, likewise.")] = None,
    rules: Annotated[
        str, typer.Option(metavar="SETS", help="Rule sets by name or path: gopher,fineweb.")
    ] = "",
    lose: Annotated[
        str, typer.Option(metavar="SHARE", help="Share of text like the trusted that may be lost.")
    ] = DEFAULT_LOSE,
    out: Annotated[Path | None, typer.Option(help="Rule file to write.")] = None,
    measure: Annotated[
        str, typer.Option(metavar="MEASURERS", help="What the rules read.")
    ] = "language,signals",
    text: Annotated[str, typer.Option(help="Name of the text column of files.")] = "text",
    work: Work = None,
    root: Roots = None,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="What was moved and what it costs, as JSON.")] = False,
) -> None:
    """Loosen the thresholds of rules until trusted text stays, and write them as a rule file.

    Without --trusted: what the stages of a definition that calibrate have found in its last run.
    """
    from refinery.run.calibrating import Request, write_rule_file

    request = Request(trusted or (), junk or (), _names(rules), _names(measure), lose)
    found = _calibrations(definition, request, text, work, roots_of(root), quiet=quiet)
    _refuse_several(out, found)
    if json:
        echo_json({name: one.model_dump(mode="json") for name, one in found.items()}, indent=True)
    else:
        _show(found)
    for one in found.values() if out else ():
        write_rule_file(one, out or Path())
        if not json:
            echo(f"Written to {out}")


def _names(text: str) -> list[str]:
    """Of a list with commas."""
    return [name for one in text.split(",") if (name := one.strip())]


def _show(found: dict[str, Calibration]) -> None:
    from refinery.report.calibration import calibration_tables

    for stage, one in found.items():
        for table in calibration_tables(one, stage):
            echo_table(table)


def _calibrations(
    definition: Path | None,
    request: Request,
    text: str,
    work: str | None,
    roots: dict[str, str],
    *,
    quiet: bool,
) -> dict[str, Calibration]:
    """What is asked for by stage; raises DefinitionError where that is not said, or not known."""
    from refinery.api import runs
    from refinery.errors import DefinitionError
    from refinery.run.calibrating import calibrations_of, of_files, of_sources

    if request.trusted:
        if not request.rules:
            raise DefinitionError("--rules: name the rule sets whose thresholds are to be moved")
        if definition:
            loaded = of_sources(request, runs.load(definition, roots=roots), roots)
        else:
            loaded = of_files(request, text, Path.cwd())
        runs.run(loaded, work=work, progress=not quiet)
        return calibrations_of(runs.plan(loaded, work=work))
    if definition is None:
        raise DefinitionError("--trusted: name the files of text that must stay, or give a definition")
    found = calibrations_of(runs.plan(definition, work=work, roots=roots))
    if not found:
        raise DefinitionError(f"{definition}: no stage has been calibrated: run it first, or give --trusted")
    return found


def _refuse_several(out: Path | None, found: dict[str, Calibration]) -> None:
    """Raises DefinitionError for a rule file of several stages."""
    from refinery.errors import DefinitionError

    if out and len(found) > 1:
        raise DefinitionError(f"--out: {', '.join(found)} are calibrated, and a file holds the rules of one")
