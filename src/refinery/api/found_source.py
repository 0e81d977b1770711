"""What lies in a folder as sources of a definition: how it is read, where its texts are, and a sample of them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count, islice
from pathlib import Path

import pyarrow as pa

from refinery.api.transform import transform
from refinery.api.xml_record import propose_record
from refinery.definition.yaml import yaml_scalar
from refinery.errors import InputError, StorageError
from refinery.sources.column_settings import Where
from refinery.sources.compression import DamagedError, head
from refinery.sources.document_text import is_textual
from refinery.sources.documents import SourceSpec
from refinery.sources.encoding import other_encoding
from refinery.sources.find import find
from refinery.sources.formats import DOCUMENT_FILES, format_of, named_format
from refinery.sources.heads import spread
from refinery.sources.identity import HEAD, file_head
from refinery.sources.read import read_documents
from refinery.sources.shards import head_schemas, list_shards
from refinery.sources.source_columns import WHERE
from refinery.sources.types import is_list
from refinery.storage.marks import OWNER, RECORDS, records_of
from refinery.storage.place import exists

# What texts are called, the first that are there; several are one document.
TEXT_COLUMNS = (
    ("messages",), ("conversations",), ("conversation",), ("instruction", "input", "output"),
    ("instruction", "output"), ("instruction", "response"), ("question", "answer"), ("prompt", "completion"),
    ("prompt", "response"), ("title", "text"), ("text",), ("title", "content"), ("content",), ("title", "body"),
    ("body",), ("raw_content",), ("article",), ("document",), ("title", "abstract"), ("abstract",), ("answer",),
)  # fmt: skip
SAMPLE = 200  # documents of a source that are looked at
_SKIPPED = re.compile(
    r"[._].*|out|node_modules|venv|__pycache__|package\.json|requirements.*\.txt|robots\.txt"
    r"|(readme|licen[cs]e|changelog|notice)\b.*",
    re.I,
)
_ENCODED = {"json", "jsonl", "csv", "text"}  # formats whose files have an encoding
_TRIED = 24  # columns, for a text that is called otherwise
_WHOLE = DOCUMENT_FILES | {"warc", "wet"}  # formats whose text is no column
_MEASURED = ("lang", "lang_score")  # what the rules of a first definition read
_HTML = re.compile(r"(?i)</(p|div|body|html|li|td)>")
_NAME = 48  # characters of a name, so that what is put before and after it has room
_FILES = 8  # whose first documents are looked at
_OFTEN = 0.1  # of the documents: as many that lack a part of their text are told
_LONG = 40  # characters: what is shorter on average is no text


@dataclass(frozen=True)
class FoundSource:
    """Files that are read alike, as a source has them.

    html: whether a column has web pages; clashes: columns that are called as what is measured; texts: a sample;
    problem: why the files cannot be read as they are; note: how many of the first rows have no text; where: what
    leaves out the documents that lack the last column of their text, if many do, and where_note: how many.
    """

    name: str
    path: str
    text: tuple[str, ...] = ("text",)
    record: str | None = None
    encoding: str | None = None
    html: bool = False
    clashes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    problem: str = ""
    note: str = ""
    where: str = ""
    where_note: str = ""


def found_sources(base: Path, progress: Callable[[str], object] | None = None) -> list[FoundSource]:
    """The folders in a folder that hold what can be read, and the files in it by their ending.

    progress: is called with each of them before it is looked at.
    """
    found: list[FoundSource] = []
    for name, path in _candidates(base):
        if progress:
            progress(path)
        found.append(look_at((str(base / path),), _free(name, {one.name for one in found}), path))
    return found


def plain_name(text: str, *, without: str = "source") -> str:
    """A name as definitions want it; `without` where the text has no letter or digit that names can have.

    >>> plain_name("données 2"), plain_name("2024"), plain_name("刑法"), plain_name("true")
    ('donnees-2', 'd-2024', 'source', 'd-true')
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    found = re.sub(r"[^A-Za-z0-9_-]+", "-", letters)[:_NAME].strip("-_")
    if not found:
        return without
    return found if found[0].isalpha() and yaml_scalar(found) == found else f"d-{found}"


def _candidates(base: Path) -> Iterator[tuple[str, str]]:
    """Names and paths of what may be sources: folders, and endings of the files that lie beside each other."""
    endings = Counter[str]()
    for entry in sorted(base.iterdir()):
        if _SKIPPED.fullmatch(entry.name) or entry.name.endswith(RECORDS):
            continue
        if entry.is_dir():
            if not exists(records_of(entry) / OWNER) and _holds_data(entry):
                yield plain_name(entry.name), entry.name
        elif named_format(entry.name) is not None:
            endings[entry.name.partition(".")[2]] += 1
    taken = len(endings)
    for ending in sorted(endings):
        yield plain_name(ending.partition(".")[0] if taken > 1 else "data"), f"*.{ending}"


def _holds_data(folder: Path) -> bool:
    return any(named_format(file.name) is not None for file in islice(folder.rglob("*"), 10_000))


