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
    from refinery.models.card import Card
    from refinery.plan.graph import Graph
    from refinery.plan.plan import Plan
    from refinery.run.manifest import Manifest
    from refinery.storage.place import Place

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
ShardSize = Annotated[
    int, typer.Option("--shard-mib", min=1, help="Cut larger files into shards of this size.")
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
    shard_mib: ShardSize = 256,
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
    from refinery.executors.choose import choose
    from refinery.run.run import execute
    from refinery.watch.show import show

    plan = _plan(definition, work, shard_mib, root)
    chosen = choose(executor, workers, address, len(plan.shards))
    try:
        with _sigterm_is_ctrl_c(), show(quiet=quiet, json=json) as listener:
            manifests = execute(plan, chosen, listener)
    except KeyboardInterrupt:
        typer.echo("Stopped. Run the same command again to go on from here.", err=True)
        raise typer.Exit(130) from None
    finally:
        chosen.close()
    if json:
        import orjson

        typer.echo(orjson.dumps({name: m.model_dump(mode="json") for name, m in manifests.items()}))
    for name, manifest in manifests.items():
        _show(manifest, plan.graph.output_paths[name], table=not (quiet or json))


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
    from refinery.run.folder import refuse_foreign

    planned = _plan(definition, None, 256, root)
    graph = planned.graph
    for name, folder in graph.output_paths.items():
        refuse_foreign(folder, graph.name, name)
    found = ", ".join(f"{name} ({len(planned.of(name))} shards)" for name in graph.sources)
    made = [", ".join(names) for names in (graph.stages, graph.outputs or graph.makings) if names]
    typer.echo(f"{definition} is valid: {' -> '.join([found, *made])}")
    used = {above for output in graph.outputs.values() for above in graph.ancestors(output.from_)}
    for name in graph.stages:
        if name not in used:
            typer.echo(f"note: the stage {name} leads to no output")


@app.command()
def plan(definition: Definition, work: Work = None, root: Roots = None, shard_mib: ShardSize = 256) -> None:
    """Show what a run would do: passes, shards, bands and their recall, what is cached."""
    planned = _plan(definition, work, shard_mib, root)
    from rich.console import Console

    from refinery.report.plan import plan_tables

    for table in plan_tables(planned):
        Console().print(table)


@app.command()
def clean(
    definition: Definition,
    work: Work = None,
    shard_mib: Annotated[
        int | None,
        typer.Option("--shard-mib", min=1, help="As it was given to the last run (default: that)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Remove it; without, it is only listed.")] = False,
    root: Roots = None,
) -> None:
    """List what lies in the work folder and no pipeline that has run there needs, or remove it."""
    from refinery.plan.needs import noted_needs
    from refinery.plan.plan import make_plan
    from refinery.report.clean import lines_of
    from refinery.run.clean import clean as clean_folder

    graph = _resolve(definition, root)
    folder = _work_folder(work, graph)
    before = noted_needs(folder).get(graph.name)
    size = shard_mib * 2**20 if shard_mib else before.shard_bytes if before else 256 * 2**20
    planned = make_plan(graph, folder, size)
    for line in lines_of(clean_folder(planned, force=force)):
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
            metavar="DIR", help="Work folder, output folder, or the folder of the definition; or URL."
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="The whole status as JSON.")] = False,
) -> None:
    """Show what a run is doing, or how it ended; exit code 1 if it failed, was stopped or died."""
    from refinery.report.status import status_text
    from refinery.watch.find_status import find_status

    found = find_status(_place(folder))
    typer.echo(found.model_dump_json(indent=2) if json else status_text(found))
    if found.state not in {"running", "finished"}:
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
    from refinery.errors import RunError
    from refinery.report import find as finding
    from refinery.report.questions import questions_of

    try:
        questions = questions_of(text)
        where = index if index is None or index.startswith(_REDIS) else _place(index)
        found = finding.find(_place(output), questions, threshold, where, lambda n: typer.echo(n, err=True))
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
    from refinery.run.training import take_model, write_definition

    definition = write_definition(out, kind, parts, text, settings)
    run(definition, executor=Executors.LOCAL)
    take_model(_plan(definition, None, 256), "model", out)


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


def _show(manifest: Manifest, folder: Place, *, table: bool) -> None:
    """The funnel of an output, and, on standard error whatever is asked for, what could not be read."""
    if table:
        from rich.console import Console

        from refinery.report.funnel import funnel

        console = Console()
        console.print(funnel(manifest, console.width))
    for note in manifest.notes:
        typer.echo(f"note: {note}", err=True)
    rejected = sum(source.rejected for source in manifest.sources.values())
    broken = sum(len(source.broken) for source in manifest.sources.values())
    if rejected or broken:
        unread = f"{rejected:,} rows were rejected and {broken} files could not be read"
        typer.echo(f"{unread}: see {folder}/rejects-*.parquet", err=True)
    if table:
        typer.echo(f"Written to {folder}")


def _held_out(card: Card) -> str:
    """How good a model is, in a sentence."""
    half = card.at_half
    found = f"precision {half.precision:.3f} and recall {half.recall:.3f} on held-out documents at 0.5"
    if card.suggested is None:
        return f"{found}; no threshold reaches precision {card.wanted_precision}"
    best = card.suggested
    reached = f"precision {best.precision:.3f}, recall {best.recall:.3f}"
    return f"{found}; suggested threshold {best.threshold:.3f} ({reached})"


def _resolve(definition: Path, roots: list[str] | None) -> Graph:
    from refinery.definition.load import load
    from refinery.plan.resolve import resolve

    return resolve(load(definition, dict(_root(given) for given in roots or ())))


def _root(given: str) -> tuple[str, str]:
    """Name and path of a root that is given on the command line, where paths count from the current directory."""
    from refinery.errors import DefinitionError
    from refinery.storage.url import is_url, local_path

    name, sign, path = given.partition("=")
    if not sign or not path:
        raise DefinitionError(f"--root {given}: expected NAME=PATH, such as data=s3://bucket")
    return name, path if is_url(path) else str(Path(local_path(path)).absolute())


def _plan(definition: Path, work: str | None, shard_mib: int, roots: list[str] | None = None) -> Plan:
    from refinery.plan.plan import make_plan

    graph = _resolve(definition, roots)
    return make_plan(graph, _work_folder(work, graph), shard_mib * 2**20)


def _place(text: str) -> Place:
    from refinery.storage.place import place_of
    from refinery.storage.url import is_url, local_path

    return place_of(text) if is_url(text) else Path(local_path(text)).absolute()


def _work_folder(work: str | None, graph: Graph) -> Place:
    from refinery.errors import InputError
    from refinery.storage.place import refuse_as_folder
    from refinery.storage.url import is_url, redact

    if work is None:
        return (graph.definition.base / ".refinery").absolute()
    refused = refuse_as_folder(work) if is_url(work) else ""
    if refused:
        raise InputError(redact(work), refused)
    return _place(work)
