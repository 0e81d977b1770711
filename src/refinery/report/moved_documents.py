"""Which documents of two runs have another fate.

Where a source's files are the same in both runs, a document is told by its place; else by its identity (`run.fates`):
its own id or its text, so that files may be renamed, cut and put into another order. Documents of one identity stand
for each other: as many as have one fate in both runs have not moved. Those that are left over are paired in the
order of their fates, and what finds none was not read in the other run.

Fates are compared a part of the identities at a time, so memory does not grow with the corpus.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

import polars as pl

from refinery.run.fates import FATES, read_fates
from refinery.storage.place import Place
from refinery.storage.tables import row_count

PART_ROWS = 1 << 21  # that are compared together
NOT_READ = "not read"
_KEY = ["source", "key"]
_EMPTY = pl.DataFrame(schema=pl.DataFrame(FATES.empty_table()).schema)


def sources_without_identity(before: Sequence[Place], after: Sequence[Place]) -> set[str]:
    """Sources with rows of which the identity is not kept; raises DamagedFile."""
    found: set[str] = set()
    for file in (*before, *after):
        for frame in _frames(file):
            found.update(frame.filter(pl.col("identity").is_null())["source"].unique())
    return found


def moved_documents(
    before: Sequence[Place], after: Sequence[Place], by_place: Collection[str]
) -> Iterator[pl.DataFrame]:
    """Documents by both fates, `before` and `after`, with the place of one in the later run that read them.

    by_place: sources in which documents are told by it. Columns: source, path, row, before, after, and for how many
    `documents` of one identity it stands; never the same fate twice. Raises DamagedFile.
    """
    parts = -(-sum(map(row_count, (*before, *after))) // PART_ROWS)
    for part in range(parts):
        then, now = (_fates(files, part, parts, by_place) for files in (before, after))
        yield _pair(_left(then, now), _left(now, then))


def _frames(file: Place) -> Iterator[pl.DataFrame]:
    for batch in read_fates(file):
        yield pl.DataFrame(pl.from_arrow(batch))


def _fates(files: Sequence[Place], part: int, parts: int, by_place: Collection[str]) -> pl.DataFrame:
    """Documents of a part by source, key and fate, in this order, with their number and the place of the first."""
    place = pl.struct("path", "row").hash()
    key = pl.when(pl.col("source").is_in(by_place)).then(place).otherwise("identity")
    keyed = [
        frame.select("source", "path", "row", key=key, fate=_fate()).filter(pl.col("key") % parts == part)
        for frame in chain([_EMPTY], *map(_frames, files))
    ]
    grouped = (
        pl.concat(keyed)
        .group_by(*_KEY, "fate")
        .agg(pl.first("path", "row"), documents=pl.len().cast(pl.Int64))
    )
    return grouped.sort(*_KEY, "fate")


def _fate() -> pl.Expr:
    return (
        pl.when(pl.col("repeats") > 1)
        .then(pl.format("kept {} times", "repeats"))
        .when(pl.col("rule").is_null())
        .then(pl.lit("kept"))
        .when(pl.col("stage").is_null())
        .then("rejected: " + pl.col("rule"))
        .otherwise("dropped by " + pl.col("stage") + ": " + pl.col("rule"))
    )


def _left(mine: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Without as many of each key as have the same fate among the others."""
    same = others.select(*_KEY, "fate", same="documents")
    found = mine.join(same, on=[*_KEY, "fate"], how="left", maintain_order="left").with_columns(
        documents=pl.col("documents") - pl.min_horizontal("documents", pl.col("same").fill_null(0))
    )
    return found.filter(pl.col("documents") > 0).drop("same")


def _pair(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """The documents of each key one by one, in the order of their fates."""
    both = _number(then, now).join(_number(now, then), on=_KEY, suffix="_after")
    documents = pl.min_horizontal("end", "end_after") - pl.max_horizontal("start", "start_after")
    return both.filter(documents > 0).select(
        "source",
        path=pl.coalesce("path_after", "path"),
        row=pl.coalesce("row_after", "row"),
        before="fate",
        after="fate_after",
        documents=documents,
    )


def _number(mine: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Where each fate starts and ends among the documents of its key; what others have more of was not read."""
    here, there = (side.group_by(_KEY).agg(pl.sum("documents")) for side in (mine, others))
    more = pl.col("documents") - pl.col("documents_here").fill_null(0)
    absent = there.join(here, on=_KEY, how="left", suffix="_here").select(
        *_KEY, fate=pl.lit(NOT_READ), documents=more
    )
    every = pl.concat([mine, absent.filter(pl.col("documents") > 0)], how="diagonal")
    end = pl.col("documents").cum_sum().over(_KEY)
    return every.with_columns(start=end - pl.col("documents"), end=end)