def _free(name: str, taken: set[str]) -> str:
    """The name, or one like it that no source and no stage has."""
    if name in {"screened", "unique"} or name.startswith("screened-"):
        name = f"source-{name}"
    numbered = (f"{name}-{n}" for n in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def look_at(paths: tuple[str, ...], name: str, written: str) -> FoundSource:
    """How files are read: by the first columns that texts are called by, else by the one with the longest texts.

    written: what a definition has for the paths.
    """
    try:
        spec = _as_their_heads_tell(SourceSpec(name, paths))
    except (InputError, StorageError, OSError, DamagedError) as error:
        return FoundSource(name, written, problem=_problem(error))
    texts: tuple[str, ...] = ()
    problem = note = ""
    for columns in [spec.texts] if spec.record else _text_columns(spec):
        tried = replace(spec, text=columns)
        found, without, wrong = _first_texts(tried)
        problem = problem or wrong
        if found and (not texts or _mean_length(found) > _mean_length(texts)):
            spec, texts, note = tried, found, without
        if found and columns in TEXT_COLUMNS:
            break
    if not texts or (spec.texts not in TEXT_COLUMNS and not spec.record and _mean_length(texts) < _LONG):
        lacking = (
            "no column holds texts: name one by `text`" if _columns(spec) else "there is no document in it"
        )
        return FoundSource(name, written, problem=problem or lacking)
    html = 2 * sum(bool(_HTML.search(text)) for text in texts) > len(texts)
    if html:
        texts = tuple(transform(list(texts), ["html"]).column("text").to_pylist())
    clashes = tuple(name for name in _MEASURED if name in _columns(spec))
    lack = _lack_of_last(spec) if len(spec.texts) > 1 else ("", "")
    return FoundSource(
        name, written, spec.texts, spec.record, spec.encoding, html, clashes, texts, "", note, *lack
    )


def _as_their_heads_tell(spec: SourceSpec) -> SourceSpec:
    """With the record of XML and the encoding of what is not UTF-8."""
    files = spread(find(spec.path).files)
    heads = [(file, head(file.path, file_head(file.path, file.state.size), HEAD)) for file in files]
    formats = [(format_of(file.relative, partial(bytes, content)), content) for file, content in heads]
    marked = [content for format, content in formats if format == "xml"]
    if marked and 2 * len(marked) > len(formats) and (found := propose_record(marked)):
        return replace(spec, record=found.record, text=found.text)
    encodings = (other_encoding(content) for format, content in formats if format in _ENCODED)
    return replace(spec, encoding=next(filter(None, encodings), None))


def _text_columns(spec: SourceSpec) -> Iterator[tuple[str, ...]]:
    """Columns that are there and may be texts: what texts are called, then each other."""
    there = [name for field in _columns(replace(spec, text=())).values() for name in _paths(field)]
    yield from (columns for columns in TEXT_COLUMNS if set(columns) <= set(there))
    if not there:
        yield ("text",)
    yield from ((name,) for name in islice(there, _TRIED) if (name,) not in TEXT_COLUMNS)


def _columns(spec: SourceSpec) -> dict[str, pa.Field]:
    """Columns beside the text, as the first files tell; none where files are documents."""
    return {
        field.name: field
        for place, schema in islice(head_schemas(spec), 2)
        if named_format(place) not in _WHOLE
        for field in schema
    }


def _paths(field: pa.Field) -> Iterator[str]:
    """The names of textual columns, dotted for those inside of others."""
    kind = field.type
    if is_textual(kind):
        yield field.name
        return
    while is_list(kind):
        kind = kind.value_type
    if pa.types.is_struct(kind):
        yield from (f"{field.name}.{name}" for one in kind for name in _paths(one))


def _first_texts(spec: SourceSpec) -> tuple[tuple[str, ...], str, str]:
    """Texts from the beginnings of some files, how many rows there have none, and the first problem."""
    texts: list[str] = []
    problem = ""
    rows = 0
    without = Counter[str]()
    try:
        shards = spread(list_shards(spec).shards)[:_FILES]
    except (InputError, StorageError) as error:
        return (), "", _problem(error)
    for shard in shards:
        try:
            batch = next(iter(read_documents(shard, spec)), None)
        except (InputError, StorageError) as error:
            problem = problem or _problem(error)
            continue
        if batch is not None:
            found = batch.text.to_pylist()
            rows += len(found) + len(batch.rejects)
            without.update(reject.reason for reject in batch.rejects)
            without["empty"] += sum(not text.strip() for text in found)
            texts += found[: SAMPLE // len(shards)]
    return tuple(texts), _note(rows, +without), problem


def _lack_of_last(spec: SourceSpec) -> tuple[str, str]:
    """What leaves out documents of which the last column of the text is empty, and how many are; nothing if few."""
    column = spec.texts[-1]
    if "." in column:  # which a condition cannot name
        return "", ""
    where = f"{column if re.fullmatch(r'[A-Za-z_]+', column) else json.dumps(column)} <> ''"
    whole = replace(spec, where=Where(where, ((column, "string"),)))
    there = empty = 0
    with suppress(InputError, StorageError):
        for shard in spread(list_shards(spec).shards)[:_FILES]:
            if batch := next(iter(read_documents(shard, whole)), None):
                there += len(batch.rows)
                empty += batch.skipped.get(WHERE, 0)
    if empty < max(1, _OFTEN * (there + empty)):
        return "", ""
    return where, f"of the first {there + empty} documents {empty} have no {column}"


def _note(rows: int, without: Counter[str]) -> str:
    """How many of the first rows have no text, and why most of them have none."""
    if not without:
        return ""
    return f"{without.total()} of the first {rows} rows have no text, most: {without.most_common(1)[0][0]}"


def _problem(error: Exception) -> str:
    return error.problem if isinstance(error, InputError) else str(error)


def _mean_length(texts: tuple[str, ...]) -> float:
    return sum(map(len, texts)) / len(texts)
