"""The ends of what is measured: no count or share is below 0, no share above 1."""

from __future__ import annotations

from refinery.filters.calibration.thresholds import Threshold
from refinery.text.signal_columns import COUNTS, RATIOS, UNBOUNDED

_SHARES = frozenset({"lang_score", "lang_share", "lang_group_score", "lang_natural", "removed_share"})
_COUNTS = frozenset({"bytes", "chars", "tokens"})


def bound_of(column: str, operator: str) -> int | None:
    """The loosest value that a column can have, where its threshold with this operator moves; None: there is none.

    >>> bound_of("sentences", ">="), bound_of("dup_line_frac", "<="), bound_of("words", "<=")
    (0, 1, None)
    """
    share = column in _SHARES or (column in RATIOS and column not in UNBOUNDED)
    if operator in {"<=", "<"}:
        return 1 if share else None
    known = share or column in RATIOS or column in COUNTS or column in _COUNTS
    return 0 if known or column.startswith("stop_words_") else None


def cannot_fail(column: str, operator: str, number: str) -> bool:
    """Whether every value that a column can have passes.

    >>> cannot_fail("sentences", ">=", "0"), cannot_fail("sentences", ">", "0"), cannot_fail("han_ratio", "<", "1.2")
    (True, False, True)
    """
    bound = bound_of(column, operator)
    if bound is None:
        return False
    beyond = (float(number) - bound) * (1 if operator in {"<=", "<"} else -1)
    return beyond > 0 or (beyond == 0 and operator in {"<=", ">="})


def capped(threshold: Threshold, number: str) -> str:
    """The number of a threshold, or the end of what its column can have where all pass by it as well."""
    column, operator = threshold.column, threshold.operator
    if operator in {"<=", ">="} and cannot_fail(column, operator, number):
        return str(bound_of(column, operator))
    return number
