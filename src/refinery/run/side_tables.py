"""The tables that are joined to sources: read once, and put in order where units look them up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from refinery.plan.plan import Plan
from refinery.run.make import commit_made, find_made
from refinery.sources.joined import TABLE, write_side_table
from refinery.sources.side_table import read_side_table
from refinery.storage.url import redact


def make_side_tables(plan: Plan, tell: Callable[[str], None]) -> None:
    """Makes those that are not there; tells of each.

    Raises InputError for a table that cannot be joined, DamagedFile for one that is not as it was written.
    """
    for source in plan.listed:
        specs = (planned.spec for planned in plan.of(source)[:1])
        for join in (join for spec in specs for join in spec.joins):
            if join.table is None or find_made(join.table):
                continue
            table = read_side_table(source, join)
            with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
                write_side_table(Path(folder) / TABLE, table)
                commit_made(join.table, Path(folder))
            tell(f"{', '.join(map(redact, join.path))}: {len(table):,} keys are joined to {source}")
