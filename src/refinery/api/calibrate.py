"""Moving the thresholds of rules so that trusted text stays, on tables or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refinery.api.entries import Entries, entries_of
from refinery.api.frames import ArrowStream, Texts, as_frame, columns_of, names_of
from refinery.errors import DefinitionError

if TYPE_CHECKING:
    from refinery.filters.calibration.account import Calibration
    from refinery.filters.calibration.sample import Sample
    from refinery.filters.rules import Rule

Documents = ArrowStream | dict[str, Any] | Texts


def calibrate(
    trusted: Documents,
    junk: Documents | None = None,
    *,
    rules: Entries,
    lose: float = 0.01,
    measure: Entries = ("language", "signals"),
    text: str = "text",
) -> Calibration:
    """Rules with their thresholds loosened so that at most a share `lose` of text like the trusted is lost.

    trusted, junk: a pyarrow, Polars or pandas table, or texts; rules, measure: as in the `keep` and `measure` of a
    stage, `measure=[]` for tables that have the columns; text: the text column. Half of the trusted documents moves
    thresholds, the other half judges, see docs/rules.md. `predicates` of what is found are the moved rules by name.
    Raises DefinitionError with all that is wrong with the rules, InputError for a table without a column.

    >>> import pyarrow, refinery
    >>> table = pyarrow.table({"words": [20] * 30 + [80] * 970, "tokens": [100] * 1000})
    >>> refinery.calibrate(table, rules=[{"long": "words >= 50"}], measure=[]).predicates
    {'long': 'words >= 20'}
    """
    from refinery.filters.calibration.fit import calibrate as fit
    from refinery.filters.rules import resolve_rules

    if not 0 < lose < 1:
        raise DefinitionError(f"lose: expected a share between 0 and 1, such as 0.01, got {lose}")
    given = [trusted] if junk is None else [trusted, junk]
    frames = [_measured(data, measure, text) for data in given]
    resolved = resolve_rules(entries_of("keep", rules), measured=names_of(frames[0]))
    found, *others = [_sample(frame, resolved) for frame in frames]
    if not len(found):
        raise DefinitionError("trusted: there is no document, no threshold can be moved by it")
    return fit(found, others[0] if others and len(others[0]) else None, resolved, lose)


def _measured(data: Any, measurers: Entries, text: str) -> Any:
    from refinery.api.measure import measure

    frame = as_frame(data, text)
    named = [measurers] if isinstance(measurers, str | dict) else [*measurers]
    if "tokens" not in names_of(frame):
        named.append("size")
    return measure(frame, named, text=text) if named else frame


def _sample(frame: Any, rules: tuple[Rule, ...]) -> Sample:
    import numpy as np
    import polars as pl

    from refinery.api.sql import read_columns
    from refinery.filters.calibration.account import LANGUAGE, TOKENS
    from refinery.filters.calibration.sample import Sample
    from refinery.filters.predicate import problems
    from refinery.shuffle.partition import hash_numbers

    table, types = read_columns(frame, [rule.predicate for rule in rules])
    wrong = [f"{rule.name}: {problem}" for rule in rules for problem in problems(rule.predicate, types)]
    if wrong:
        raise DefinitionError(*wrong)
    also = columns_of(frame, [name for name in (LANGUAGE, TOKENS) if name in types])
    columns = pl.DataFrame(table).with_columns(pl.DataFrame(also))
    return Sample(hash_numbers(np.arange(len(columns))), columns)
