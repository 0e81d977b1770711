"""Documents of a run for people to label: a stratified sample over the values of a column, more of it about a cut.

Strata hold equal numbers of documents, by quantiles of at most QUANTILES_OF values, one of which makes way for a cut;
half of the sample comes from the two beside it. In each, documents with the lowest hashes of seed and identity are
drawn.
Values are read twice, a shard at a time, texts of what is drawn alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import DefinitionError, InputError, nearest
from refinery.labels.file import LABEL, NAMES, TEXT
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.report.document import read_texts
from refinery.report.sample import limits_of
from refinery.report.stage_values import shard_columns, stage_values
from refinery.sources.ids import listed_ids, places_of
from refinery.storage.tables import read_table

STRATA = 10
QUANTILES_OF = 1 << 17  # values, drawn like documents

_DRAWN = {"shard": pl.Int64, "at": pl.Int64, "stratum": pl.Int64, "draw": pl.UInt64}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """What is drawn: columns (the first makes the strata), the cut of interest, how many documents, which seed."""

    columns: tuple[str, ...]
    near: float | None = None
    documents: int = 200
    seed: int = 0
    chars: int = 2000
    stage: str | None = None


@dataclass(frozen=True)
class LabelSample:
    """The rows of a label file, and what they were drawn from: the stage, its documents with a value, the cut."""

    rows: tuple[dict[str, Any], ...]
    stage: str
    documents: int
    near: float | None


@dataclass(frozen=True)
class _Values:
    """Documents of a shard that have a value: positions among the shard's, values, and a random number of each."""

    planned: PlannedShard
    at: NDArray[np.int64]
    values: Floats
    draws: NDArray[np.uint64]


def draw_sample(plan: Plan, output: str, request: Request) -> LabelSample:
    """Draws documents that came to a stage, by default the first whose rules compare the column with a number.

    Raises DefinitionError for columns and stages that cannot be meant, InputError where no document has a value.
    """
    stage = stage_of(plan, output, request)
    near = request.near
    if near is None:
        limits = (n for rule in stage.rules for n in limits_of(rule.predicate, request.columns[0]))
        near = next(limits, None)
    edges = _edges(_some_values(plan, stage, request), near)
    sizes, drawn = _draw(plan, stage, request, edges)
    takes = allocate(sizes, request.documents, _beside(edges, near))
    chosen = pl.concat(frame.head(take) for frame, take in zip(drawn, takes.tolist(), strict=True))
    weights = sizes / np.maximum(takes, 1)
    facts = [
        {"stratum": number + 1, "stratum_documents": int(sizes[number]), "weight": float(weights[number])}
        for number in range(len(sizes))
    ]
    rows = _rows(plan, stage, request, chosen, facts)
    return LabelSample(tuple(rows), stage.name, int(sizes.sum()), near)


def allocate(sizes: NDArray[np.int64], documents: int, beside: Sequence[int]) -> NDArray[np.int64]:
    """How many documents each stratum gives: half from those beside the cut, the rest evenly, none more than it has.

    >>> allocate(np.array([100, 100, 100, 100, 100, 3]), 24, [1, 2]).tolist()
    [3, 6, 6, 3, 3, 3]
    """
    shares = np.full(len(sizes), 1.0)
    if beside and len(beside) < len(sizes):
        shares[list(beside)] = (len(sizes) - len(beside)) / len(beside)
    takes = np.zeros(len(sizes), np.int64)
    for _ in range(min(documents, int(sizes.sum()))):
        wanting = np.where(takes < sizes, (takes + 0.5) / shares, np.inf)
        takes[int(wanting.argmin())] += 1
    return takes


def stage_of(plan: Plan, output: str, request: Request) -> ResolvedStage:
    """The stage whose documents are drawn; raises DefinitionError."""
    stages = {
        name: plan.graph.stages[name] for name in plan.graph.ancestors(plan.graph.stage_of(output).name)
    }
    if request.stage is not None and request.stage not in stages:
        problem = f"no such stage on the way to {output}{nearest(request.stage, stages)}"
        raise DefinitionError(f"--stage {request.stage}: {problem}")
    named = [stages[request.stage]] if request.stage else [*stages.values()]
    kinds = {
        name: c.type for stage in named for columns in stage.columns.values() for name, c in columns.items()
    }
    for column in request.columns:
        if column not in kinds:
            raise DefinitionError(f"--column: no column {column!r}{nearest(column, kinds)}")
        if not (pa.types.is_integer(kinds[column]) or pa.types.is_floating(kinds[column])):
            raise DefinitionError(f"--column: {column!r} holds {kinds[column]}, not numbers")
        if column in NAMES:
            raise DefinitionError(
                f"--column: {column!r} is another column of the file; `derive` it by a new name"
            )
    first = request.columns[0]
    having = [stage for stage in named if any(first in columns for columns in stage.columns.values())]
    deciding = (s for s in having if any(limits_of(rule.predicate, first) for rule in s.rules))
    return next(deciding, having[0])


