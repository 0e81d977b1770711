"""Shards: what a source's files are cut into, whatever their format, and how a changed file is noticed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa
import xxhash

from refinery.errors import InputError, StorageError
from refinery.sources import jsonl, parquet, warc
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.find import FoundFile, find, state
from refinery.sources.html import require
from refinery.sources.own_outputs import is_output_data, output_folders
from refinery.sources.schema import unify
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import is_url, redact

SHARD_BYTES = 256 * 2**20
HEAD_FILES = 16  # that tell which columns a source has
HEAD_BYTES = 4 * 2**20  # of JSON Lines that are looked at in each
_AT_ONCE = 16  # files looked at together
_ENDS = 64 * 2**10  # bytes at either end of a file that its fingerprint covers
_SUFFIXES = {
    "parquet": "parquet", "pq": "parquet", "parq": "parquet",
    "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "jl": "jsonl",
    "warc": "warc", "wet": "wet",
}  # fmt: skip
_COMPRESSIONS = {"gz", "gzip", "zst", "zstd", "bz2", "xz"}

_Planned = tuple[list[Shard], pa.Schema]


@dataclass(frozen=True)
class SourceShards:
    """A source's shards in order; files passed over; files that cannot be read, with the problem.

    broken: paths below the source's root, since outputs do not depend on where it lies;
    schema: carried columns unified over the files whose schema is known before reading (all but JSONL).
    """

    shards: tuple[Shard, ...]
    ignored: tuple[str, ...]
    broken: tuple[tuple[str, str], ...]
    schema: pa.Schema


def list_shards(spec: SourceSpec, shard_bytes: int = SHARD_BYTES) -> SourceShards:
    """Finds a source's files and cuts them into shards of about `shard_bytes`; reads footers and file ends only.

    Raises InputError when nothing is found, when no file can be read, when carried columns cannot be unified, and
    for any broken file if `on_error` is `fail`.
    """
    found = find(spec.path)
    shards: list[Shard] = []
    ignored = list(found.ignored)
    broken: list[tuple[FoundFile, str]] = []
    schemas: list[tuple[str, pa.Schema]] = []
    for file, planned in _plan_files(found.files, spec, shard_bytes):
        if planned is None:
            ignored.append(file.path)
            continue
        if isinstance(planned, InputError):
            if spec.on_error == "fail":
                raise planned
            problem = planned.problem + (f" ({planned.hint})" if planned.hint else "")
            broken.append((file, problem))
            continue
        cut, schema = planned
        if not cut:
            ignored.append(file.path)
            continue
        shards += [replace(shard, index=len(shards) + number) for number, shard in enumerate(cut)]
        schemas.append((redact(file.path), schema))
    if not shards:
        raise _nothing(spec, ignored, broken)
    if any(shard.format == "warc" for shard in shards):
        require(spec.extractor, spec.name)
    names = tuple(redact(path) for path in ignored)
    unreadable = tuple(
        (file.relative, text.replace(redact(file.path), file.relative)) for file, text in broken
    )
    return SourceShards(tuple(shards), names, unreadable, unify(schemas))


def head_schemas(spec: SourceSpec) -> Iterator[tuple[str, pa.Schema]]:
    """Columns beside text and id that a source has, as the heads of some of its files tell: (file, its columns).

    At most HEAD_FILES spread over the source are looked at, each when it is asked for; what cannot be read is left
    out: reading the source will tell.
    """
    try:
        files = find(spec.path).files
    except (InputError, StorageError):
        return
    for file in files[:: -(-len(files) // HEAD_FILES) or 1]:
        planned = _plan_file(file, spec, SHARD_BYTES, output_folders([file.path]), alone=False)
        if planned is None or isinstance(planned, InputError) or not planned[0]:
            continue
        (shard, *_), schema = planned
        if shard.format == "jsonl":
            with contextlib.suppress(InputError, StorageError):
                yield redact(file.path), jsonl.first_columns(shard, spec, HEAD_BYTES)
        else:
            yield redact(file.path), schema


def verify_unchanged(shard: Shard) -> None:
    """Raises InputError when the shard's file is not the one that was planned."""
    try:
        size, stamp = state(shard.path)
        head, tail = file_ends(shard.path, size)
    except OSError as error:
        raise unreadable(shard.path, error) from None
    if shard_fingerprint(size, stamp, head, tail, shard.format, shard.start, shard.stop) != shard.fingerprint:
        raise InputError(redact(shard.path), "the file has changed since it was planned", "run again")


