"""Looking up documents in the tables that are joined to their source.

A table lies as an Arrow file in the order of the hashes of its keys, and is mapped into memory: workers share its
pages, and hold none that no document asks for. A hash only finds the row; the key itself is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.errors import DamagedFile
from refinery.sources.cast import cast
from refinery.sources.column_settings import Join
from refinery.sources.ids import id_texts
from refinery.storage.place import Place, read_file
from refinery.text.batch import TextBatch

TABLE = "table.arrow"
NULLED = b"refinery.nulled"  # metadata of its schema: values of a wrong type, by column, as JSON
_BETWEEN = "\x1f"  # the parts of a key
HASH, KEY = "refinery.hash", "refinery.key"  # its columns before those of the join


@dataclass(frozen=True)
class JoinedTable:
    """A table in the order of the hashes of its keys.

    hashes: uint64 (rows,), ascending; keys: large_string (rows,); columns: the values.
    """

    hashes: NDArray[np.uint64]
    keys: pa.Array
    columns: pa.RecordBatch

    def rows_of(self, keys: pa.Array) -> pa.Array:
        """int64: the row of each key (`key_texts`), NULL where there is none."""
        rows = np.full(len(keys), -1)
        at = np.searchsorted(self.hashes, wanted := key_hashes(keys))
        waiting = np.asarray(keys.is_valid().to_numpy(zero_copy_only=False), bool) & (len(self.hashes) > 0)
        while waiting.any():  # again only for other keys of the same hash
            here = np.flatnonzero(waiting)
            there = np.minimum(at[here], len(self.hashes) - 1)
            hashed = (at[here] < len(self.hashes)) & (self.hashes[there] == wanted[here])
            same = pc.equal(self.keys.take(pa.array(there)), keys.take(pa.array(here)))
            met = hashed & same.to_numpy(zero_copy_only=False).astype(bool)
            rows[here[met]] = there[met]
            waiting[here[~hashed | met]] = False
            at += 1
        return pa.array(rows, mask=rows < 0)


def look_up(join: Join, keys: pa.Array) -> tuple[dict[str, pa.Array], NDArray[np.bool_]]:
    """The values that a table has for keys (`key_texts`), by column, and which keys it has.

    Raises DamagedFile when the table is not as it was written, or gone.
    """
    if join.table is None:
        raise ValueError(f"the table of {join.on} is looked up before it is planned")
    with _damage(join.table):
        table = _opened(join.table, _stamp(join.table))
    rows = table.rows_of(keys)
    values = {column.name: table.columns.column(column.name).take(rows) for column in join.columns}
    return values, np.asarray(rows.is_valid().to_numpy(zero_copy_only=False), bool)


def nulled_in(join: Join) -> dict[str, int]:
    """How many values of a table did not fit the type of their column, and are NULL; raises DamagedFile."""
    if join.table is None:
        return {}
    with _damage(join.table), pa.ipc.open_file(_source(join.table)) as file:
        found: dict[str, int] = orjson.loads((file.schema.metadata or {}).get(NULLED, b"{}"))
    return found


def key_name(join: Join) -> str:
    """What a table calls its key, quoted."""
    return ", ".join(map(repr, join.key))


def key_shown(key: object) -> str:
    """A key as people read it.

    >>> key_shown(combined_keys([pa.array(["BGH"]), pa.array(["1"])])[0].as_py())
    'BGH, 1'
    """
    return str(key).replace(_BETWEEN, ", ")


def combined_keys(parts: Sequence[pa.Array]) -> pa.Array:
    """One key of each row of several (`key_texts`), NULL where one of them is; no two keys become one."""
    if len(parts) == 1:
        return parts[0]
    escaped = [
        pc.replace_substring(pc.replace_substring(one, "\x1e", "\x1e\x1e"), "\x1f", "\x1e\x1d")
        for one in parts
    ]
    return pc.binary_join_element_wise(*escaped, pa.scalar(_BETWEEN, escaped[0].type))


def key_texts(values: pa.Array, from_json: bool = False) -> pa.Array:
    """large_string: keys by their text, whatever they were read as; "" and NaN are NULL.

    12, "12" and 12.0 are one key. from_json: the values are JSON texts.
    """
    if from_json:
        values = cast(values, "string", from_json=True)[0]
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**63))
        numbers = pc.if_else(whole, values, None).cast(pa.int64(), safe=False)
        texts = pc.coalesce(numbers.cast(pa.large_string()), values.cast(pa.large_string()))
    else:
        texts = id_texts(values).cast(pa.large_string())
    return pc.if_else(pc.equal(texts, ""), None, texts)


def key_hashes(keys: pa.Array) -> NDArray[np.uint64]:
    """uint64 (keys,): by which tables are in order; 0 for NULL."""
    from refinery.text.hashing import text_hashes  # to check a definition imports no Numba

    return text_hashes(TextBatch.from_arrow(keys))


def write_joined_table(place: Path, table: pa.Table) -> None:
    """Writes a table that begins with HASH and KEY and is in their order."""
    with pa.OSFile(str(place), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write_batch(batch)


def _stamp(folder: Place) -> tuple[int, ...]:
    """What is another once the table is made again; of an object, which is held whole, nothing."""
    if not isinstance(folder, Path):
        return ()
    found = (folder / TABLE).stat()
    return found.st_ino, found.st_mtime_ns


@lru_cache(maxsize=16)
def _opened(folder: Place, stamp: tuple[int, ...]) -> JoinedTable:
    (batch,) = pa.ipc.open_file(_source(folder)).read_all().combine_chunks().to_batches()
    columns = batch.select([name for name in batch.schema.names if name not in {HASH, KEY}])
    return JoinedTable(batch.column(HASH).to_numpy(), batch.column(KEY), columns)


def _source(folder: Place) -> pa.NativeFile | bytes:
    return pa.memory_map(str(folder / TABLE)) if isinstance(folder, Path) else read_file(folder / TABLE)


@contextmanager
def _damage(folder: Place) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(str(folder / TABLE), f"cannot be read: {error}") from None
