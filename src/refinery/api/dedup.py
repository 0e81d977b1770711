"""Finding the duplicates among the rows of a table, as the verb `dedup` of a stage does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from refinery.api.frames import Frame, Texts, as_frame, filter_rows, like, texts_of
from refinery.errors import DefinitionError, RunError

if TYPE_CHECKING:
    import pyarrow as pa

    from refinery.dedup.verb import Dedup

Columns = str | Sequence[str]
DUPLICATES_OF_ONE = "duplicates_of_one"


class Settings(TypedDict, total=False):
    """What `dedup` of a stage takes, see docs/dedup.md, and the guard of its largest group."""

    exact: bool | None
    near: Mapping[str, Any] | None
    fold: Literal["simplified"] | None
    by: Columns
    prefer: Columns
    missing: Literal["first", "last"] | None
    duplicates_of_one: str


@overload
def dedup(data: Frame, *, text: str = ..., **settings: Unpack[Settings]) -> Frame: ...
@overload
def dedup(data: Texts, *, text: str = ..., **settings: Unpack[Settings]) -> pa.Table: ...
def dedup(data: Any, *, text: str = "text", **settings: Unpack[Settings]) -> Any:
    """The rows that are left when of each group of duplicates one is kept, in their order.

    data: a pyarrow Table or RecordBatch, a Polars or pandas DataFrame, or texts, which become a pyarrow Table; text:
    the text column; the others as in the `dedup` of a stage: `exact=True` compares texts, `near={}` their shingles
    too (`near={"similarity": 0.9, "within": ["host"]}`), `by=["pmid"]` columns; `prefer=["date DESC"]` says which
    one is kept, else the first. Raises DefinitionError for settings that `dedup` could not have, InputError for a
    table that lacks a column, RunError when one document would remove too many.

    >>> import refinery
    >>> refinery.dedup(["Twice.", "Once.", "twice"]).to_pydict()
    {'text': ['Twice.', 'Once.']}
    """
    import numpy as np

    frame = as_frame(data, text)
    found = _find(frame, text, settings)
    kept = np.ones(len(texts_of(frame, text)), np.bool_)
    kept[found.column("row").to_numpy()] = False
    return filter_rows(frame, kept)


@overload
def duplicates(data: Frame, *, text: str = ..., **settings: Unpack[Settings]) -> Frame: ...
@overload
def duplicates(data: Texts, *, text: str = ..., **settings: Unpack[Settings]) -> pa.Table: ...
def duplicates(data: Any, *, text: str = "text", **settings: Unpack[Settings]) -> Any:
    """What `dedup` would leave out, a row for each document in their order; the same kind of table.

    Columns: `row` (from 0), `rule` (`dedup.exact`, `dedup.near` or `dedup.by`), `duplicate_of_row`, the kept one, and
    `similarity`, NULL where texts were not compared. data, text, settings, errors: as of `dedup`.

    >>> import refinery
    >>> refinery.duplicates(["Twice.", "Once.", "twice"]).to_pylist()
    [{'row': 2, 'rule': 'dedup.exact', 'duplicate_of_row': 0, 'similarity': 1.0}]
    """
    frame = as_frame(data, text)
    return like(frame, _find(frame, text, settings))


def _find(frame: Any, text: str, settings: Mapping[str, Any]) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    from refinery.api.documents import TableDocuments, map_units
    from refinery.definition.guards import Guards
    from refinery.definition.validate import validate
    from refinery.filters.verb import DROPPED_RECORD
    from refinery.run.guards import acting, duplicates_of_one

    share = {name: settings[name] for name in settings if name == DUPLICATES_OF_ONE}
    guards = validate(Guards, share)
    verb = _verb({name: value for name, value in settings.items() if name != DUPLICATES_OF_ONE})
    with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
        ranking = frozenset(need.column for need in verb.needed if need.ranks)
        documents = TableDocuments(frame, texts_of(frame, text), ranking, Path(folder))
        documents.measure(verb.own_measurers)
        work = Path(folder, "work")
        work.mkdir()
        outcome = verb.run([documents], map_units, work)
        trips = duplicates_of_one("dedup", ((one, f"row {one.kept}") for one in outcome.largest))
        for trip, _, action in acting(guards, trips):
            if action == "stop":
                raise RunError(f"{trip.sentence}; or give {DUPLICATES_OF_ONE}, the share that may go")
        parts = (outcome.dropped.read(number) for number in range(outcome.dropped.partitions))
        found = np.concatenate([np.empty(0, DROPPED_RECORD), *parts])
    found = found[np.argsort(found["document"])]
    similarity = found["similarity"]
    return pa.table(
        {
            "row": found["document"],
            "rule": pa.array(outcome.rules, pa.string()).take(pa.array(found["rule"])),
            "duplicate_of_row": found["duplicate_of"],
            "similarity": pa.array(similarity, mask=np.isnan(similarity)),
        }
    )


def _verb(settings: Mapping[str, Any]) -> Dedup:
    """Raises DefinitionError for what a table cannot be asked."""
    from refinery.dedup.settings import Settings
    from refinery.dedup.verb import build
    from refinery.definition.paths import HERE
    from refinery.definition.validate import validate
    from refinery.filters.ranking import ranking

    for key in ("by", "prefer"):
        if isinstance(settings.get(key), str):
            settings = {**settings, key: [settings[key]]}
    chosen = validate(Settings, settings)
    if chosen.against:
        raise DefinitionError("against: a table is compared with itself alone; `refinery.run` compares runs")
    if any(ranking(text)[0] == "source" for text in chosen.prefer):
        raise DefinitionError(
            "prefer: a table has no sources; the order of its rows is the order of preference"
        )
    return build(chosen, HERE)
