"""The tables that are joined to sources: read once, and put in order where units look them up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from refinery.errors import InputError, StorageError
from refinery.plan.plan import Plan
from refinery.run.make import commit_made, find_made
from refinery.sources.column_settings import Join
from refinery.sources.documents import REJECT_BYTES
from refinery.sources.heads import HEAD_ROWS
from refinery.sources.join_files import read_joined_table
from refinery.sources.joined_table import TABLE, write_joined_table
from refinery.sources.read import read_documents
from refinery.sources.source_columns import NO_MATCH
from refinery.storage.url import redact


def make_joined_tables(plan: Plan, tell: Callable[[str], None]) -> None:
    """Makes those that are not there; tells of each, and of one whose keys are not those of the documents.

    Raises InputError for a table that cannot be joined, DamagedFile for one that is not as it was written.
    """
    for source in plan.listed:
        specs = (planned.spec for planned in plan.of(source)[:1])
        for join in (join for spec in specs for join in spec.joins):
            if join.table is None or find_made(join.table):
                continue
            table = read_joined_table(source, join)
            with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
                write_joined_table(Path(folder) / TABLE, table)
                commit_made(join.table, Path(folder))
            name = ", ".join(map(redact, join.path))
            tell(f"{name}: {len(table):,} keys are joined to {source}{_unlike(plan, source, join)}")


def _unlike(plan: Plan, source: str, join: Join) -> str:
    """What to say when no document at the beginning of a source has a row: its keys are written in another way."""
    spec = replace(plan.of(source)[0].spec, where=None, joins=(replace(join, reject=True),))
    first = next(plan.listed[source].unpacked())
    batch = None
    with suppress(InputError, StorageError):  # a file that cannot be read is told where it is measured
        batch = next(iter(read_documents(first, spec, batch_bytes=HEAD_ROWS * REJECT_BYTES)), None)
    unmatched = [reject for reject in batch.rejects if reject.reason == NO_MATCH] if batch else []
    if batch is None or len(batch.rows) or not unmatched:
        return ""
    return f"; none of them is that of one of the first {len(unmatched):,} documents: {unmatched[0].detail}"
