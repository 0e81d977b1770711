"""The funnel: what went in, what each stage and rule took out, what is left, in documents, bytes and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Table

if TYPE_CHECKING:
    from refinery.run.decide import Tally
    from refinery.run.manifest import Manifest


def funnel(manifest: Manifest) -> Table:
    """One row a source, a stage and a rule that dropped something."""
    table = Table(title=f"{manifest.pipeline}: {manifest.output}", title_justify="left", header_style="bold")
    table.add_column("", overflow="fold")
    for heading in ("documents", "text", "tokens", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, source in manifest.sources.items():
        table.add_row(f"source {name}", f"{source.documents:,}", decimal(source.bytes), "", "")
        for reason, count in source.reasons.items():
            table.add_row(f"  rejected: {reason}", f"-{count:,}", "", "", "", style="yellow")
        for reason, count in source.skipped.items():
            table.add_row(f"  no document: {reason}", f"({count:,})", "", "", "", style="dim")
        for broken in source.broken:
            table.add_row(f"  unreadable: {broken.path}", "", "", "", "", style="yellow")
    for name, stage in manifest.stages.items():
        table.add_section()
        _row(table, f"stage {name}", stage.arrived, "", "")
        for rule, account in stage.rules.items():
            if account.dropped.documents:
                share = f"{100 * account.dropped.documents / stage.arrived.documents:.1f} %"
                _row(table, f"  {rule}", account.dropped, share, "-")
        share = (
            f"{100 * stage.kept.documents / stage.arrived.documents:.1f} %" if stage.arrived.documents else ""
        )
        _row(table, "  kept", stage.kept, share, "", style="green")
    table.add_section()
    size = sum(file.bytes for file in manifest.files)
    _row(
        table,
        f"output ({decimal(size)} in {len(manifest.files)} file{'s'[: len(manifest.files) != 1]})",
        manifest.kept,
        "",
        "",
        style="bold",
    )
    return table


def _row(table: Table, label: str, count: Tally, share: str, sign: str, style: str | None = None) -> None:
    cells = (
        f"{sign}{count.documents:,}",
        f"{sign}{decimal(count.bytes)}",
        f"{sign}{count.tokens:,}",
        share,
    )
    table.add_row(label, *cells, style=style)
