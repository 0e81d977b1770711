"""What readers are given and what they give: how a source is read, its shards, their documents and rejects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.sources.column_settings import Join, NamedColumn, Where
from refinery.sources.digest import PartDigest
from refinery.storage.place import Place
from refinery.storage.url import redact
from refinery.text.batch import TextBatch

Format = Literal[
    "auto", "parquet", "jsonl", "json", "csv", "arrow", "text", "html", "xml", "warc", "wet", "tar", "zip"
]
REJECT_BYTES = 512  # of memory, copies included: rejects fill a batch as text does
NO_COLUMNS = pa.RecordBatch.from_arrays([], schema=pa.schema([]))


@dataclass(frozen=True)
class SourceSpec:
    """How a source is read: everything that changes what a row is.

    path: absolute paths, URLs or globs; text, id: column names, dotted for nested ones (several of text are one, see
    `document_text`; id None: `id` if there is one, else minted); record: of XML, the element that is a row;
    max_document_bytes: a longer row is rejected; columns, keep, drop: how other columns are carried (keep None: all);
    where: rows for which it is not true are skipped; joins: tables with more columns of its documents; encoding: of
    JSON, CSV and text (None: UTF-8). Without any column of text a row's text is empty.
    """

    name: str
    path: tuple[str, ...]
    text: str | tuple[str, ...] = ("text",)
    id: str | None = None
    format: Format = "auto"
    record: str | None = None
    extractor: Literal["resiliparse", "trafilatura"] = "resiliparse"
    on_error: Literal["quarantine", "fail"] = "quarantine"
    binary_text: bool = False
    max_document_bytes: int = 100 * 2**20
    columns: tuple[NamedColumn, ...] = ()
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    where: Where | None = None
    joins: tuple[Join, ...] = ()
    encoding: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of the text."""
        return (self.text,) if isinstance(self.text, str) else self.text

    def table_of(self, column: str) -> str:
        """The identity of the joined table that has a column; nothing for a column of the files."""
        return next((j.identity for j in self.joins if column in (c.name for c in j.columns)), "")


class Cut(NamedTuple):
    """What of a file is one shard, as in `Shard`; it follows from the file's content alone."""

    start: int
    stop: int
    first_row: int
    rows: int | None
    bytes: int


class FilePlan(NamedTuple):
    """How a file is cut, its carried columns as far as they are known before reading, those that refinery made."""

    cuts: tuple[Cut, ...]
    carried: pa.Schema
    made: tuple[str, ...] = ()

    @classmethod
    def uncut(cls, whole: Shard, carried: pa.Schema) -> FilePlan:
        """Of a file that is one shard."""
        return cls((Cut(0, -1, 0, None, whole.bytes),), carried, whole.made)


@dataclass(frozen=True, slots=True)
class Pack:
    """Of a shard that has several small files: their number, and where those lie that tell about them.

    files: the list of them (packs.write_members); lineage: how many rows each has (lineage.write_lineage), once they
    have been read.
    """

    count: int
    files: Place
    lineage: Place


@dataclass(frozen=True, slots=True)
class Shard:
    """A file, or a run of row groups (Parquet) or of bytes (plain JSONL) in one; `stop` is -1 at the file's end.

    Or several small files: then `pack` tells which, `path` is what stands before the path of each below the root, and
    `relative_path` the first of those; where a row of a shard comes from, `lineage` tells of both.

    index: order in the source; rows: documents and rejects together, where known before reading; bytes: data to
    read; identity: of the file (`identity.identity_of`); first_row: rows of the file before it, of JSON Lines known
    when those have been read (0 until then); made: columns that refinery itself added when it wrote the file, which
    are not carried on; stamp: of the file when it was planned; covered: whether its identity covers
    all content; part: its place among the `parts` shards of its file; limit: of so many of its documents a sample
    is read, 0: of all (`sources.limit`); archived: of archives, where the list of the files in them lies
    (lineage.write_lineage), once they have been read.
    """

    source: str
    path: str
    relative_path: str
    format: str
    start: int
    stop: int
    index: int
    rows: int | None
    bytes: int
    identity: str
    first_row: int = 0
    made: tuple[str, ...] = ()
    stamp: str = ""
    covered: bool = False
    part: int = 0
    parts: int = 1
    pack: Pack | None = None
    limit: int = 0
    archived: Place | None = None

    @property
    def name(self) -> str:
        """What errors, logs and reports call it; no secrets of a URL."""
        if self.pack:
            return f"{redact(self.path + self.relative_path)} and the {self.pack.count - 1} files after it"
        place = redact(self.path)
        if self.start == 0 and self.stop == -1:
            return place
        kind = "row groups" if self.format == "parquet" else "bytes"
        return f"{place} ({kind} {self.start} to {'the end' if self.stop == -1 else self.stop})"


