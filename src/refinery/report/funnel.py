"""The funnel: what went in, what each stage and rule took out, what is left, in documents, bytes and tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Table

from refinery.definition.models import Tokens
from refinery.report.calibration import moved_thresholds
from refinery.report.grid import cell
from refinery.sources.passed_over import few

if TYPE_CHECKING:
    from refinery.models.binomial import Estimate
    from refinery.run.decide import StageTally, Tally
    from refinery.run.manifest import Manifest, SourceAccount


NAMES = 12  # columns at least for names
# Columns that a terminal of so many characters has room for, beside one for names.
HEADINGS = {70: ("documents", "text", "tokens", "share"), 50: ("documents", "tokens"), 0: ("documents",)}


def funnel(manifest: Manifest, width: int = 80, above: Collection[str] = ()) -> Table:
    """One row a source, a stage and a rule that dropped something, with the columns that `width` has room for.

    above: sources and stages that another funnel of the run has shown, which are left out.
    """
    headings = next(headings for least, headings in HEADINGS.items() if width >= least)
    table = _empty(manifest, headings)

    def row(label: str, style: str | None = None, **cells: str) -> None:
        table.add_row(cell(label), *(cells.get(heading, "") for heading in headings), style=style)

    def counts(label: str, count: Tally, share: str = "", sign: str = "", style: str | None = None) -> None:
        text, tokens = f"{sign}{decimal(count.bytes)}", f"{sign}{count.tokens:,}"
        row(label, style, documents=f"{sign}{count.documents:,}", text=text, tokens=tokens, share=share)

    for name, source in manifest.sources.items():
        if name in above:
            continue
        row(f"source {name}", documents=f"{source.documents:,}", text=decimal(source.bytes))
        for label, style, documents in _not_documents(source):
            row(f"  {label}", style, documents=documents)
    for name, found in manifest.recalled.items():
        row(f"recall of {name}, sample", "dim", documents=f"({found.sample.pool:,})")
        for one in found.rounds:
            share = f"({one.recalled / max(found.sample.pool, 1):.1%})"
            row(f"  round {one.number}", "dim", documents=f"({one.recalled:,})", share=share)
    for name, source in manifest.protected.items():
        row(f"protected {name.removeprefix('protect:')}", "dim", documents=f"({source.documents:,})")
    for name, stage in manifest.stages.items():
        if name not in above:
            table.add_section()
            _add_stage(manifest, name, stage, row, counts)
    table.add_section()
    size, files = sum(file.bytes for file in manifest.files), len(manifest.files)
    counts(f"output ({decimal(size)} in {files} file{'s'[: files != 1]})", manifest.written, style="bold")
    return table


def _add_stage(
    manifest: Manifest, name: str, stage: StageTally, row: Callable[..., None], counts: Callable[..., None]
) -> None:
    """The rows of a stage: row and counts are those of `funnel`."""
    counts(f"stage {name}", stage.arrived)
    for source, removed in stage.removed.items():
        for rule, gone in removed.items():
            what = f"{gone.parts:,} cut, {gone.characters:,} characters"
            of = f" of {source}" if len(stage.removed) > 1 else ""
            texts = {"documents": f"({gone.documents:,})", "text": f"-{decimal(gone.bytes)}"}
            row(f"  {rule}{of}: {what}", "dim", **texts)
    moved = moved_thresholds(manifest.calibrated.get(name))
    for rule, account in stage.rules.items():
        if (dropped := account.dropped).documents:
            counts(f"  {rule}{moved.get(rule, '')}", dropped, _share(dropped, stage.arrived), "-")
        if known := manifest.suggested.get(name, {}).get(rule):
            row(f"    precision {_estimated(known.precision)}", "dim")
    counts("  kept", stage.kept, _share(stage.kept, stage.arrived), style="green")
    if (cut := stage.cut).documents:
        row("  cut", documents=f"({cut.documents:,})", text=f"-{decimal(cut.bytes)}")
    if (again := stage.repeated).documents:
        counts("  repeated", again, sign="+")


def _empty(manifest: Manifest, headings: tuple[str, ...]) -> Table:
    tokens = tokens_text(Tokens.model_validate(manifest.definition.get("tokens", {})))
    title, caption = f"{manifest.pipeline}: {manifest.output}", f"tokens: {tokens}"
    table = Table(title=cell(title), title_justify="left", header_style="bold", caption=cell(caption))
    table.add_column("", overflow="fold", min_width=NAMES)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def tokens_text(tokens: Tokens) -> str:
    """Whose tokens are counted, in words.

    >>> tokens_text(Tokens(family="gpt"))
    'estimated for tokenizers of the family gpt'
    """
    if tokens.tokenizer:
        return f"counted by {tokens.tokenizer}"
    return f"estimated for tokenizers of the family {tokens.family}"


def _not_documents(source: SourceAccount) -> Iterator[tuple[str, str, str]]:
    """What of a source is no document, or not as it was: words, style and number."""
    for reason, count in source.reasons.items():
        yield f"rejected: {reason}", "yellow", f"-{count:,}"
    for reason, count in source.skipped.items():
        yield f"no document: {reason}", "dim", f"({count:,})"
    for column, count in source.nulled.items():
        yield f"NULL, of a wrong type: {column}", "yellow", f"({count:,})"
    for columns, count in source.unmatched.items():
        yield f"NULL, no row to join: {columns}", "yellow", f"({count:,})"
    for passed_over in source.passed_over:
        yield f"passed over: {passed_over}", "dim", ""
    for what, _ in few([(broken.path, broken.problem) for broken in source.broken]):
        yield f"unreadable: {what}", "yellow", ""


def _estimated(precision: Estimate) -> str:
    return f"{precision.value:.2f} ({precision.low:.2f}-{precision.high:.2f})"


def _share(part: Tally, whole: Tally) -> str:
    return f"{100 * part.documents / whole.documents:.1f} %" if whole.documents else ""
