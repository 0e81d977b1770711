"""Reading tar and zip: the files in an archive one after the other, in its order, each as a file of its own format.

A row is of the file in the archive, by its path below the source's root: `archive.zip/path/in/it` (`lineage`).
tar is read as a stream, compressed or not. Each file goes through a temporary one, so that any format can be read; an
archive in an archive is read, one in that is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.archived_files import LOCKED, Member, is_tar, members, opened_zip
from refinery.sources.documents import (
    Description,
    Documents,
    FilePlan,
    FileRows,
    Reject,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.encoding import head_as_utf8
from refinery.sources.foreign import foreign
from refinery.sources.formats import DOCUMENT_FILES, format_of
from refinery.sources.identity import HEAD, file_head
from refinery.sources.readers import READERS, Head, Reader
from refinery.sources.schema import json_column, unify
from refinery.sources.stray import stray_names
from refinery.sources.unpack import temporary_file
from refinery.storage.marks import is_json_text
from refinery.storage.url import redact

_is_stray = stray_names("")


def plan(whole: Shard, spec: SourceSpec, head: Head, shard_bytes: int) -> FilePlan:
    """One shard, of which no carried columns are known; raises InputError for no such archive, or a locked one."""
    if whole.format == "zip":
        with opened_zip(whole) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
        if files and all(info.flag_bits & LOCKED for info in files):
            raise InputError(redact(whole.path), "this zip file is protected by a password", "unpack it")
    elif not is_tar(head()):
        raise InputError(redact(whole.path), "this is not a tar file")
    return FilePlan.uncut(whole, pa.schema([]))


def columns(shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The columns beside text and id of the first file that has documents; raises InputError."""
    with suppress(compression.DamagedError):  # what reads it tells
        for member in members(shard, None):
            if _is_stray(member.name):
                continue
            with temporary_file(member.content, member.name) as path:
                found = _planned(path, member, shard, spec)
                if isinstance(found, Shard) and found.format in READERS:
                    return READERS[found.format].columns(found, spec, size)
    return pa.schema([])


def read(shard: Shard, request: Request) -> Iterator[Documents]:
    """The documents of all files; what cannot be read of one is a reject that names it, and the others are read.

    Raises InputError when the archive cannot be read at all, or values do not fit the columns of `carry`.
    """
    whole, wanted = request.description or Description(), request.wanted
    for run in _read_archive(shard, request, whole, inner=False):
        yield run if wanted is None else run.filter(np.isin(run.rows, wanted))


def _read_archive(
    shard: Shard, request: Request, description: Description, *, inner: bool
) -> Iterator[Documents]:
    rows = 0
    carried: dict[bytes, str] = {}  # with the first file that has it
    damage: list[str] = []
    try:
        for member in members(shard, description.digest):
            one, end = Description(archived=description.archived), 0
            listed, at = description.archived, len(description.archived)
            listed.append(FileRows(f"{shard.relative_path}/{member.path}", 0, ""))  # for who must stop within
            for run in _read_member(member, shard, request, one, damage, inner=inner):
                end = max(end, run.end)
                yield run.moved(rows)
            end = max(end, one.rows)
            rows += end
            left = end - sum(file.rows for file in listed[at:])  # of an archive beside the files in it
            if left:
                listed.append(listed[at]._replace(rows=left))
            del listed[at]
            carried.setdefault(one.carried.serialize().to_pybytes(), member.name)
    except compression.DamagedError as error:
        if not damage:  # else it has been told of the file in which it lies
            yield Documents.rejected((Reject(rows, "truncated_file", str(error)),))
            description.archived.append(FileRows(shard.relative_path, 1, ""))
            rows += 1
    schemas = [(name, pa.ipc.read_schema(pa.py_buffer(schema))) for schema, name in carried.items()]
    description.rows, description.carried = rows, unify(schemas)


