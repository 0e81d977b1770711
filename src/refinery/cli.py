"""The command line: parses, calls, renders. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refinery.executors.choose import Kind as Executors

if TYPE_CHECKING:
    from refinery.api.output import Output
    from refinery.models.card import Card

app = typer.Typer(
    name="refinery",
    help="Raw text in, a training set for a domain language model out, every decision on record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
train = typer.Typer(help="Train the models that a pipeline scores with.", no_args_is_help=True)
app.add_typer(train, name="train")

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
Positive = Annotated[
    list[str], typer.Option(help="Documents of the domain: file, folder, glob or URL; may be repeated.")
]
ModelFolder = Annotated[Path, typer.Option(help="Folder for the model and the definition that makes it.")]
TextColumn = Annotated[str, typer.Option(help="Name of the text column.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no table, errors and warnings only.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Progress as JSON lines on stderr, the result as JSON on stdout.")
]


@app.command()
def run(
    definition: Definition,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes on this machine (default: one a core).")
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
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a pipeline; what an earlier run of it finished is not done again."""
    from refinery.api import runs
    from refinery.watch.show import show

    planned = runs.plan(definition, work=work, roots=_roots(root))
    try:
        with _sigterm_is_ctrl_c(), show(quiet=quiet, json=json) as listener:
            outputs = runs.run(
                planned, workers=workers, executor=executor.value, address=address, progress=listener
            )
    except KeyboardInterrupt:
        typer.echo("Stopped. Run the same command again to go on from here.", err=True)
        raise typer.Exit(130) from None
    if json:
        import orjson

        manifests = {name: output.manifest.model_dump(mode="json") for name, output in outputs.items()}
        typer.echo(orjson.dumps(manifests))
    for output in outputs.values():
        _show(output, table=not (quiet or json))


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
    from refinery.api import runs

    planned = runs.check(definition, roots=_roots(root))
    graph = planned.graph
    found = ", ".join(f"{name} ({len(planned.of(name))} shards)" for name in graph.sources)
    made = [", ".join(names) for names in (graph.stages, graph.outputs or graph.makings) if names]
    typer.echo(f"{definition} is valid: {' -> '.join([found, *made])}")
    for name in graph.sources:
        for passed_over in planned.listed[name].passed_over:
            typer.echo(f"source {name}: passed over: {passed_over}")
    for warning in planned.warnings:
        typer.echo(f"warning: {warning}", err=True)
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
            typer.echo(f"note: the stage {name} leads to no output and no model")


@app.command()
def plan(definition: Definition, work: Work = None, root: Roots = None) -> None:
    """Show what a run would do: passes, shards, bands and their recall, what is cached."""
    from rich.console import Console

    from refinery.api import runs
    from refinery.report.plan import plan_tables

    for table in plan_tables(runs.plan(definition, work=work, roots=_roots(root))):
        Console().print(table)


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

    planned = runs.plan(definition, work=work, roots=_roots(root))
    for line in lines_of(clean_folder(planned, lambda note: typer.echo(note, err=True), force=force)):
        typer.echo(line)
    for name, listed in planned.listed.items():
        for path, problem in listed.broken:
            typer.echo(
                f"note: what was measured on {path} of {name} counts as not needed: {problem}", err=True
            )


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
        import orjson

        typer.echo(orjson.dumps([one.model_dump() for one in found], option=orjson.OPT_INDENT_2))
    else:
        typer.echo("\n\n".join(status_text(one) for one in found))
    if any(one.state not in {"running", "finished"} for one in found):
        raise typer.Exit(1)


@app.command()
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


_REDIS = ("redis://", "rediss://", "unix://")


@app.command()
def schema() -> None:
    """Print the JSON Schema of pipeline definitions, for editors."""
    import orjson

    from refinery.definition.models import pipeline_model
    from refinery.definition.registry import VERBS
    from refinery.definition.schema import json_schema
    from refinery.filters.registry import MEASURERS, TRANSFORMS
    from refinery.filters.rules import built_in_rule_sets

    pipeline = pipeline_model(VERBS.settings())
    found = json_schema(pipeline, TRANSFORMS.settings(), MEASURERS.settings(), built_in_rule_sets())
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the demo.")],
    quiet: Quiet = False,
) -> None:
    """Make a small data repository from text on this machine and run its pipeline, which trains a model."""
    from refinery.demo import make_repository

    definition = make_repository(folder)
    if not quiet:
        typer.echo(f"{folder} holds documentation found on this machine and {definition.name}.\n")
    run(definition, workers=1, executor=Executors.LOCAL, quiet=quiet)
    if not quiet:
        typer.echo(f"Change {definition} and run it again: refinery run {definition}")