@dataclass(frozen=True)
class Reject:
    """A row that could not be read: its number in the shard, a reason in one snake_case word, what was found."""

    row: int
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Documents:
    """Accepted rows of a shard in order, and the rows rejected among them.

    rows: int64, number of each in its shard, counted from the shard's first row; text: large_string, valid UTF-8
    without NULL; ids: as in the source; minted: bool, the rows for which the source has none, NULL in `ids`, strings
    then (`ids.with_minted` puts them in); columns: the carried columns asked for; skipped: records that are no
    documents at all (WARC requests, other types of content), counted by reason; nulled: values that do not fit the
    type that the source gives their column, counted by column; unmatched: documents without a row of a joined table,
    counted by the table (`Join.identity`); file: of an archive, the file in it that the rows are of, below the root.
    """

    rows: NDArray[np.int64]
    text: pa.Array
    ids: pa.Array
    minted: NDArray[np.bool_]
    columns: pa.RecordBatch
    rejects: tuple[Reject, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    nulled: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    file: str = ""

    @classmethod
    def rejected(cls, rejects: tuple[Reject, ...]) -> Documents:
        """Rejects alone."""
        nothing = pa.array([], pa.large_string())
        return cls(np.zeros(0, np.int64), nothing, pa.nulls(0), np.zeros(0, bool), NO_COLUMNS, rejects)

    @property
    def end(self) -> int:
        """The row after the last one, which a reject may be: what cannot be read of a file counts as one."""
        last = int(self.rows[-1]) if len(self.rows) else -1
        return max(last, self.rejects[-1].row if self.rejects else -1) + 1

    def moved(self, start: int) -> Documents:
        """The same of a file of which the first row is row `start` of the shard."""
        if start == 0:
            return self
        rejects = tuple(replace(reject, row=reject.row + start) for reject in self.rejects)
        return replace(self, rows=self.rows + start, rejects=rejects)

    def filter(self, mask: NDArray[np.bool_]) -> Documents:
        """The accepted rows where `mask` is set; rejects and counts stay."""
        chosen = pa.array(np.flatnonzero(mask))
        columns = self.columns.take(chosen) if self.columns.num_columns else self.columns
        text, ids = self.text.take(chosen), self.ids.take(chosen)
        return replace(
            self, rows=self.rows[mask], text=text, ids=ids, minted=self.minted[mask], columns=columns
        )

    def slice(self, start: int, stop: int) -> Documents:
        """The accepted rows from `start` to `stop`, no copies, without the rejects."""
        size = stop - start
        columns = self.columns.slice(start, size) if self.columns.num_columns else self.columns
        text, ids = self.text.slice(start, size), self.ids.slice(start, size)
        return Documents(self.rows[start:stop], text, ids, self.minted[start:stop], columns)


class FileRows(NamedTuple):
    """A file of a pack or an archive: its path below the source's root, its rows, its hash as in `Description`."""

    path: str
    rows: int
    hash: str


@dataclass
class Description:
    """What a whole read of a shard finds out beside its documents; `read_documents` fills it in.

    rows: its lines, rows or records, whatever came of them; carried: its columns beside text and id; id_types:
    those of its batches' ids, null where none has one; hash: of the shard's part
    of its file, empty where its identity covers all content; digest: takes it as the file is read; files: of a pack,
    for each file what `lineage` keeps; archived: the same of each file in archives.
    """

    rows: int = 0
    carried: pa.Schema = field(default_factory=lambda: pa.schema([]))
    id_types: set[pa.DataType] = field(default_factory=set)
    hash: str = ""
    digest: PartDigest | None = None
    files: list[FileRows] = field(default_factory=list)
    archived: list[FileRows] = field(default_factory=list)


class Request(NamedTuple):
    """What is asked of a reader beside the shard.

    carry: the schema of the columns to read beside text and id (None: no others are decoded); wanted: ascending row
    numbers, only these are read; batch_bytes: of text, about, in a batch; description: filled in by a read of all.
    """

    spec: SourceSpec
    carry: pa.Schema | None
    wanted: NDArray[np.int64] | None
    batch_bytes: int
    description: Description | None


class ShardDocuments(Protocol):
    """The documents of a shard as a verb or a maker sees them; picklable and small, read from files when asked."""

    @property
    def name(self) -> str:
        """What a user knows the shard by."""

    @property
    def source(self) -> str:
        """Its source."""

    @property
    def trust(self) -> int:
        """The place of its source in the trust order, from 0."""

    @property
    def earlier(self) -> bool:
        """Whether it is of the corpus that `against` names: looked at, never dropped."""

    @property
    def rows(self) -> int:
        """Its documents, whether or not they come to the verb."""

    @property
    def arrived(self) -> int:
        """Its documents that come to the verb."""

    @property
    def bytes(self) -> int:
        """Bytes of its data, more than all measurements of it."""

    def identities(self) -> NDArray[np.uint64]:
        """A hash of each document's identity: its source, its file's path below the root, its row in the file."""

    def arrives(self) -> NDArray[np.bool_]:
        """Which of its documents come to the verb."""

    def came_by(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """bool (names, rows): which of its documents come to the verb from stages or sources that its own is from."""

    def ranked_type(self, column: str) -> pa.DataType:
        """The type that a column that ranks has in all shards."""

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Columns that the verb needs, of every document; NULL where the shard does not have one.

        What ranks has the type that it has in all shards. Of others, JSON values of several types are JSON text, as
        their field says (storage.marks.is_json_text).
        """

    def measured(self, column: str) -> Place:
        """The file with a column of the verb's own measurers, row-aligned with the documents."""

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        """Texts of documents given by ascending positions, after the stage's transforms."""
