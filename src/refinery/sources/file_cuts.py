"""What each file of a source is, by what is known of it or by a look at its head: its format, and where it is cut."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from itertools import chain

import pyarrow as pa

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.archives import ARCHIVES, FORMATS, content_head
from refinery.sources.digest import part_hashes
from refinery.sources.documents import FilePlan, Shard, SourceSpec
from refinery.sources.find import FoundFile
from refinery.sources.foreign import POINTER_BYTES, foreign
from refinery.sources.formats import format_of, named_format
from refinery.sources.identity import covers, file_head
from refinery.sources.inventory import Inventory, KnownFile, identity_again, is_known, is_settled
from refinery.sources.own_outputs import is_output_data, output_folders
from refinery.sources.source_schema import carried_schema
from refinery.storage.place import held_inputs, unreadable
from refinery.storage.url import is_url, redact

_AT_ONCE = 16  # files looked at together
_IN_A_ROW = 64  # by one thread, at most: to hand over a file takes as long as to look at it
_OWN_MADE = {"", "parquet", "warc", "wet"}  # formats on whose columns a manifest beside a file does not bear


def cut_files(
    files: tuple[FoundFile, ...], spec: SourceSpec, shard_bytes: int, known: Inventory
) -> Iterator[tuple[FoundFile, KnownFile | InputError | None]]:
    """Each file as it is and is cut, what is wrong with it, or None for one of an output that holds no documents.

    Those that are not known are looked at many at once, since each is a wait or two.
    """
    outputs = output_folders(file.path for file in files)
    alone = len(files) == 1

    def look(file: FoundFile) -> KnownFile | InputError | None:
        if not is_output_data(file.path, outputs):
            return None
        try:
            with _held_if_small(file):
                return _look(
                    file,
                    known.get(file.relative),
                    spec,
                    shard_bytes,
                    made_columns(file, outputs),
                    alone=alone,
                )
        except InputError as error:
            return error
        except OSError as error:
            return unreadable(file.path, error)

    def kept(file: FoundFile) -> KnownFile | None:
        before = known.get(file.relative)
        usable = (
            before and is_known(before, file) and _is_usable(before, made_columns(file, outputs), alone=alone)
        )
        return before if usable and is_output_data(file.path, outputs) else None

    reused = [kept(file) for file in files]
    unknown = [file for file, one in zip(files, reused, strict=True) if one is None]
    step = min(max(len(unknown) // (4 * _AT_ONCE), 1), _IN_A_ROW)
    runs = [unknown[start : start + step] for start in range(0, len(unknown), step)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looked = chain.from_iterable(pool.map(lambda run: [*map(look, run)], runs))
        for file, one in zip(files, reused, strict=True):
            yield file, one or next(looked)


def _held_if_small(file: FoundFile) -> contextlib.AbstractContextManager[None]:
    """Within it a local file whose identity covers all of its content is read once, whatever is looked at in it."""
    small = file.state.size >= 0 and covers(file.state) and not is_url(file.path)
    return held_inputs([file.path] if small else [])


def _is_usable(before: KnownFile, made: tuple[str, ...], *, alone: bool) -> bool:
    """Whether a plan of the same content holds: a manifest beside a file and the files around it bear on it, too."""
    return (before.made == made or before.format in _OWN_MADE) and bool(before.cuts or not alone)


def _look(
    file: FoundFile,
    before: KnownFile | None,
    spec: SourceSpec,
    shard_bytes: int,
    made: tuple[str, ...],
    *,
    alone: bool,
) -> KnownFile:
    identity = identity_again(before, file)
    settled = is_settled(file)
    stamp, ctime = (file.state.stamp if settled else ""), file.state.ctime
    if before and identity == before.identity and _is_usable(before, made, alone=alone):
        same = (stamp, ctime) == (before.stamp, before.ctime)
        return before if same else replace(before, stamp=stamp, ctime=ctime)
    format, plan = cut_file(file, spec, shard_bytes, made, alone=alone)
    size = file.state.size
    # one that was written just now will be looked at again, and is not to be taken for another then
    hashes = () if settled or covers(file.state) else part_hashes(file.path, size, len(plan.cuts))
    carried = plan.carried.serialize().to_pybytes()
    return KnownFile(size, stamp, ctime, identity, format, plan.cuts, carried, plan.made, hashes)


def made_columns(file: FoundFile, outputs: Mapping[str, tuple[str, ...] | None]) -> tuple[str, ...]:
    """The columns that the run has made whose output the file is in; outputs: by folder."""
    return outputs.get(file.path.rpartition("/")[0]) or ()


def cut_file(
    file: FoundFile, spec: SourceSpec, shard_bytes: int, made: tuple[str, ...], *, alone: bool
) -> tuple[str, FilePlan]:
    """A file's format and plan; no format and no cuts for a file that is none of ours; raises InputError, OSError."""
    head = _Head(file, spec)
    archive = named_format(file.relative) in ARCHIVES  # `format` is said of the files in it
    said = spec.format if spec.format != "auto" and not archive else None
    format = said or format_of(file.relative, lambda: head.content)
    if (format is None or file.state.size < POINTER_BYTES) and (kind := foreign(head.raw)):
        raise InputError(redact(file.path), *kind)
    if format is None and alone:
        problem = "the format cannot be told by its name or content"
        raise InputError(redact(file.path), problem, "set `format` if it is one that can be read")
    if format is None:
        return "", FilePlan((), pa.schema([]))
    plan = FORMATS[format].plan(whole_file(file, spec, format, made), spec, lambda: head.content, shard_bytes)
    return format, plan._replace(carried=carried_schema(plan.carried, spec, redact(file.path)))


class _Head:
    """The first bytes of a file, as they are and as `content_head` gives them; read when they are asked for."""

    def __init__(self, file: FoundFile, spec: SourceSpec) -> None:
        self._file, self._spec = file, spec

    @cached_property
    def raw(self) -> bytes:
        """Raises OSError."""
        return file_head(self._file.path, self._file.state.size)

    @cached_property
    def content(self) -> bytes:
        """Raises InputError and OSError."""
        return content_below(self._file.path, self.raw, self._spec)


def content_below(path: str, raw: bytes, spec: SourceSpec) -> bytes:
    """The first bytes below any compression, as UTF-8; raises InputError when they can never be read, OSError."""
    try:
        return content_head(path, raw, spec)
    except compression.NoDictionaryError as error:
        raise InputError(redact(path), str(error)) from None


def whole_file(file: FoundFile, spec: SourceSpec, format: str, made: tuple[str, ...]) -> Shard:
    """The file as one shard."""
    return Shard(spec.name, file.path, file.relative, format, 0, -1, 0, None, file.state.size, "", made=made)
