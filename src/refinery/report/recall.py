"""What recall found, round by round, and what to do with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from refinery.errors import counted
from refinery.models.binomial import Estimate
from refinery.recall.account import Moved, MovedDocument, Recalled, RoundAccount
from refinery.recall.counts import POOL
from refinery.report.grid import Grid
from refinery.report.show import text_lines, wrapped


def recalled_tables(model: str, found: Recalled) -> Iterator[Grid | str]:
    """A row a round, over the sample that all of them look at, what is known by hosts; then why they stopped."""
    sample = found.sample
    columns = ("round", "found", "open", "domain", "precision", "recall", "overlap", "new hosts")
    title = f"{model}: rounds over {sample.pool:,} of {sample.arrived(POOL):,} documents of the pool, by"
    table = Grid(f"{title} {sample.seeds:,} seeds, with intervals of 95 %", columns)
    for one in found.rounds:
        table.add(*_row(one, one.number == found.chosen))
    yield table
    yield from _hosts(model, found)
    if found.gold:
        yield f"gold hosts: {found.gold.sentence(found.chosen)}"
    if sample.copies:
        yield f"documents of the sample that are copies of seeds: {sample.copies:,}, kept and not counted as found"
    if last := found.rounds[-1].stopped:
        yield f"round {found.rounds[-1].number} is not taken, and no other follows: {last}"
    threshold = found.rounds[found.chosen - 1].threshold
    yield (
        f"the model is that of round {found.chosen} (*): at its threshold {threshold:.4f} it keeps {found.kept:,} of "
        "the sample, which it was fitted to; `found` is by fits that have not seen the document"
    )


def _row(one: RoundAccount, chosen: bool) -> Iterator[str]:
    yield _number(one, chosen)
    yield f"{one.recalled:,}"
    yield f"{one.open:,}"
    yield f"{one.prevalence.value:.2%}"
    yield _interval(one.precision)
    yield _interval(one.recall)
    yield "" if one.overlap is None else f"{one.overlap:.1%}"
    yield "" if one.new_hosts is None else f"{one.new_hosts:,}"


def _hosts(model: str, found: Recalled) -> Iterator[Grid]:
    """Documents that came by the hosts of a round before, and the share of gold hosts', where there are any."""
    by_hosts = ("by hosts",) if any(one.by_hosts is not None for one in found.rounds) else ()
    gold = ("gold hosts",) if found.gold else ()
    if by_hosts or gold:
        table = Grid(f"{model}: by hosts", ("round", *by_hosts, *gold))
        for one in found.rounds:
            came = ("" if one.by_hosts is None else f"{one.by_hosts:,}" for _ in by_hosts)
            table.add(_number(one, one.number == found.chosen), *came, *_gold(found, one.number))
        yield table


def _number(one: RoundAccount, chosen: bool) -> str:
    return f"{one.number}{' *' if chosen else ''}"


def _gold(found: Recalled, number: int) -> Iterator[str]:
    """The share of gold hosts' documents that a round finds."""
    if found.gold:
        yield f"{found.gold.recalled[number - 1] / max(found.gold.documents, 1):.1%}"


def _interval(one: Estimate) -> str:
    return f"{one.value:.2f}\n{one.low:.2f}-{one.high:.2f}"


def next_steps(folder: Path, output: Path, found: Recalled, came: int) -> Iterator[str]:
    """Commands that go on from a recall whose definition lies in a folder.

    output: what it has written; came: documents that came to the round of the model.
    """
    yield "Next:"
    if found.chosen > 1 and came:
        yield f"  refinery show {folder} --round {found.chosen} --came    what the model's round added"
    else:
        yield f"  refinery show {folder} --kept    documents of the output"
    yield f"  refinery show {folder} --near relevance    documents about the threshold"
    yield f"  refinery label {folder} --column relevance --out labels.csv    judge some, then: refinery threshold"
    yield f"  refinery budget {output} --params 1.3B    for which model it is enough"


def moved_lines(moved: Moved, which: Collection[bool], number: int, chars: int, width: int) -> Iterator[str]:
    """Documents that a round found (True) and that it lost (False), up to so many of each, with scores."""
    for came, what, documents, in_all in (
        (True, "came", moved.came, moved.came_in_all),
        (False, "went", moved.went, moved.went_in_all),
    ):
        if came in which:
            shown = f"here {min(number, len(documents)):,}, scored by fits that have not seen them"
            yield f"{what}: {counted(in_all, 'document')}, {shown}"
            for document in documents[:number]:
                yield from _document_lines(document, chars, width)


def _document_lines(one: MovedDocument, chars: int, width: int) -> Iterator[str]:
    named = f"{one.source}: {one.id}" + (f" of {one.host}" if one.host else "")
    before = "" if one.before is None else f", {one.before:.3f} in the round before"
    yield from wrapped(named, width, "")
    yield from wrapped(f"relevance {one.score:.3f}{before}; {one.language}", width, "  ")
    yield from text_lines(one.head, chars, width)
