"""Which documents are shown: a seeded sample of those that a rule dropped, that were kept, or that SQL describes.

Decisions and measurements are looked through a shard at a time; no text is read. What is drawn follows from a hash of
the seed and the document's identity, so it is the same however files are cut.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from refinery.errors import DefinitionError, InputError, nearest
from refinery.filters.predicate import columns_of, problems
from refinery.plan.graph import Column, ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.report.document import Found
from refinery.run.columns import find_columns, load_columns
from refinery.run.decisions import DECISIONS, outcomes_of, rows_of
from refinery.shuffle.partition import hash_numbers
from refinery.sources.ids import identities
from refinery.sources.sql import parse
from refinery.storage.tables import read_batches, read_table

_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_AT, _SHARD, _DRAW, _RANK = "\0position", "\0shard", "\0draw", "\0rank"


@dataclass(frozen=True)
class Choice:
    """Which documents are shown; what is given holds together.

    dropped_by: a rule, a rule set, a stage, or why rows were rejected; near: a column, for those with a value close
    to the limit that a rule sets to it, or to VALUE of `COLUMN=VALUE`; where: SQL over what is measured and the
    columns of decisions.
    """

    dropped_by: str | None = None
    kept: bool = False
    near: str | None = None
    where: str | None = None
    documents: int = 20
    seed: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that it names, of decisions too."""
        near = [self.near.partition("=")[0]] if self.near else []
        return tuple(dict.fromkeys([*near, *sorted(columns_of(self.where) if self.where else ())]))


@dataclass(frozen=True)
class _Near:
    """A column of a stage, and the limits about which its values are looked for."""

    stage: ResolvedStage
    column: str
    limits: tuple[float, ...]


def choose(plan: Plan, output: str, choice: Choice) -> list[Found]:
    """The documents, those near a limit by their values, others in the corpus's order.

    Raises DefinitionError for a choice that cannot be meant, InputError for a rule that dropped nothing, or nothing
    that is asked for besides.
    """
    last = plan.graph.stage_of(output)
    if choice.kept and choice.dropped_by:
        raise DefinitionError("--kept, --dropped-by: give one of them")
    near = _near(plan, output, choice.near) if choice.near else None
    wanted = _where_columns(last, choice.where)
    chosen = pl.DataFrame()
    dropped, by_name = Counter[str](), 0
    for planned, frame in _frames(plan, last, near, wanted):
        dropped.update(frame.filter(pl.col("rule").is_not_null())["rule"].to_list())
        candidates = frame.filter(_is_dropped_by(choice.dropped_by)) if choice.dropped_by else frame
        by_name += len(candidates)
        found = _matching(candidates, choice)
        if len(found):
            found = found.drop(wanted, strict=False).with_columns(_draw(planned, found, choice.seed))
            chosen = _first(pl.concat([chosen, found], how="diagonal_relaxed"), choice.documents, near)
    if choice.dropped_by and chosen.is_empty():
        raise InputError(choice.dropped_by, *_nothing_dropped(choice.dropped_by, choice, dropped, by_name))
    return [_found(plan, row) for row in chosen.iter_rows(named=True)]


def _found(plan: Plan, row: Mapping[str, Any]) -> Found:
    return Found(plan.shards[row[_SHARD]], row[_AT], {name: row[name] for name in DECISIONS.names})


