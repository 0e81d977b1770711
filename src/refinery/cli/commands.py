"""The commands that check, plan, run and clean up. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refinery.cli.echo import echo, echo_json, echo_table, write
from refinery.cli.options import Definition, Json, Limit, Quiet, Roots, Work, roots_of
from refinery.cli.pandas import leave_out_pandas
from refinery.errors import counted
from refinery.executors.choose import Kind as Executors

if TYPE_CHECKING:
    from refinery.api.output import Output

app = typer.Typer(
    name="refinery",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Raw text in, a training set for a domain language model out, every decision on record."""


@app.command()
def run(
    definition: Definition,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Worker processes on this machine (default: one a core, fewer for little work)."
        ),
    ] = None,
    work: Work = None,
    root: Roots = None,
    executor: Annotated[
        Executors,
        typer.Option(help="Where units of work run; auto: ray in a Ray job or with RAY_ADDRESS, else local."),
    ] = Executors.AUTO,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The Ray cluster (default: RAY_ADDRESS, or one here)."),
    ] = None,
    limit: Limit = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a pipeline; what an earlier run of it finished is not done again."""
    from refinery.api import runs
    from refinery.text import kernel_cache
    from refinery.watch.show import show

    if note := kernel_cache.note():
        echo(f"note: {note}", err=True)
    planned = runs.plan(definition, work=work, roots=roots_of(root), limit=limit)
    try:
        with _sigterm_is_ctrl_c(), show(quiet=quiet, json=json) as listener:
            outputs = runs.run(
                planned, workers=workers, executor=executor.value, address=address, progress=listener
            )
    except KeyboardInterrupt:
        echo("Stopped. Run the same command again to go on from here.", err=True)
        raise typer.Exit(130) from None
    if json:
        manifests = {name: output.manifest.model_dump(mode="json") for name, output in outputs.items()}
        echo_json(manifests)
    above, told = set[str](), set[str]()  # what is printed once for several outputs
    for output in outputs.values():
        manifest = output.manifest
        _show(output, above, told, table=not (quiet or json))
        above |= {*manifest.sources, *manifest.stages}
        told |= {*manifest.notes, *manifest.warnings}
    if not (quiet or json):
        _show_recalled(outputs.values())


@contextmanager
def _sigterm_is_ctrl_c() -> Iterator[None]:
    """Batch systems and `ray job stop` send SIGTERM: the run then ends as it does for a person."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@app.command()
def check(definition: Definition, root: Roots = None) -> None:
    """Check a definition: every name, column, model and path; reports all problems at once."""
    leave_out_pandas()
    from refinery.api import runs
    from refinery.plan.licences import models_below

    planned = runs.check(definition, roots=roots_of(root))
    graph = planned.graph
    found = ", ".join(f"{name} ({len(planned.of(name))} shards)" for name in graph.sources)
    made = [", ".join(names) for names in (graph.stages, graph.outputs or graph.makings) if names]
    echo(f"{definition} is valid: {' -> '.join([found, *made])}")
    for name in graph.sources:
        for passed_over in planned.listed[name].passed_over:
            echo(f"source {name}: passed over: {passed_over}")
    for warning in planned.warnings:
        echo(f"warning: {warning}", err=True)
    ends = [graph.stage_of(output).name for output in graph.outputs]
    ends += [
        name
        for making in graph.makings.values()
        for part in graph.inputs_of(making).values()
        for name in part
    ]
    used = {above for end in ends if end in graph.stages for above in graph.ancestors(end)}
    for name in graph.stages:
        if name not in used:
            echo(f"note: the stage {name} leads to no output and no model")
    read = {*ends, *(name for stage in used for name in graph.stages[stage].sources)}
    read |= {name for stage in used for name in graph.stages[stage].against}
    for name in graph.definition.pipeline.sources:
        if name not in read:
            echo(f"note: the source {name} leads to no output and no model")
    for note in models_below(graph):
        echo(f"note: {note}")


@app.command()
def plan(
    definition: Definition,
    work: Work = None,
    root: Roots = None,
    limit: Limit = None,
    json: Annotated[
        bool, typer.Option("--json", help="What is to be made and what it takes, as JSON.")
    ] = False,
) -> None:
    """Show what a run would do: what is read, decided and written, what is there, and what it takes."""
    from refinery.api import runs
    from refinery.report.plan import plan_json, plan_tables

    planned = runs.plan(definition, work=work, roots=roots_of(root), limit=limit)
    if json:
        echo_json(plan_json(planned), indent=True)
        return
    for table in plan_tables(planned):
        echo_table(table)


