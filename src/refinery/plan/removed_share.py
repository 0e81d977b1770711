"""The column `removed_share`: the share of a text's characters that transforms removed, for SQL that reads it.

It is of the text that came to the stage's own transforms; of a stage without any, of the document as it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

import pyarrow as pa

from refinery.errors import DefinitionError
from refinery.filters.measurer import Measurer
from refinery.plan.graph import Column, Derived, Measured, View, measurement_of
from refinery.plan.verbs import Arriving

REMOVED = "removed_share"
_EXPRESSION = "CASE WHEN chars_before > chars THEN 1.0 - chars * 1.0 / chars_before ELSE 0.0 END"


def is_removed_share(column: Column) -> bool:
    """Whether a column is the one that `add_removed_share` adds, which each stage has of its own transforms."""
    return isinstance(column, Derived) and column.expression == _EXPRESSION


def add_removed_share(
    sql: Iterable[str], before: Mapping[str, View], size: Measurer, arriving: Arriving
) -> None:
    """Adds the column to all that arrives if SQL reads it; before: the texts that it is a share of; size: measures.

    A text that is not shorter has lost nothing, 0.
    """
    from refinery.filters.predicate import columns_of

    read: set[str] = set()
    for expression in sql:
        with suppress(DefinitionError):  # which is told where it is checked
            read |= columns_of(expression)
    for source, columns in arriving.columns.items() if REMOVED in read else ():
        views = {"chars": arriving.views[source], "chars_before": before[source]}
        chars = {
            name: Measured(measurement_of(view, size), "chars", pa.int64()) for name, view in views.items()
        }
        columns.setdefault(REMOVED, Derived(_EXPRESSION, chars, pa.float64(), _EXPRESSION))
