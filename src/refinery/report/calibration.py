"""What a calibration moved, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from refinery.filters.calibration.rule_file import moves, published
from refinery.report.grid import Grid

if TYPE_CHECKING:
    from refinery.filters.calibration.account import Calibration, RuleAccount


def moved_thresholds(found: Calibration | None) -> dict[str, str]:
    """By rule, what its moved thresholds are and were, to stand behind its name; nothing of those that stay."""
    rules = found.rules if found else ()
    return {rule.name: f" ({', '.join(moves(rule))})" for rule in rules if rule.is_moved}


def calibration_tables(found: Calibration, of: str = "") -> Iterator[Grid | str]:
    """The thresholds that moved, what rules lose alone and together, and what a person should know; of: its stage."""
    title = f"{of}: thresholds" if of else "Thresholds"
    lost = f"at most {found.lose:.2%} of trusted text is lost"
    documents = f"{found.documents:,} documents"
    sure, unsure = f"by which {lost}, by {documents}", f"moved for {documents}, which do not tell that {lost}"
    table = Grid(
        f"{title} {sure if found.is_sure else unsure}",
        ("rule", "published", "moved", "fail it", "alone", "junk"),
    )
    for rule in found.rules:
        if rule.is_moved or rule.before.documents:
            table.add(*_row(rule, found))
    yield table
    losses = Grid(
        "What all rules lose of it together, by documents and tokens",
        ("language", "half", "published", "moved"),
    )
    for one in found.languages:
        name = one.language or "all"
        for half, both in (("moves", one.fitted), ("unseen, judges", one.judged)):
            losses.add(name, half, str(both.published), str(both.moved))
    yield losses
    if found.junk:
        before, after = found.junk.published, found.junk.moved
        yield f"junk: of {found.junk.documents:,} documents published rules drop {before:,}, moved ones {after:,}"
    yield from (f"note: {note}" for note in found.notes)


def _row(rule: RuleAccount, found: Calibration) -> Iterator[str]:
    changed = [one for one in rule.thresholds if one.published != one.moved]
    yield rule.name
    yield ("\n".join(published(rule)) or rule.published)
    yield "\n".join(f"{one.moved}, can no longer fail" if one.is_void else one.moved for one in changed)
    both = (rule.before, rule.after)
    yield " -> ".join(f"{one.documents / found.documents:.2%}" for one in both)
    yield " -> ".join(f"{one.only / found.documents:.2%}" for one in both)
    yield " -> ".join(f"{one.junk:,}" for one in both) if found.junk else ""
