"""What documents there are of each licence and language: counted for the records of an output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import polars as pl
import pyarrow as pa

from refinery.definition.licences import NONE, OWN
from refinery.errors import some_of
from refinery.filters.language_codes import UNDETERMINED
from refinery.filters.licence import LICENCE

if TYPE_CHECKING:
    from refinery.plan.graph import Column

LANGUAGE = "lang"
MOST = 1000  # values of a column that are counted one by one, a shard
_MISSING = {LICENCE: NONE, LANGUAGE: UNDETERMINED}
_OTHER = {LICENCE: f"{OWN}other", LANGUAGE: UNDETERMINED}
_TOLD = 5

Kinds: TypeAlias = Counter[str]  # documents by value


def counted_columns(columns: Mapping[str, Column]) -> Iterator[str]:
    """The columns that tell licence and language, of those of a stage."""
    for name in (LICENCE, LANGUAGE):
        if name in columns and columns[name].type == pa.string():
            yield name


def kinds_of(values: pl.DataFrame) -> dict[str, Kinds]:
    """By column the documents of each value; those beyond the most frequent ones are counted together."""
    found = {}
    for column in values.columns:
        counts = (
            values[column]
            .fill_null(_MISSING[column])
            .value_counts()
            .sort("count", column, descending=[True, False])
        )
        found[column] = Counter(dict(counts.head(MOST).iter_rows()))
        if rest := int(counts["count"][MOST:].sum()):
            found[column][_OTHER[column]] += rest
    return found


def total(counts: Iterable[Mapping[str, Kinds]]) -> dict[str, Kinds]:
    """Of several shards, the most frequent values first."""
    found: dict[str, Kinds] = {}
    for one in counts:
        for column, kinds in one.items():
            found.setdefault(column, Counter()).update(kinds)
    return {
        column: Counter(dict(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))))
        for column, kinds in found.items()
    }


def unknown_licences(licences: Kinds, allowed: Collection[str] = ()) -> str:
    """A sentence about documents whose licence is not said, or by a name that SPDX does not know; empty without.

    allowed: names that are no surprise.
    """
    unknown = {
        name: count
        for name, count in licences.items()
        if (name.startswith(OWN) or name == NONE) and name not in allowed
    }
    if not unknown:
        return ""
    told = [f"{'none' if name == NONE else name} {count:,}" for name, count in unknown.items()]
    share = f"{sum(unknown.values()):,} of {sum(licences.values()):,} documents"
    return f"{share} have no licence that SPDX knows: {some_of(told[:_TOLD], len(told))}"
