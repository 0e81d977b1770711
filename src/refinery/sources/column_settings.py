"""What a source says of the columns of its documents: names, chosen rows, joined tables."""

from __future__ import annotations

from dataclasses import dataclass

from refinery.sources.types import TypeName
from refinery.storage.place import Place

FILE = "path"  # what the path of a document's file below its source's root is called, where columns are named


@dataclass(frozen=True)
class NamedColumn:
    """A column that a source names or casts: `origin`, dotted for a nested one, is what its files call it.

    type: None as it is; reject: a value that does not fit rejects its row, else it is NULL and counted.
    """

    name: str
    origin: str
    type: TypeName | None = None
    reject: bool = False


@dataclass(frozen=True)
class Where:
    """A condition on the columns of a row, SQL; types: of those that it reads, by name."""

    sql: str
    types: tuple[tuple[str, TypeName], ...]


@dataclass(frozen=True)
class Join:
    """A table beside the documents: a document has the values of the row that has its key.

    path: as of a source; on: columns of the documents, or FILE; key: those of the table; columns: of the table, all
    with a type; reject: a document without a row is rejected, else its values are NULL; identity: names
    the table's content and what is taken of it; table: the folder where it lies to be looked up, once planned.
    """

    path: tuple[str, ...]
    on: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[NamedColumn, ...]
    reject: bool = False
    identity: str = ""
    table: Place | None = None