def _frames(
    plan: Plan, last: ResolvedStage, near: _Near | None, wanted: tuple[str, ...]
) -> Iterator[tuple[PlannedShard, pl.DataFrame]]:
    """Of each shard the decisions, with what is asked for beside them."""
    types = {name: kind for columns in last.columns.values() for name, kind in _types(columns).items()}
    for source in last.sources:
        if near and source not in near.stage.sources:
            continue
        for shard in outcomes_of(plan, last.name, source):
            frame = pl.DataFrame(rows_of(shard))
            size = len(read_table(shard.planned.documents_file, ["row"]))
            rejected = -1 - np.arange(len(frame) - size)
            at = pl.Series(_AT, np.concatenate([np.arange(size), rejected]), dtype=pl.Int64)
            frame = frame.with_columns(at, pl.lit(shard.planned.number, pl.Int64).alias(_SHARD))
            beside = _columns(shard.planned, last.columns[source], wanted, types, size)
            if near:
                key = plan.decision_key(near.stage.name, source)
                beside.append(_ranks(shard.planned, near, key))
            if beside:
                values = pl.DataFrame(beside)
                values = pl.concat([values, values.clear(len(rejected))])
                frame = pl.concat([frame, values], how="horizontal")
            yield shard.planned, frame


def _types(columns: Mapping[str, Any]) -> dict[str, pl.DataType]:
    return {name: pl.Series(pa.array([], column.type)).dtype for name, column in columns.items()}


def _columns(
    planned: PlannedShard,
    columns: Mapping[str, Column],
    wanted: tuple[str, ...],
    types: Mapping[str, pl.DataType],
    size: int,
) -> list[pl.Series]:
    """Measured columns of a shard's documents; NULL those that its source does not have."""
    there = find_columns(columns, (name for name in wanted if name in columns))
    values = load_columns(planned, there, np.zeros(size, np.bool_)).get_columns() if there else []
    return [*values, *(pl.Series(n, [None] * size, types[n]) for n in wanted if n not in columns)]


def _ranks(planned: PlannedShard, near: _Near, key: str) -> pl.Series:
    """How far each document that came to the stage is above or below the limit; NULL of others."""
    columns = find_columns(near.stage.columns[planned.spec.name], (near.column,))
    arrived = pl.Series(read_table(planned.decision_file(key), ["outcome"]).column(0)).is_not_null()
    nobody = np.zeros(len(arrived), np.bool_)
    values = load_columns(planned, columns, nobody)[near.column].cast(pl.Float64)
    gaps = np.stack([values.to_numpy() - limit for limit in near.limits])
    gap = np.take_along_axis(gaps, np.nan_to_num(np.abs(gaps), nan=np.inf).argmin(0)[None], 0)[0]
    known = arrived & values.is_not_null() & values.is_not_nan()
    return pl.select(pl.when(known).then(pl.Series(gap))).to_series().alias(_RANK)


def _is_dropped_by(name: str) -> pl.Expr:
    """A rule, a set or a stage."""
    of_set = pl.col("rule").str.starts_with(f"{name}.")
    return (pl.col("rule") == name) | of_set | (pl.col("stage") == name)


def _matching(frame: pl.DataFrame, choice: Choice) -> pl.DataFrame:
    if choice.kept:
        frame = frame.filter(pl.col("outcome") == "kept")
    if _RANK in frame.columns:
        frame = frame.filter(pl.col(_RANK).is_not_null())
    if choice.where:
        frame = frame.filter(parse(choice.where))
    return frame


def _draw(planned: PlannedShard, found: pl.DataFrame, seed: int) -> pl.Series:
    """A random number of each row, which follows from its identity."""
    at = found[_AT].to_numpy()
    rows = read_table(planned.documents_file, ["row"]).column(0).to_numpy()
    rejected = [row for batch in read_batches(planned.rejects_file) for row in batch["row"].to_pylist()]
    every = np.concatenate([rows, np.array(rejected[::-1], np.int64)])  # -1 is the first rejected row
    return pl.Series(_DRAW, hash_numbers(identities(planned.shard, every[at]).astype(np.int64), seed))


