"""`refinery diff`: what two runs differ in: their definitions by field, and the documents whose fate is another.

Fates are compared a part of the files at a time, by source, path and row, so memory does not grow with the corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl
import xxhash

from refinery.plan.derivations import Reason, changes
from refinery.plan.result import decision_name, documents_name
from refinery.run.history import PastRun, read_fates
from refinery.shuffle.partition import hash_numbers
from refinery.storage.place import Place

PART_ROWS = 1 << 22  # that are compared together
EXAMPLES = 3  # documents that are named for each kind of move
_KEY = ["source", "path", "row"]


@dataclass(frozen=True)
class Moved:
    """The place of a document."""

    source: str
    path: str
    row: int


@dataclass(frozen=True)
class Move:
    """Documents with one fate before and another after; because: the fields that differ on the way to the latter."""

    before: str
    after: str
    documents: int
    because: tuple[str, ...]
    examples: tuple[Moved, ...]


@dataclass(frozen=True)
class OutputDiff:
    """An output in both runs: documents kept, and what moved, the most first."""

    output: str
    kept_before: int
    kept_after: int
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Diff:
    """Two runs, each by its name; changed: what differs in what their results are made of, each field once."""

    before: str
    after: str
    changed: tuple[str, ...]
    outputs: tuple[OutputDiff, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def compare_runs(before: PastRun, after: PastRun, names: tuple[str, str], seed: int = 0) -> Diff:
    """What differs; names: what the runs are called. Raises DamagedFile for a damaged history."""
    why = changes(after.derivations, before.derivations)
    pairs = [(name, name) for name in after.outputs if name in before.outputs]
    if not pairs:  # two pipelines
        pairs = [*zip(before.outputs, after.outputs, strict=False)][:1]
    gone, new = ({pair[side] for pair in pairs} for side in (0, 1))
    changed = dict.fromkeys(str(reason) for found in why.values() for reason in found)
    return Diff(
        *names,
        tuple(changed),
        tuple(_compared(before, after, *pair, why, seed) for pair in pairs),
        tuple(name for name in before.outputs if name not in gone),
        tuple(name for name in after.outputs if name not in new),
    )


def _compared(
    before: PastRun, after: PastRun, old: str, new: str, why: Mapping[str, Sequence[Reason]], seed: int
) -> OutputDiff:
    counts = Counter[tuple[str, str]]()
    drawn: dict[tuple[str, str], list[tuple[int, Moved]]] = {}
    if before.keys[old] != after.keys[new]:
        for moved in _moved(before.files(old), after.files(new)):
            for kind, found in moved.group_by("before", "after"):
                move = str(kind[0]), str(kind[1])
                counts[move] += len(found)
                drawn[move] = sorted([*drawn.get(move, ()), *_drawn(found, seed)], key=_order)[:EXAMPLES]
    moves = tuple(
        Move(*move, number, _because(move, why), tuple(one for _, one in drawn[move]))
        for move, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    kept = before.outputs[old].kept.documents, after.outputs[new].kept.documents
    return OutputDiff(new if old == new else f"{old} -> {new}", *kept, moves)


def _order(drawn: tuple[int, Moved]) -> int:
    return drawn[0]


def _moved(before: Sequence[Place], after: Sequence[Place]) -> Iterator[pl.DataFrame]:
    """Source, path and row of documents whose fates differ, with both fates, a part of the files at a time."""
    rows = sum(batch.num_rows for file in (*before, *after) for batch in read_fates(file))
    parts = -(-rows // PART_ROWS)
    for part in range(parts):
        then, now = (_part(files, part, parts) for files in (before, after))
        both = then.join(now, on=_KEY, how="full", coalesce=True, suffix="_after")
        fates = both.select(
            *_KEY,
            before=pl.col("fate").fill_null("not read"),
            after=pl.col("fate_after").fill_null("not read"),
        )
        yield fates.filter(pl.col("before") != pl.col("after"))


def _part(files: Sequence[Place], part: int, parts: int) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"source": pl.String, "path": pl.String, "row": pl.Int64, "fate": pl.String})
    found = [empty]
    for file in files:
        for batch in read_fates(file):
            frame = pl.DataFrame(pl.from_arrow(batch))
            mine = frame.filter(pl.struct("source", "path").hash() % parts == part)
            found.append(mine.select(*_KEY, fate=_fate()))
    return pl.concat(found)


def _fate() -> pl.Expr:
    return (
        pl.when(pl.col("rule").is_null())
        .then(pl.lit("kept"))
        .when(pl.col("stage").is_null())
        .then("rejected: " + pl.col("rule"))
        .otherwise("dropped by " + pl.col("stage") + ": " + pl.col("rule"))
    )


def _drawn(found: pl.DataFrame, seed: int) -> Iterator[tuple[int, Moved]]:
    """The documents whose places have the lowest hashes, with these."""
    places = found.select(_KEY).sort(_KEY).rows()
    for (source, path), rows in groupby(places, key=lambda place: place[:2]):
        mine = [row for *_, row in rows]
        place = xxhash.xxh3_64_intdigest(f"{source}\n{path}".encode(), seed)
        hashes = hash_numbers(np.array(mine, np.int64), place)
        for index in np.argsort(hashes)[:EXAMPLES].tolist():
            yield int(hashes[index]), Moved(source, path, mine[index])


def _because(move: tuple[str, str], why: Mapping[str, Sequence[Reason]]) -> tuple[str, ...]:
    """The fields that differ on the way to the stage that decides now, or that decided before."""
    for fate in reversed(move):
        stage, colon, rule = fate.removeprefix("dropped by ").partition(": ")
        if fate.startswith("dropped by ") and colon:
            made = [decision_name(stage), f"{decision_name(stage)}.{rule.partition('.')[0]}"]
            found = [reason for name in made for reason in why.get(name, ())]
            exact = [one for one in found if one.result == made[0] and one.field == f"keep.{rule}"]
            if exact or found:
                return tuple(dict.fromkeys(map(str, exact or found)))
    read = [reason for name, found in why.items() if name.startswith(documents_name("")) for reason in found]
    return tuple(dict.fromkeys(map(str, read)))


def diff_lines(diff: Diff) -> Iterator[str]:
    """The difference for people."""
    yield f"{diff.before} -> {diff.after}"
    yield "changed:" if diff.changed else "nothing has changed in the definition or the files"
    yield from (f"  {change}" for change in diff.changed)
    told: dict[tuple[Move, ...], str] = {}  # outputs by what moved on the way to them
    for output in diff.outputs:
        yield f"output {output.output}: {output.kept_before:,} -> {output.kept_after:,} documents"
        before = told.setdefault(output.moves, output.output)
        if output.moves and before != output.output:
            yield f"  the same moved as on the way to {before}"
            continue
        for move in output.moves:
            yield f"  {move.documents:,}: {move.before} -> {move.after}"
            yield from (f"    because {reason}" for reason in move.because)
            yield from (f"    {one.source}: {one.path}, row {one.row}" for one in move.examples)
        if not output.moves:
            yield "  every document has the same fate"
    yield from (f"output {name}: only in {diff.before}" for name in diff.only_before)
    yield from (f"output {name}: only in {diff.after}" for name in diff.only_after)