def shard_fingerprint(
    size: int, stamp: str, head: bytes, tail: bytes, format: str, start: int, stop: int
) -> str:
    """Identity of a shard's content, cheap: xxh3-128 over size, time stamp, both ends of the file and the cut."""
    digest = xxhash.xxh3_128(f"{size} {stamp} {format} {start} {stop}\n".encode())
    digest.update(head)
    digest.update(tail)
    return digest.hexdigest()


def file_ends(path: str, size: int) -> tuple[bytes, bytes]:
    """The first and last 64 KiB of a file."""
    if is_url(path):
        from refinery.storage.object_store import read_ranges

        cut = [(0, min(size, _ENDS)), (max(size - _ENDS, _ENDS), size)]
        ends = read_ranges([(path, start, stop) for start, stop in cut if start < stop])
        return (*ends, b"", b"")[0], (*ends, b"", b"")[1]
    with open_input(path) as file:
        head = file.read(_ENDS)
        if size <= _ENDS:
            return head, b""
        file.seek(max(size - _ENDS, _ENDS))
        return head, file.read(_ENDS)


def _nothing(spec: SourceSpec, ignored: list[str], broken: list[tuple[FoundFile, str]]) -> InputError:
    if broken:
        file, problem = broken[0]
        if len(broken) > 1:
            problem += f"; source {spec.name}: none of its {len(broken)} files can be read"
        return InputError(redact(file.path), problem)
    names = ", ".join(path.rpartition("/")[2] for path in ignored[:5])
    hint = "set `format` if the names do not tell it"
    problem = f"no data among {len(ignored)} files ({names})"
    return InputError(", ".join(redact(path) for path in spec.path), problem, hint)


def _plan_files(
    files: Sequence[FoundFile], spec: SourceSpec, shard_bytes: int
) -> Iterator[tuple[FoundFile, _Planned | InputError | None]]:
    """Each file with its plan; many at once, since each is a wait or two."""
    outputs = output_folders(file.path for file in files)

    def plan(file: FoundFile) -> _Planned | InputError | None:
        return _plan_file(file, spec, shard_bytes, outputs, alone=len(files) == 1)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from zip(files, pool.map(plan, files), strict=True)


def _plan_file(
    file: FoundFile,
    spec: SourceSpec,
    shard_bytes: int,
    outputs: Mapping[str, tuple[str, ...]],
    *,
    alone: bool,
) -> _Planned | InputError | None:
    """A file's plan, what is wrong with it, or None for one of an output that holds no documents."""
    if not is_output_data(file.path, outputs):
        return None
    made = outputs.get(file.path.rpartition("/")[0], ())
    try:
        return _cut(file, spec, shard_bytes, made, alone=alone)
    except InputError as error:
        return error


def _cut(
    file: FoundFile, spec: SourceSpec, shard_bytes: int, made: tuple[str, ...], *, alone: bool
) -> _Planned:
    """A file's shards and known carried columns; no shards for a file that is none of our formats."""
    try:
        head, tail = file_ends(file.path, file.size)
        format = spec.format if spec.format != "auto" else _format(file.relative, head)
        if format is None and alone:
            problem = "the format cannot be told by its name or content"
            if _is_one_object(head):
                problem = "this is one JSON document, not JSON Lines"
            raise InputError(redact(file.path), problem, "set `format` if it is one that can be read")
        if format is None:
            return [], pa.schema([])
        whole = Shard(spec.name, file.path, file.relative, format, 0, -1, 0, None, file.size, "")
        if format == "parquet":
            planned, schema = parquet.plan(whole, spec, shard_bytes)
        elif format == "jsonl":
            whole = replace(whole, made=made)
            planned, schema = jsonl.plan(whole, head, shard_bytes)
        else:
            warc.check(whole)
            planned, schema = [whole], warc.CARRIED
    except OSError as error:
        raise unreadable(file.path, error) from None
    key = (file.size, file.stamp, head, tail, format)
    return [replace(cut, fingerprint=shard_fingerprint(*key, cut.start, cut.stop)) for cut in planned], schema


def _format(relative: str, head: bytes) -> str | None:
    """By the name, else by the first bytes."""
    endings = relative.rpartition("/")[2].lower().split(".")[1:]
    while endings and endings[-1] in _COMPRESSIONS:
        endings.pop()
    if endings and endings[-1] in _SUFFIXES and not (endings == ["json"] and _is_one_object(head)):
        return _SUFFIXES[endings[-1]]
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"WARC/"):
        return "warc"
    return "jsonl" if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b'{"') else None


def _is_one_object(head: bytes) -> bool:
    """Whether a .json file is a document laid out over lines (a manifest, a configuration), not JSON Lines."""
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].rstrip()
    return first in {b"{", b"["}