def _first(found: pl.DataFrame, documents: int, near: _Near | None) -> pl.DataFrame:
    if near is None:
        return found.sort(_DRAW).head(documents).sort(_SHARD, "path", "row")
    by_gap = found.sort(pl.col(_RANK).abs(), _DRAW)
    above = by_gap.filter(pl.col(_RANK) >= 0).head(-(-documents // 2))
    below = by_gap.filter(pl.col(_RANK) < 0).head(documents // 2)
    return pl.concat([above, below]).sort(_RANK, _DRAW, descending=[True, False])


def _nothing_dropped(name: str, choice: Choice, dropped: Counter[str], by_name: int) -> tuple[str, str]:
    if by_name:
        besides = " and ".join(f"--{word}" for word in ("near", "where") if getattr(choice, word))
        return f"it dropped {by_name:,} rows, but {besides} finds none of these", ""
    rules = ", ".join(f"{rule} {count:,}" for rule, count in dropped.most_common(8))
    return f"it dropped nothing{nearest(name, dropped)}", f"what did: {rules}" if rules else ""


def _where_columns(last: ResolvedStage, where: str | None) -> tuple[str, ...]:
    """The measured columns that SQL reads; raises DefinitionError with all that is wrong with it."""
    if where is None:
        return ()
    measured = {name: c.type for columns in last.columns.values() for name, c in columns.items()}
    decided = {name: pl.Series(pa.array([], DECISIONS.field(name).type)).dtype for name in DECISIONS.names}
    if wrong := problems(where, measured | decided):
        raise DefinitionError(*(f"--where: {problem}" for problem in wrong))
    return tuple(sorted((columns_of(where) & measured.keys()) - decided.keys()))


def _near(plan: Plan, output: str, asked: str) -> _Near:
    """The limits that rules set to a column, in the first stage that has such a rule; raises DefinitionError."""
    column, sign, value = asked.partition("=")
    stages = [plan.graph.stages[name] for name in plan.graph.ancestors(plan.graph.stage_of(output).name)]
    there = {name for stage in stages for columns in stage.columns.values() for name in columns}
    if column not in there:
        raise DefinitionError(f"--near: no column {column!r}{nearest(column, there)}")
    having = [stage for stage in stages if any(column in found for found in stage.columns.values())]
    if sign:
        try:
            return _numeric(_Near(having[0], column, (float(value),)))
        except ValueError:
            raise DefinitionError(f"--near {asked}: expected COLUMN=NUMBER") from None
    _numeric(_Near(having[-1], column, ()))
    for stage in having:
        if found := tuple(n for rule in stage.rules for n in limits_of(rule.predicate, column)):
            return _numeric(_Near(stage, column, tuple(dict.fromkeys(found))))
    raise DefinitionError(f"--near: no rule compares {column!r} with a number; give --near {column}=NUMBER")


def _numeric(near: _Near) -> _Near:
    kinds = {c.type for found in near.stage.columns.values() for n, c in found.items() if n == near.column}
    if not all(pa.types.is_integer(k) or pa.types.is_floating(k) for k in kinds):
        raise DefinitionError(f"--near: {near.column!r} holds {min(map(str, kinds))}, not numbers")
    having = tuple(s for s in near.stage.sources if near.column in near.stage.columns[s])
    return replace(near, stage=replace(near.stage, sources=having))


def limits_of(predicate: str, column: str) -> list[float]:
    """The numbers that a predicate compares a column with.

    >>> limits_of("words >= 50 AND words <= 1e5 OR 3 < words", "words")
    [50.0, 100000.0, 3.0]
    >>> limits_of("words BETWEEN 50 AND 100", "words"), limits_of("stop_words >= 2", "words")
    ([50.0, 100.0], [])
    """
    name = rf'(?<![\w"])"?{re.escape(column)}"?(?!\w)'
    found = re.findall(rf"{name}\s*(?:>=|<=|>|<|=)\s*{_NUMBER}", predicate)
    found += [
        n
        for pair in re.findall(rf"(?i){name}\s+BETWEEN\s+{_NUMBER}\s+AND\s+{_NUMBER}", predicate)
        for n in pair
    ]
    found += re.findall(rf"(?<![\w.]){_NUMBER}\s*(?:>=|<=|>|<|=)\s*{name}", predicate)
    return [float(number) for number in found]
