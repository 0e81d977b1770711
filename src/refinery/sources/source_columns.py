"""The columns of a source as its definition wants them: left out, named, cast, joined; and the rows that are chosen.

Readers know nothing of it. They are asked for columns by the names that the files have, and what they give is turned
into what the source carries, batch by batch. A second read of the same rows gives the same and judges none again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.sources.cast import cast
from refinery.sources.column_settings import FILE, Join, NamedColumn
from refinery.sources.documents import Documents, Reject, Shard, SourceSpec
from refinery.sources.joined_table import combined_keys, key_name, key_shown, key_texts, look_up
from refinery.sources.nested import find_values
from refinery.sources.schema import json_column
from refinery.sources.source_schema import RawFields
from refinery.storage.marks import is_json_text

WHERE, WRONG_TYPE, NO_MATCH = "where", "wrong_type", "no_match"  # why rows are skipped, and rejected


@dataclass(frozen=True)
class SourceColumns:
    """How the rows of a shard become those of its source.

    carry: what the source carries; raw_fields: what the file can be asked for; judged: whether rows are chosen, as in
    a read of all of them; counted: whether values that do not fit are counted, and documents without a joined row.
    """

    shard: Shard
    spec: SourceSpec
    carry: pa.Schema | None
    raw_fields: RawFields
    judged: bool
    counted: bool

    @cached_property
    def as_they_are(self) -> bool:
        """Whether there is nothing to do."""
        spec = self.spec
        return not (spec.columns or (spec.joins and self._joins) or (spec.where and self.judged))

    @cached_property
    def raw(self) -> pa.Schema | None:
        """What to ask the reader for: columns to carry as they are, then those that are looked at."""
        if self.as_they_are:
            return self.carry
        fields = [*self._direct, *self._looked_at]
        return pa.schema(fields) if fields or self.carry is not None else None

    def __call__(self, run: Documents) -> Documents:
        """The rows as the source has them.

        Raises InputError for a value that `where` cannot judge, DamagedFile for a joined table that is damaged.
        """
        if self.as_they_are or not len(run.rows):
            return self._empty(run)
        width = len(self._direct)
        fields = self._looked_at
        looked_at = pa.RecordBatch.from_arrays(run.columns.columns[width:], schema=pa.schema(fields))
        values, misfits = self._cast(looked_at, len(run.rows))
        rejects = self._rejects(run, looked_at, misfits)
        good = np.ones(len(run.rows), np.bool_)
        for column in self._casts:
            good &= ~misfits[column.name] if column.reject and self.judged else True
        unmatched: dict[str, NDArray[np.bool_]] = {}
        for join in self._joins:
            keys = self._keys(join, run, looked_at)
            found, matched = look_up(join, keys)
            values |= found
            if join.reject and self.judged:
                rejects += _unmatched(join, keys, good & ~matched, run)
                good &= matched
            elif self.counted:
                unmatched[join.identity] = ~matched
        if len(self.spec.texts) == 1 and self.spec.where and self.judged:
            values |= {self.spec.texts[0]: run.text}
        chosen = good & self._chosen(run, looked_at, values, good)
        columns = pa.RecordBatch.from_arrays(
            self._carried(run, looked_at, values), schema=self.carry or pa.schema([])
        )
        kept = replace(run, columns=columns, rejects=(), skipped={}).filter(chosen)
        skipped = {**run.skipped, **({WHERE: n} if (n := int((good & ~chosen).sum())) else {})}
        nulled = {
            c.name: int(n) for c in self._casts if not c.reject and (n := (misfits[c.name] & chosen).sum())
        }
        all_rejects = tuple(sorted((*run.rejects, *rejects), key=lambda reject: reject.row))
        return replace(
            kept,
            rejects=all_rejects,
            skipped=skipped,
            nulled=nulled if self.counted else {},
            unmatched={table: int((absent & chosen).sum()) for table, absent in unmatched.items()},
        )

    def _empty(self, run: Documents) -> Documents:
        if self.as_they_are or len(run.rows):
            return run
        return replace(run, columns=pa.RecordBatch.from_pylist([], schema=self.carry or pa.schema([])))

    @cached_property
    def _named(self) -> dict[str, NamedColumn]:
        return {column.name: column for column in self.spec.columns}

    @cached_property
    def _joins(self) -> list[Join]:
        """The joins that are looked up: for a column that is read, to reject rows, or to count."""
        wanted = set(self._wanted)
        return [
            join
            for join in self.spec.joins
            if self.counted
            or (join.reject and self.judged)
            or any(column.name in wanted for column in join.columns)
        ]

    @cached_property
    def _joined(self) -> set[str]:
        return {column.name for join in self.spec.joins for column in join.columns}

    @cached_property
    def _wanted(self) -> list[str]:
        """What is carried, and what `where` reads."""
        read = [name for name, _ in self.spec.where.types] if self.judged and self.spec.where else []
        return [*(self.carry.names if self.carry is not None else ()), *read]

    @cached_property
    def _direct(self) -> list[pa.Field]:
        """Columns that the reader gives as they are carried."""
        direct = []
        for field in self.carry or ():
            column = self._named.get(field.name)
            if field.name in self._joined:
                continue
            if column is None:
                direct.append(field)
            elif not _is_looked_up(column):
                direct.append(field.with_name(column.origin))
        return direct

    @cached_property
    def _casts(self) -> list[NamedColumn]:
        wanted = set(self._wanted)
        return [
            column
            for column in self.spec.columns
            if column.type and (self.counted or column.name in wanted or (column.reject and self.judged))
        ]

    @cached_property
    def _looked_at(self) -> list[pa.Field]:
        """Columns that are cast, are taken out of others, or that `where` reads, in the types that the file has."""
        names = [column.origin for column in self._casts]
        carried = self.carry.names if self.carry is not None else ()
        names += [c.origin for c in self.spec.columns if c.name in carried and _is_looked_up(c)]
        if self.judged and self.spec.where:
            read = [n for n, _ in self.spec.where.types if n not in self._joined and (n,) != self.spec.texts]
            names += [self._origin(name) for name in read if not self._is_id(name)]
        names += [self._origin(on) for join in self._joins for on in join.on if not self._is_known(on)]
        return list(self.raw_fields(dict.fromkeys(names)))

    def _origin(self, name: str) -> str:
        return self._named[name].origin if name in self._named else name

    def _is_known(self, on: str) -> bool:
        """Whether what is joined on is no column that is to be read: the path of the file, or the id."""
        return on == FILE or self._is_id(on)

    def _is_id(self, name: str) -> bool:
        return self._origin(name) == (self.spec.id or "id")

    def _keys(self, join: Join, run: Documents, looked_at: pa.RecordBatch) -> pa.Array:
        return combined_keys([self._key(on, run, looked_at) for on in join.on])

    def _key(self, on: str, run: Documents, looked_at: pa.RecordBatch) -> pa.Array:
        if on == FILE:
            return key_texts(pa.repeat(run.file or self.shard.relative_path, len(run.rows)))
        if self._is_known(on):
            return key_texts(run.ids)
        return key_texts(*find_values(looked_at, self._origin(on), len(run.rows)))

    def _cast(
        self, looked_at: pa.RecordBatch, size: int
    ) -> tuple[dict[str, pa.Array], dict[str, NDArray[np.bool_]]]:
        values, misfits = {}, {}
        for column in self._casts:
            found, from_json = find_values(looked_at, column.origin, size)
            values[column.name], misfits[column.name] = cast(found, column.type, from_json=from_json)  # type: ignore[arg-type]
        return values, misfits

    def _rejects(
        self, run: Documents, looked_at: pa.RecordBatch, misfits: dict[str, NDArray[np.bool_]]
    ) -> list[Reject]:
        rejects: dict[int, Reject] = {}
        for column in self._casts if self.judged else ():
            for row in np.flatnonzero(misfits[column.name]) if column.reject else ():
                value = find_values(looked_at, column.origin, len(run.rows))[0][row].as_py()
                detail = f"{column.origin!r} is no {column.type}: {str(value)[:100]}"
                rejects.setdefault(int(row), Reject(int(run.rows[row]), WRONG_TYPE, detail))
        return list(rejects.values())

    def _chosen(
        self, run: Documents, looked_at: pa.RecordBatch, values: dict[str, pa.Array], good: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """The rows for which `where` is true; an id is a text, NULL where it is to be minted."""
        where = self.spec.where
        if where is None or not self.judged:
            return good
        from refinery.sources.sql import is_true

        values = values | {name: run.ids for name, _ in where.types if self._is_id(name)}
        columns = {}
        for name, kind in where.types:
            raw, from_json = (
                (values[name], False)
                if name in values
                else find_values(looked_at, self._origin(name), len(good))
            )
            columns[name], misfits = cast(raw, kind, from_json=from_json)
            if (misfits & good).any():
                value = raw[int(np.flatnonzero(misfits & good)[0])].as_py()
                raise InputError(
                    self.shard.name,
                    f"`where` reads {name!r}, of which a value is no {kind}: {str(value)[:100]}",
                    f"give it a type: `columns: {{{name}: {{type: {kind}}}}}` makes NULL of others",
                )
        return is_true(where.sql, columns)

    def _carried(
        self, run: Documents, looked_at: pa.RecordBatch, values: dict[str, pa.Array]
    ) -> list[pa.Array]:
        """The columns of `carry`."""
        direct = iter(run.columns.columns)
        found = []
        for field in self.carry or ():
            column = self._named.get(field.name)
            if field.name in self._joined:
                found.append(values[field.name].cast(field.type))
            elif column is None or not _is_looked_up(column):
                found.append(next(direct))
            elif column.type:
                found.append(values[column.name].cast(field.type))
            else:
                raw, from_json = find_values(looked_at, column.origin, len(run.rows))
                found.append(_untyped(raw, field) if from_json else raw.cast(field.type))
        return found


def _unmatched(join: Join, keys: pa.Array, rows: NDArray[np.bool_], run: Documents) -> list[Reject]:
    return [
        Reject(
            int(run.rows[row]),
            NO_MATCH,
            f"the table has no {key_name(join)} {key_shown(keys[row].as_py())[:100]}",
        )
        for row in np.flatnonzero(rows)
    ]


def _is_looked_up(column: NamedColumn) -> bool:
    """Whether a reader cannot give it as it is carried."""
    return column.type is not None or "." in column.origin


def _untyped(texts: pa.Array, field: pa.Field) -> pa.Array:
    if is_json_text(field):
        return texts
    return json_column([None if text is None else orjson.loads(text) for text in texts.to_pylist()], field)