@train.command("relevance")
def train_relevance_command(
    positive: Positive,
    negative: Annotated[
        list[str], typer.Option(help="Other documents: file, folder, glob or URL; may be repeated.")
    ],
    out: ModelFolder,
    text: TextColumn = "text",
    precision: Annotated[
        float, typer.Option(min=0.01, max=1, help="Precision of the suggested threshold.")
    ] = 0.9,
    seed: Annotated[int, typer.Option(min=0, help="The same documents and seed give the same model.")] = 1,
) -> None:
    """Train a classifier of a domain's documents; the model card says how good it is."""
    from refinery.models.card import resolve

    parts = {"positive": positive, "negative": negative}
    _train(out, "train", parts, text, {"precision": precision, "seed": seed})
    _, card = resolve(out)
    if card:
        typer.echo(f"{out}: {_held_out(card)}. See {out}/card.md.")


@train.command("importance")
def train_importance_command(
    positive: Positive,
    raw: Annotated[
        list[str], typer.Option(help="Ordinary text: file, folder, glob or URL; may be repeated.")
    ],
    out: ModelFolder,
    text: TextColumn = "text",
) -> None:
    """Count hashed n-grams of a domain and of ordinary text, for importance weights (DSIR); no training loop."""
    _train(out, "importance", {"positive": positive, "raw": raw}, text, {})
    typer.echo(f"Written to {out}")


def _train(out: Path, kind: str, parts: dict[str, list[str]], text: str, settings: dict[str, object]) -> None:
    """Makes a model by a definition of its own in `out`."""
    from refinery.api import runs
    from refinery.run.training import take_model, write_definition

    definition = write_definition(out, kind, parts, text, settings)
    run(definition, executor=Executors.LOCAL)
    take_model(runs.plan(definition), "model", out)


@app.command()
def version() -> None:
    """Print the version."""
    from refinery import __version__

    typer.echo(__version__)


def main() -> None:
    """Entry point: a user's mistake or a failed run is one message and an exit code, never a traceback."""
    sys.exit(_guarded(lambda: app(standalone_mode=True)))


def _guarded(command: Callable[[], None]) -> int:
    from refinery.errors import DefinitionError, RefineryError

    try:
        command()
    except DefinitionError as error:
        for problem in error.problems:  # those of a file begin with their place in it
            typer.echo(f"error: {problem}" if problem.startswith("--") else problem, err=True)
        return error.exit_code
    except RefineryError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    return 0


def _show(output: Output, *, table: bool) -> None:
    """The funnel of an output, and, on standard error whatever is asked for, what could not be read."""
    manifest = output.manifest
    if table:
        from rich.console import Console

        from refinery.report.funnel import funnel

        console = Console()
        console.print(funnel(manifest, console.width))
    for note in manifest.notes:
        typer.echo(f"note: {note}", err=True)
    for warning in manifest.warnings:
        typer.echo(f"warning: {warning}", err=True)
    rejected = sum(source.rejected for source in manifest.sources.values())
    broken = sum(len(source.broken) for source in manifest.sources.values())
    if rejected or broken:
        unread = f"{rejected:,} rows were rejected and {broken} files could not be read"
        typer.echo(f"{unread}: see {output.records}/rejects-*.parquet", err=True)
    if table:
        typer.echo(f"Written to {output.path}, its records to {output.records}")


def _held_out(card: Card) -> str:
    """How good a model is, in a sentence."""
    half = card.at_half
    found = f"precision {half.precision:.3f} and recall {half.recall:.3f} on held-out documents at 0.5"
    if card.suggested is None:
        return f"{found}; no threshold reaches precision {card.wanted_precision}"
    best = card.suggested
    reached = f"precision {best.precision:.3f}, recall {best.recall:.3f}"
    return f"{found}; suggested threshold {best.threshold:.3f} ({reached})"


def _roots(given: list[str] | None) -> dict[str, str]:
    """The roots that are given on the command line, by name."""
    from refinery.errors import DefinitionError

    roots = {}
    for root in given or ():
        name, sign, path = root.partition("=")
        if not sign or not path:
            raise DefinitionError(f"--root {root}: expected NAME=PATH, such as data=s3://bucket")
        roots[name] = path
    return roots
