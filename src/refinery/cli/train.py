"""`refinery train`: models for several pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refinery.cli.commands import run
from refinery.cli.echo import echo
from refinery.executors.choose import Kind as Executors

if TYPE_CHECKING:
    from refinery.models.card import Card

train = typer.Typer(help="Train the models that a pipeline scores with.", no_args_is_help=True)

Positive = Annotated[
    list[str], typer.Option(help="Documents of the domain: file, folder, glob or URL; may be repeated.")
]
ModelFolder = Annotated[Path, typer.Option(help="Folder for the model and the definition that makes it.")]
TextColumn = Annotated[str, typer.Option(help="Name of the text column.")]


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
    from refinery.models.card_text import warnings

    parts = {"positive": positive, "negative": negative}
    _train(out, "train", parts, text, {"precision": precision, "seed": seed})
    _, card = resolve(out)
    if card:
        echo(f"{out}: {_held_out(card)}. See {out}/card.md.")
        for warning in warnings(card):
            echo(f"warning: {warning}", err=True)


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
    echo(f"Written to {out}")


@train.command("ngram")
def train_ngram_command(
    raw: Annotated[
        list[str], typer.Option(help="Ordinary text: file, folder, glob or URL; may be repeated.")
    ],
    out: ModelFolder,
    positive: Annotated[
        list[str] | None,
        typer.Option(help="Documents of the domain, as of `relevance`; none: a model of `raw`."),
    ] = None,
    text: TextColumn = "text",
    order: Annotated[int, typer.Option(min=2, max=8, help="Longest runs of words that are counted.")] = 5,
) -> None:
    """Count n-grams of a domain and of ordinary text, for cross-entropies (Moore and Lewis); no training loop."""
    from refinery.models.ngram_record import read_record

    _train(out, "ngram", {**({"positive": positive} if positive else {}), "raw": raw}, text, {"order": order})
    echo(f"{out}: {read_record(out).summary}. See {out}/ngrams.json.")


def _train(out: Path, kind: str, parts: dict[str, list[str]], text: str, settings: dict[str, object]) -> None:
    """Makes a model by a definition of its own in `out`."""
    from refinery.api import runs
    from refinery.run.generated import put_back
    from refinery.run.training import DEFINITION, take_model, write_definition

    with put_back(out / DEFINITION):
        definition = write_definition(out, kind, parts, text, settings)
        run(definition, executor=Executors.LOCAL)
    take_model(runs.plan(definition), "model", out)


def _held_out(card: Card) -> str:
    """How good a model is, in a sentence."""
    half = card.at_half
    found = f"precision {half.precision:.3f} and recall {half.recall:.3f} on held-out documents at 0.5"
    best = card.suggested
    reached = f"precision {best.precision:.3f}, recall {best.recall:.3f}"
    return f"{found}; suggested threshold {best.threshold:.3f} ({reached})"
