"""Judging the rows of a table by rules, as the `keep` of a stage does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from refinery.api.entries import Entries, entries_of
from refinery.api.frames import Frame, Texts, as_frame, filter_rows, names_of, set_columns
from refinery.errors import DefinitionError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from refinery.filters.rules import Rule


@overload
def keep(data: Frame, rules: Entries) -> Frame: ...
@overload
def keep(data: Texts, rules: Entries) -> pa.Table: ...
def keep(data: Any, rules: Entries) -> Any:
    """The rows that satisfy every rule; the columns are those that the rules may read.

    data: a pyarrow Table or RecordBatch, a Polars or pandas DataFrame, or texts, which are the column `text`; rules:
    as in the `keep` of a stage: names of rule sets, `{name: predicate}`, `{"rules": set, "without": [...]}`. A
    predicate that is NULL is not satisfied. Raises DefinitionError with all that is wrong with the rules.

    >>> import pyarrow, refinery
    >>> table = pyarrow.table({"words": [3, 80, None]})
    >>> refinery.keep(table, {"long": "words >= 50"}).to_pydict()
    {'words': [80]}
    """
    frame = as_frame(data, "text")
    _, verdicts = _judge(frame, rules)
    return filter_rows(frame, verdicts["first_failed"].is_null().to_numpy())


@overload
def decide(data: Frame, rules: Entries) -> Frame: ...
@overload
def decide(data: Texts, rules: Entries) -> pa.Table: ...
def decide(data: Any, rules: Entries) -> Any:
    """The data with two columns that say what rules make of each row.

    `rule`: the first rule that failed; `failed`: all that failed; both NULL for a row that is kept. data, rules: as
    in `keep`. Raises DefinitionError with all that is wrong with the rules.

    >>> import pyarrow, refinery
    >>> table = pyarrow.table({"words": [3, 80], "lang": ["de", "en"]})
    >>> rules = [{"long": "words >= 50"}, {"english": "lang = 'en'"}]
    >>> refinery.decide(table, rules).column("failed").to_pylist()
    [['long', 'english'], None]
    """
    import pyarrow as pa

    frame = as_frame(data, "text")
    resolved, verdicts = _judge(frame, rules)
    names = pa.array([rule.name for rule in resolved], pa.string())
    first, failed = verdicts["first_failed"].to_arrow(), verdicts["failed"].to_arrow()
    columns = {
        "rule": names.take(first),
        "failed": pa.LargeListArray.from_arrays(
            failed.offsets, names.take(failed.values), mask=first.is_null()
        ),
    }
    return set_columns(frame, pa.table(columns))


def _judge(frame: Any, rules: Entries) -> tuple[tuple[Rule, ...], pl.DataFrame]:
    """The rules, and `filters.rules.evaluate` of them."""
    import polars as pl

    from refinery.api.sql import read_columns
    from refinery.filters.predicate import problems
    from refinery.filters.rules import evaluate, resolve_rules

    resolved = resolve_rules(entries_of("keep", rules), measured=names_of(frame))
    table, types = read_columns(frame, [rule.predicate for rule in resolved])
    wrong = [f"{rule.name}: {problem}" for rule in resolved for problem in problems(rule.predicate, types)]
    if wrong:
        raise DefinitionError(*wrong)
    return resolved, evaluate(pl.DataFrame(table), resolved)
