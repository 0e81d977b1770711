"""Judging the rows of a table by rules, as the `keep` of a stage does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from refinery.api.frames import Frame, columns_of, filter_rows, names_of, set_columns
from refinery.errors import DefinitionError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from refinery.filters.rules import Rule

Rules = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]


def keep(data: Frame, rules: Rules) -> Frame:
    """The rows that satisfy every rule; the columns are those that the rules may read.

    data: a pyarrow Table or RecordBatch, or a Polars or pandas DataFrame; rules: as in the `keep` of a stage: names
    of rule sets, `{name: predicate}`, `{"rules": set, "without": [...]}`. A predicate that is NULL is not satisfied.
    Raises DefinitionError with all that is wrong with the rules.

    >>> import pyarrow, refinery
    >>> table = pyarrow.table({"words": [3, 80, None]})
    >>> refinery.keep(table, {"long": "words >= 50"}).to_pydict()
    {'words': [80]}
    """
    _, verdicts = _judge(data, rules)
    kept: Frame = filter_rows(data, verdicts["first_failed"].is_null().to_numpy())
    return kept


def decide(data: Frame, rules: Rules) -> Frame:
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

    resolved, verdicts = _judge(data, rules)
    names = pa.array([rule.name for rule in resolved], pa.string())
    first, failed = verdicts["first_failed"].to_arrow(), verdicts["failed"].to_arrow()
    columns = {
        "rule": names.take(first),
        "failed": pa.LargeListArray.from_arrays(
            failed.offsets, names.take(failed.values), mask=first.is_null()
        ),
    }
    decided: Frame = set_columns(data, pa.table(columns))
    return decided


def _judge(data: Any, rules: Rules) -> tuple[tuple[Rule, ...], pl.DataFrame]:
    """The rules, and `filters.rules.evaluate` of them."""
    import polars as pl

    from refinery.filters.predicate import columns_of as columns_read
    from refinery.filters.predicate import problems
    from refinery.filters.rules import evaluate

    resolved = _resolve(rules, names_of(data))
    read = set[str]()
    for rule in resolved:
        with suppress(DefinitionError):  # not SQL: a problem below
            read |= columns_read(rule.predicate)
    there = [name for name in names_of(data) if name in read]
    table = columns_of(data, there)
    types: dict[str, pa.DataType] = dict.fromkeys(names_of(data)) | {f.name: f.type for f in table.schema}
    wrong = [f"{rule.name}: {problem}" for rule in resolved for problem in problems(rule.predicate, types)]
    if wrong:
        raise DefinitionError(*wrong)
    rows = pl.Series("", [None]).new_from_index(0, len(data)) if not there else pl.DataFrame(table)
    return resolved, evaluate(pl.DataFrame(rows), resolved)


def _resolve(rules: Rules, columns: Sequence[str]) -> tuple[Rule, ...]:
    from refinery.definition.models import KeepEntry, Model
    from refinery.definition.paths import HERE
    from refinery.definition.validate import validate
    from refinery.filters.rules import resolve_rules

    class Rules(Model):
        keep: tuple[KeepEntry, ...]

    entries = [rules] if isinstance(rules, str | Mapping) else list(rules)
    return resolve_rules(validate(Rules, {"keep": entries}).keep, HERE, columns)