def _each(plan: Plan, stage: ResolvedStage, request: Request) -> Iterator[_Values]:
    """Of each shard the documents that came to the stage and have a finite value."""
    for shard in stage_values(plan, stage, [request.columns[0]], request.seed):
        values = shard.columns[request.columns[0]].cast(pl.Float64).to_numpy()
        having = np.isfinite(values)
        yield _Values(shard.planned, shard.at[having], values[having], shard.draws[having])


def _some_values(plan: Plan, stage: ResolvedStage, request: Request) -> Floats:
    """The values with the lowest draws; raises InputError where there is none."""
    values, draws = np.empty(0), np.empty(0, np.uint64)
    for shard in _each(plan, stage, request):
        values, draws = np.append(values, shard.values), np.append(draws, shard.draws)
        if len(values) > QUANTILES_OF:
            lowest = np.argpartition(draws, QUANTILES_OF)[:QUANTILES_OF]
            values, draws = values[lowest], draws[lowest]
    if not len(values):
        raise InputError(request.columns[0], f"no document that came to {stage.name} has a value")
    return values


def _edges(values: Floats, near: float | None) -> Floats:
    """Lower edges of all strata but the first, which differ: quantiles, the nearest of them moved to the cut.

    A cut beyond all values moves none.
    """
    shares = np.arange(1, STRATA) / STRATA
    edges = np.quantile(values, shares, method="inverted_cdf")
    if near is not None and values.min() < near <= values.max():
        edges[np.abs(shares - (values < near).mean()).argmin()] = near
    return np.unique(edges[edges > values.min()])


def _beside(edges: Floats, near: float | None) -> list[int]:
    """The strata below and above the cut, none where it lies beyond all values."""
    place = int(np.searchsorted(edges, near)) if near is not None and near in edges else None
    return [place, place + 1] if place is not None else []


def _draw(
    plan: Plan, stage: ResolvedStage, request: Request, edges: Floats
) -> tuple[NDArray[np.int64], list[pl.DataFrame]]:
    """The documents of each stratum, counted, and those of lowest draws, as many as are asked for in all."""
    sizes = np.zeros(len(edges) + 1, np.int64)
    drawn = [pl.DataFrame(schema=_DRAWN) for _ in sizes]
    for shard in _each(plan, stage, request):
        strata = np.searchsorted(edges, shard.values, side="right")
        sizes += np.bincount(strata, minlength=len(sizes))
        for number in np.unique(strata).tolist():
            mine = np.flatnonzero(strata == number)
            mine = mine[np.argsort(shard.draws[mine], kind="stable")[: request.documents]]
            found = pl.DataFrame(
                {
                    "shard": np.full(len(mine), shard.planned.number),
                    "at": shard.at[mine],
                    "stratum": np.full(len(mine), number),
                    "draw": shard.draws[mine],
                },
                schema=_DRAWN,
            )
            drawn[number] = pl.concat([drawn[number], found]).sort("draw").head(request.documents)
    return sizes, drawn


def _rows(
    plan: Plan, stage: ResolvedStage, request: Request, chosen: pl.DataFrame, facts: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """In the order of the draw: who labels sees no stratum after the other, and may stop anywhere."""
    chosen = chosen.sort("draw")
    by_shard: dict[int, list[int]] = defaultdict(list)
    for place, shard in enumerate(chosen["shard"].to_list()):
        by_shard[shard].append(place)
    rows: dict[int, dict[str, Any]] = {}
    for shard, places in by_shard.items():
        found = _read(plan.shards[shard], stage, request, chosen["at"][places].to_list())
        for place, stratum, row in zip(places, chosen["stratum"][places].to_list(), found, strict=True):
            rows[place] = {**row, **facts[stratum]}
    return [rows[place] for place in range(len(chosen))]


def _read(
    planned: PlannedShard, stage: ResolvedStage, request: Request, at: list[int]
) -> Iterator[dict[str, Any]]:
    """What a label file says of documents of a shard, but for their strata."""
    listing = read_table(planned.documents_file)
    ids = listed_ids(planned.shard, listing).take(pa.array(at))
    scores = shard_columns(planned, stage, request.columns, len(listing))[at]
    texts = read_texts(planned, at, [stage.views[planned.spec.name]] * len(at))
    place = places_of(planned.shard, listing.column("row").to_numpy()[at])
    names = ("source", "path", "row")
    for number, text in enumerate(texts):
        row: dict[str, Any] = {
            name: column[number].as_py() for name, column in zip(names, place, strict=True)
        }
        row |= {"id": ids[number].as_py(), TEXT: text[: request.chars], LABEL: ""}
        yield row | scores.row(number, named=True)
