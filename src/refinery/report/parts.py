"""What verbs did: of a mix what was wanted of each part, what was there and what is written; tables of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from refinery.definition.values import as_percentage
from refinery.filters.verb import VerbTable
from refinery.report.budget import count_text
from refinery.report.grid import Grid
from refinery.run.manifest import Manifest

HEADINGS = (
    "part",
    "share",
    "wanted",
    "tokens there",
    "fresh",
    "repeated",
    "epochs",
    "most repeats",
)


def verb_tables(stage: str, tables: Iterable[VerbTable]) -> Iterator[Grid]:
    """What the verb of a stage tells of its settings or of what it did, a table each."""
    for one in tables:
        table = Grid(f"{stage}: {one.title}", tuple(one.columns))
        for row in one.rows:
            table.add(*row)
        yield table


def part_tables(manifest: Manifest) -> Iterator[Grid]:
    """A row a part; no table of an output that is not mixed."""
    if not manifest.parts:
        return
    total = sum(part.exposures for part in manifest.parts.values())
    table = Grid(f"{manifest.output}: parts, in tokens", HEADINGS)
    for name, part in manifest.parts.items():
        share = f"{part.exposures / total:.1%}" if total else ""
        counts = map(count_text, (part.tokens, part.kept.tokens, part.repeated.tokens))
        times = f"{part.epochs:.2f}", f"{part.largest} of {part.most_repeats}"
        table.add(name, share, as_percentage(part.share), *counts, *times)
    yield table
