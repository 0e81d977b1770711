"""`refinery diff`: what two runs differ in: their definitions by field, and the documents whose fate is another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl
import xxhash

from refinery.plan.derivations import Reason, changes
from refinery.plan.result import decision_name, documents_name, output_name
from refinery.report.moved_documents import NOT_READ, moved_documents, sources_without_identity
from refinery.run.history import PastRun
from refinery.shuffle.partition import hash_numbers

EXAMPLES = 3  # documents that are named for each kind of move
_BY_PLACE = "its documents are told by file and row alone, as one of the runs kept no more of them"
_NONE_AGAIN = (
    "none of its documents is told again by its id, or its text where it has none: did ids change or go?"
)
_PLACE = ["source", "path", "row"]


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
    """An output in both runs: documents kept, documents written, repeated ones each time, and what moved, most first.

    notes: of sources whose documents could not be told by what they are, or of which none was told again.
    """

    output: str
    kept_before: int
    kept_after: int
    written_before: int
    written_after: int
    moves: tuple[Move, ...]
    notes: tuple[str, ...] = ()


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
    notes: tuple[str, ...] = ()
    unread = Counter[tuple[str, str]]()
    then, now = before.outputs[old], after.outputs[new]
    if before.keys[old] != after.keys[new]:
        files, unchanged = (before.files(old), after.files(new)), _same_files(before, after)
        unknown = sources_without_identity(*files) - unchanged
        notes = tuple(f"{source}: {_BY_PLACE}" for source in sorted(unknown))
        for moved in moved_documents(*files, unchanged | unknown):
            unread.update(_unread(moved))
            for kind, found in moved.group_by("before", "after"):
                move = str(kind[0]), str(kind[1])
                counts[move] += int(found["documents"].sum())
                drawn[move] = sorted([*drawn.get(move, ()), *_drawn(found, seed)], key=_order)[:EXAMPLES]
    notes += tuple(
        f"{source}: {_NONE_AGAIN}"
        for source in sorted(then.sources.keys() & now.sources.keys())
        if (unread[source, "after"], unread[source, "before"])
        == (then.sources[source].documents, now.sources[source].documents)
        and then.sources[source].documents
        and now.sources[source].documents
    )
    moves = tuple(
        Move(*move, number, _because(move, new, why), tuple(one for _, one in drawn[move]))
        for move, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return OutputDiff(
        new if old == new else f"{old} -> {new}",
        then.kept.documents,
        now.kept.documents,
        then.written.documents,
        now.written.documents,
        moves,
        notes,
    )


def _unread(moved: pl.DataFrame) -> dict[tuple[str, str], int]:
    """How many documents of each source were not read in the run `before`, and in that `after`."""
    found: dict[tuple[str, str], int] = {}
    for run, other in (("before", "after"), ("after", "before")):
        one = moved.filter((pl.col(run) == NOT_READ) & ~pl.col(other).str.starts_with("rejected: "))
        counts = one.group_by("source").agg(pl.sum("documents"))
        found |= {(source, run): number for source, number in counts.rows()}
    return found


def _same_files(before: PastRun, after: PastRun) -> set[str]:
    """Sources of which both runs read the same files."""
    start = documents_name("")
    read = {name: one.fields["files"] for name, one in after.derivations.items() if "files" in one.fields}
    same = (name for name, files in read.items() if _files(before, name) == files)
    return {name.removeprefix(start) for name in same if name.startswith(start)}


def _files(run: PastRun, name: str) -> object:
    return run.derivations[name].fields.get("files") if name in run.derivations else None


def _order(drawn: tuple[int, Moved]) -> int:
    return drawn[0]


def _drawn(found: pl.DataFrame, seed: int) -> Iterator[tuple[int, Moved]]:
    """The documents whose places have the lowest hashes, with these."""
    places = found.select(_PLACE).sort(_PLACE).rows()
    for (source, path), rows in groupby(places, key=lambda place: place[:2]):
        mine = [row for *_, row in rows]
        place = xxhash.xxh3_64_intdigest(f"{source}\n{path}".encode(), seed)
        hashes = hash_numbers(np.array(mine, np.int64), place)
        for index in np.argsort(hashes)[:EXAMPLES].tolist():
            yield int(hashes[index]), Moved(source, path, mine[index])


def _because(move: tuple[str, str], output: str, why: Mapping[str, Sequence[Reason]]) -> tuple[str, ...]:
    """The fields that differ on the way to the stage that decides now, or that decided before.

    Of documents that are only written another number of times, those on the way to the output.
    """
    if all(fate.startswith("kept") for fate in move):
        return tuple(dict.fromkeys(map(str, why.get(output_name(output), ()))))
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


def _written(output: OutputDiff) -> str:
    if (output.kept_before, output.kept_after) == (output.written_before, output.written_after):
        return ""
    return f", with their repeats {output.written_before:,} -> {output.written_after:,}"


def diff_lines(diff: Diff) -> Iterator[str]:
    """The difference for people."""
    yield f"{diff.before} -> {diff.after}"
    yield "changed:" if diff.changed else "nothing has changed in the definition or the files"
    yield from (f"  {change}" for change in diff.changed)
    told: dict[tuple[Move, ...], str] = {}  # outputs by what moved on the way to them
    for output in diff.outputs:
        yield f"output {output.output}: {output.kept_before:,} -> {output.kept_after:,} documents{_written(output)}"
        yield from (f"  {note}" for note in output.notes)
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