@app.command()
def clean(
    definition: Definition,
    work: Work = None,
    force: Annotated[bool, typer.Option("--force", help="Remove it; without, it is only listed.")] = False,
    root: Roots = None,
) -> None:
    """List what lies in the work folder and no pipeline that has run there needs, or remove it."""
    from refinery.api import runs
    from refinery.report.clean import lines_of
    from refinery.run.clean import clean as clean_folder

    planned = runs.plan(definition, work=work, roots=roots_of(root))
    for line in lines_of(clean_folder(planned, lambda note: echo(note, err=True), force=force)):
        echo(line)
    for name, listed in planned.listed.items():
        for path, problem in listed.broken:
            echo(f"note: what was measured on {path} of {name} counts as not needed: {problem}", err=True)


@app.command()
def status(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            help="Work folder, the folder of the definition, or an output for its pipeline alone; or URL.",
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="All of it as JSON, a list.")] = False,
) -> None:
    """Show what each pipeline's last run does or how it ended; exit code 1 if one failed, was stopped or died."""
    from refinery.api.runs import place_of
    from refinery.report.status import status_text
    from refinery.watch.find_status import find_status

    found = find_status(place_of(folder))
    if json:
        echo_json([one.model_dump() for one in found], indent=True)
    else:
        write("\n\n".join(status_text(one) for one in found) + "\n")
    if any(one.state not in {"running", "finished"} for one in found):
        raise typer.Exit(1)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the files.")] = Path(),
) -> None:
    """Write a commented pipeline.yaml for the files that lie in a folder, and its schema for editors."""
    from refinery.api.init import init as make_definition

    file = make_definition(folder, progress=lambda what: echo(f"looking at {what}", err=True))
    echo(f"Written to {file}")
    echo(f"Next: refinery check {file}, refinery run {file} --limit 1000")


@app.command()
def rules(
    name: Annotated[str, typer.Argument(metavar="NAME", help="gopher, sw, fineweb2/swh_Latn, a path, ...")],
) -> None:
    """Print a rule set as a file of rules, to read it or to write one of your own."""
    from refinery.filters.rule_set_file import as_file
    from refinery.filters.rules import load_rule_set

    write(as_file(load_rule_set(name)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of pipeline definitions, for editors."""
    from refinery.api.init import schema as schema_of_definitions

    write(schema_of_definitions().decode() + "\n")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the demo.")],
    quiet: Quiet = False,
) -> None:
    """Make a small data repository from text on this machine and run its pipeline, which trains a model."""
    from refinery.demo import make_repository

    definition = make_repository(folder)
    if not quiet:
        echo(f"{folder} holds documentation found on this machine and {definition.name}.")
        echo()
    run(definition, workers=1, executor=Executors.LOCAL, quiet=quiet)
    if not quiet:
        echo(f"Change {definition} and run it again: refinery run {definition}")


@app.command()
def version() -> None:
    """Print the version."""
    from refinery import __version__

    echo(__version__)


def _show_recalled(outputs: Iterable[Output]) -> None:
    """The rounds by which models of the outputs were made, once a model."""
    from refinery.report.recall import recalled_tables

    models = {name: found for output in outputs for name, found in output.manifest.recalled.items()}
    for name, found in models.items():
        for table in recalled_tables(name, found):
            echo_table(table)


def _show(output: Output, above: Collection[str], told: Collection[str], *, table: bool) -> None:
    """The funnel of an output, and, on standard error whatever is asked for, what could not be read.

    above: sources and stages that another funnel has shown; told: notes and warnings that another output had.
    """
    manifest = output.manifest
    if table:
        from rich.console import Console

        from refinery.report.funnel import funnel
        from refinery.report.parts import part_tables, verb_tables

        echo_table(funnel(manifest, Console().width, above))
        by_verbs = (one for stage, made in manifest.tables.items() for one in verb_tables(stage, made))
        for one in (*part_tables(manifest), *by_verbs):
            echo_table(one)
    for kind, messages in (("note", manifest.notes), ("warning", manifest.warnings)):
        for message in messages:
            if message not in told:
                echo(f"{kind}: {message}", err=True)
    rejected = sum(source.rejected for source in manifest.sources.values())
    broken = sum(len(source.broken) for source in manifest.sources.values())
    unread = [f"{counted(rejected, 'row')} {'were' if rejected > 1 else 'was'} rejected"] if rejected else []
    unread += [f"{counted(broken, 'file')} could not be read"] if broken else []
    if unread:
        echo(f"{' and '.join(unread)}: see {output.records}/rejects-*.parquet", err=True)
    if table:
        echo(f"The documents are in {output.path}, their records in {output.records}")
