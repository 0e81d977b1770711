"""The tables that are joined to sources: read once, and put in order where units look them up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from refinery.errors import InputError, StorageError
from refinery.plan.plan import Plan
from refinery.run.context import Run
from refinery.run.make import commit_made, find_made
from refinery.sources.column_settings import Join
from refinery.sources.documents import REJECT_BYTES
from refinery.sources.heads import HEAD_ROWS
from refinery.sources.join_files import read_joined_table
from refinery.sources.joined_table import TABLE, nulled_in, write_joined_table
from refinery.sources.read import read_documents
from refinery.sources.source_columns import NO_MATCH
from refinery.storage.url import redact
from refinery.watch.events import Subject


def make_joined_tables(plan: Plan, tell: Callable[[str], None]) -> None:
    """Makes those that are not there, and tells of each.

    Raises InputError for a table that cannot be joined, DamagedFile for one that is not as it was written.
    """
    for source, join in _joins(plan):
        if join.table is None or find_made(join.table):
            continue
        table = read_joined_table(source, join)
        with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
            write_joined_table(Path(folder) / TABLE, table)
            commit_made(join.table, Path(folder))
        tell(f"{_name(join)}: {len(table):,} keys are joined to {source}")


def warn_of_joined_tables(run: Run) -> None:
    """Warns of values of another type, which are NULL, and of keys that are not those of the documents."""
    for source, join in _joins(run.plan):
        of, kinds = Subject("source", source), {column.name: column.type for column in join.columns}
        for column, count in sorted(nulled_in(join).items()):
            wrong = f"{count:,} {'is' if count == 1 else 'are'} no {kinds[column]}"
            run.warn(of, f"{_name(join)}: NULL, of a wrong type: {column} ({wrong})")
        if unlike := _unlike(run.plan, source, join):
            run.warn(of, f"{_name(join)}: {unlike}")


def unmatched(run: Run, source: str) -> dict[str, int]:
    """Documents of a source without a row of a joined table, by the columns that are NULL for it.

    Counted as the files are read first: nothing is known of a table that has changed since.
    """
    records = [run.records[planned.number] for planned in run.plan.of(source)]
    found = {
        ", ".join(column.name for column in join.columns): sum(
            record.unmatched.get(join.identity, 0) for record in records
        )
        for of, join in _joins(run.plan)
        if of == source
    }
    return {columns: count for columns, count in found.items() if count}


def warn_of_unmatched(run: Run, sources: Iterable[str]) -> None:
    """Warns of documents of sources that have been read without a row of a joined table."""
    for source in sources:
        documents = sum(run.records[planned.number].documents for planned in run.plan.of(source))
        for columns, count in unmatched(run, source).items():
            message = (
                f"{count:,} of {documents:,} documents have no row in the joined table: NULL in {columns}"
            )
            run.warn(Subject("source", source), message)


def _joins(plan: Plan) -> Iterator[tuple[str, Join]]:
    for source in plan.listed:
        for planned in plan.of(source)[:1]:
            for join in planned.spec.joins:
                yield source, join


def _name(join: Join) -> str:
    return ", ".join(map(redact, join.path))


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
    return f"it has no row for any of the first {len(unmatched):,} documents; {unmatched[0].detail}"