def _read_member(
    member: Member,
    shard: Shard,
    request: Request,
    description: Description,
    damage: list[str],
    *,
    inner: bool,
) -> Iterator[Documents]:
    """The documents of one file; damage: takes what is wrong with the archive, met in the file."""
    if _is_stray(member.name):
        yield _skipped("stray_name")
        return
    end = 0
    before = len(damage)
    try:
        with temporary_file(_whole(member.content, damage), member.name) as path:
            file = _planned(path, member, shard, request.spec)
            if isinstance(file, str):
                yield _skipped(file)
                return
            broken = len(damage) > before
            if broken and file.format in DOCUMENT_FILES:  # half of a text is no document
                found: Iterator[Documents] = iter(())
            elif file.format not in ARCHIVES:
                if broken and file.format == "csv":
                    _drop_last_line(path)
                found = _read_file(file, request, description)
            elif inner:
                raise InputError(member.name, "this is an archive in an archive in an archive", "unpack it")
            else:
                found = _read_archive(file, request, description, inner=True)
            told = False
            for run in found:
                end = max(end, run.end)
                told = told or any(one.reason == "truncated_file" for one in run.rejects)
                yield run if run.file else replace(run, file=file.relative_path)
            end = max(end, description.rows)
            if len(damage) > before and not told:
                cut = Documents.rejected((Reject(end, "truncated_file", damage[-1]),))
                yield replace(cut, file=file.relative_path)
    except InputError as error:
        problem = error.problem + (f" ({error.hint})" if error.hint else "")
        yield Documents.rejected((Reject(end, "unreadable", problem),))


def _read_file(file: Shard, request: Request, description: Description) -> Iterator[Documents]:
    reader, carry = READERS[file.format], request.carry
    every = request._replace(wanted=None, description=description)
    asked = [field for field in carry or () if is_json_text(field)]
    if carry is None or not asked or not reader.typed:
        yield from reader.read(file, every)
        return
    own = reader.columns(file, request.spec, HEAD)  # what is asked for as JSON is read as what it is
    typed = pa.schema([own.field(f.name) if f in asked and f.name in own.names else f for f in carry])
    for run in reader.read(file, every._replace(carry=typed)):
        arrays = [
            json_column(column.to_pylist(), field) if field in asked else column
            for column, field in zip(run.columns.columns, carry, strict=run.columns.num_columns > 0)
        ]
        yield replace(run, columns=pa.RecordBatch.from_arrays(arrays, schema=carry)) if arrays else run


def content_head(path: str, raw: bytes, spec: SourceSpec) -> bytes:
    """The first bytes of a file that begins with `raw`, below any compression; as UTF-8 if they are text.

    The encoding of a source is that of the files in a tar archive, not of the archive. Raises NoDictionaryError for
    a file that can never be read, and OSError.
    """
    content = compression.head(path, raw, HEAD)
    return content if is_tar(content) else head_as_utf8(content, spec.encoding)


def _drop_last_line(path: Path) -> None:
    """Ends a file that was cut off after its last whole line: what is left of a row may pass for a whole one."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(end - compression.BLOCK, 0)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                file.truncate(start + newline + 1)
                return
            end = start
        file.truncate(0)


def _planned(path: Path, member: Member, archive: Shard, spec: SourceSpec) -> Shard | str:
    """The file of an archive that lies at a path as a shard, or why it has no documents; raises InputError."""
    size = path.stat().st_size
    raw = file_head(str(path), size)
    try:
        head = content_head(str(path), raw, spec)
    except compression.NoDictionaryError as error:
        raise InputError(member.name, str(error)) from None
    if kind := foreign(raw):
        raise InputError(member.name, *kind)
    said = spec.format if spec.format != "auto" and spec.format not in ARCHIVES else None
    format = said or format_of(member.name, lambda: head)
    if format is None:
        return "unknown_format"
    place = f"{archive.relative_path}/{member.path}"
    file = Shard(archive.source, str(path), place, format, 0, -1, 0, None, size, "", made=archive.made)
    planner = FORMATS[format].plan
    cuts, _, made = planner(file, spec, lambda: head, 2**62)
    rows = [cut.rows for cut in cuts]
    if not cuts:
        return "no_text"
    return replace(file, made=made, rows=None if None in rows else sum(row or 0 for row in rows))


def _skipped(why: str) -> Documents:
    return replace(Documents.rejected(()), skipped={why: 1})


def _whole(content: Iterator[bytes], damage: list[str]) -> Iterator[bytes]:
    """The content as far as it goes; what ends it is added to the damage."""
    try:
        yield from content
    except compression.DamagedError as error:
        damage.append(str(error))


ARCHIVES = {name: Reader(plan, read, columns, typed=False) for name in ("tar", "zip")}
FORMATS = READERS | ARCHIVES
