"""Shards: what a source's files are cut into, whatever their format; a cut follows from the file's content alone."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from refinery.errors import InputError, StorageError
from refinery.sources import jsonl
from refinery.sources.archives import FORMATS
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.file_cuts import content_below, cut_file, cut_files, made_columns, whole_file
from refinery.sources.find import FoundFile, find
from refinery.sources.formats import mistaken
from refinery.sources.heads import spread
from refinery.sources.html import require
from refinery.sources.identity import covers, file_head
from refinery.sources.inventory import (
    KnownFile,
    inventory_file,
    read_inventory,
    update_inventory,
)
from refinery.sources.own_outputs import is_output_data, output_folders
from refinery.sources.packs import pack, pack_identity, pack_root
from refinery.sources.passed_over import PassedOver, Why, passed_over
from refinery.sources.schema import unify
from refinery.sources.source_schema import carried_schema
from refinery.storage.place import Place
from refinery.storage.url import redact

SHARD_BYTES = 256 * 2**20
HEAD_BYTES = 4 * 2**20  # of JSON Lines that are looked at in each
_TOLD_BY_HEAD = {"jsonl", "json"}  # formats whose cuts are made without a look at what a file really is


@dataclass(frozen=True)
class SourceShards:
    """A source's shards in order; what is passed over; files that cannot be read, with the problem.

    broken: paths below the source's root, since outputs do not depend on where it lies;
    schema: carried columns unified over the files whose schema is known before reading (all but JSONL);
    inventory: the file with what is known of the source's files, if it is kept; members: of shards that are packs,
    by index, their files, each as a shard; unseen: files, by their paths below the root, whose content was not known.
    """

    shards: tuple[Shard, ...]
    passed_over: tuple[PassedOver, ...]
    broken: tuple[tuple[str, str], ...]
    schema: pa.Schema
    inventory: Place | None = None
    members: Mapping[int, tuple[Shard, ...]] = field(default_factory=dict)
    unseen: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def is_new(self) -> bool:
        """Whether no file was known before."""
        return self.unseen.issuperset(shard.relative_path for shard in self.unpacked())

    def unpacked(self) -> Iterator[Shard]:
        """Its shards, in place of packs their files."""
        for shard in self.shards:
            yield from self.members.get(shard.index, (shard,))


def list_shards(
    spec: SourceSpec,
    shard_bytes: int = SHARD_BYTES,
    *,
    known_in: Place | None = None,
    keep: bool = True,
    packed: bool = False,
) -> SourceShards:
    """Finds a source's files and cuts them into shards of about `shard_bytes`; reads footers and parts of files only.

    packed: small files go together, into packs, which can be read once their lists are written; known_in: a folder
    with inventories of sources, which are read, and updated to `keep` what is found out. Raises InputError when
    nothing is found, when no file can be read, when carried columns cannot be unified, and for any broken file if
    `on_error` is `fail`; OutputError when the inventory cannot be written.
    """
    found = find(spec.path)
    table = None if known_in is None else inventory_file(known_in, spec, shard_bytes)
    known = read_inventory(table) if table else {}
    new = known.keys().isdisjoint(file.relative for file in found.files)
    usable: list[tuple[FoundFile, KnownFile]] = []
    ignored: list[tuple[FoundFile, Why]] = [(file, "stray name") for file in found.ignored]
    ignored += ((file, "not in the table") for file in found.not_live)
    without: list[FoundFile] = []
    broken: list[tuple[FoundFile, InputError]] = []
    schemas: dict[bytes, str] = {}  # with the first file that has it
    changed: dict[str, KnownFile] = {}
    for file, seen in cut_files(found.files, spec, shard_bytes, known):
        if isinstance(seen, InputError):
            if spec.on_error == "fail":
                raise seen
            broken.append((file, seen))
            continue
        if seen is not None and seen is not known.get(file.relative):
            changed[file.relative] = seen
        if seen is None or not seen.cuts:
            if seen and seen.format == "json":
                without.append(file)
            else:
                ignored.append((file, "unknown format" if seen else "part of an output"))
            continue
        schemas.setdefault(seen.carried, redact(file.path))
        usable.append((file, seen))
    formats = {file.path: seen.format for file, seen in usable}
    for file, error in _without_text(without, formats.values(), spec):
        if error and spec.on_error == "fail":
            raise error
        broken += [(file, error)] if error else []
        ignored += [] if error else [(file, "no text")]
    if new:
        _refuse_wrong_form([file for file in found.files if formats.get(file.path) in _TOLD_BY_HEAD], spec)
    if table and keep:
        update_inventory(table, changed)
    shards, members = _cut_and_packed(usable, spec, packed=packed)
    if not shards:
        raise _nothing(spec, ignored, broken)
    if any(shard.format in {"warc", "html"} for shard in shards):
        require(spec.extractor, spec.name)
    problems = tuple(
        (file.relative, _problem(error).replace(redact(file.path), file.relative)) for file, error in broken
    )
    carried = [(place, pa.ipc.read_schema(pa.py_buffer(schema))) for schema, place in schemas.items()]
    unseen = frozenset(path for path, one in changed.items() if not _has(known.get(path), one))
    return SourceShards(shards, passed_over(ignored), problems, unify(carried), table, members, unseen)


def _has(before: KnownFile | None, now: KnownFile) -> bool:
    return before is not None and before.identity == now.identity


def _cut_and_packed(
    files: Sequence[tuple[FoundFile, KnownFile]], spec: SourceSpec, *, packed: bool
) -> tuple[tuple[Shard, ...], dict[int, tuple[Shard, ...]]]:
    """The shards of files, in order, and the files of those that are packs, by index."""
    shards: list[Shard] = []
    members: dict[int, tuple[Shard, ...]] = {}
    runs = [[file] for file in files]
    if packed:
        runs = pack(
            files,
            path=lambda one: one[0].relative,
            group=lambda one: f"{one[1].format} {one[1].made}",
            size=lambda one: one[0].state.size,
        )
    for run in runs:
        found = [tuple(_shards(file, seen, spec, 0)) for file, seen in run]
        here = tuple(one for cuts in found for one in cuts)
        root = pack_root(here) if len(run) > 1 == max(map(len, found)) else None
        if root is None:
            shards += [replace(one, index=len(shards) + n) for n, one in enumerate(here)]
        else:
            members[len(shards)] = here
            shards.append(_packed(here, root, len(shards)))
    return tuple(shards), members


def _packed(members: Sequence[Shard], root: str, index: int) -> Shard:
    rows = [member.rows for member in members]
    return replace(
        members[0],
        path=root,
        index=index,
        rows=None if None in rows else sum(row or 0 for row in rows),
        bytes=sum(member.bytes for member in members),
        identity=pack_identity(members),
        stamp="",
    )


def head_schemas(spec: SourceSpec) -> Iterator[tuple[str, pa.Schema]]:
    """Columns beside text and id that a source has, as the heads of some of its files tell: (file, its columns).

    At most HEAD_FILES spread over the source are looked at, each when it is asked for; what cannot be read is left
    out: reading the source will tell.
    """
    try:
        files = find(spec.path).files
    except (InputError, StorageError, OSError):
        return
    for file in spread(files):
        outputs = output_folders([file.path])
        with contextlib.suppress(InputError, StorageError, OSError):
            if not is_output_data(file.path, outputs):
                continue
            format, plan = cut_file(file, spec, SHARD_BYTES, made_columns(file, outputs), alone=False)
            if plan.cuts:
                typed, found = FORMATS[format].typed, plan.carried
                if not typed:
                    whole = whole_file(file, spec, format, plan.made)
                    found = carried_schema(
                        FORMATS[format].columns(whole, spec, HEAD_BYTES), spec, redact(file.path)
                    )
                yield redact(file.path), found


def _refuse_wrong_form(files: Sequence[FoundFile], spec: SourceSpec) -> None:
    """Raises InputError if no file that is looked at has its format; with `on_error: fail` if one of them has not."""
    looked = spread(files)
    wrong = []
    for file in looked:
        with contextlib.suppress(OSError):  # reading it will tell
            try:
                head = content_below(file.path, file_head(file.path, file.state.size), spec)
            except InputError as error:
                wrong.append(error)
                continue
            if spec.format != "auto" and (other := mistaken(spec.format, file.relative, head)):
                problem = f"this is {other}, and its source says `format: {spec.format}`"
                wrong.append(InputError(redact(file.path), problem, "leave `format` out"))
            elif problem := jsonl.wrong_form(head) if spec.format in {"auto", "jsonl", "json"} else "":
                wrong.append(InputError(redact(file.path), problem))
    if wrong and (len(wrong) == len(looked) or spec.on_error == "fail"):
        raise wrong[0]


def _without_text(
    files: Sequence[FoundFile], formats: Collection[str], spec: SourceSpec
) -> Iterator[tuple[FoundFile, InputError | None]]:
    """What is wrong with files of one JSON object without a text; nothing beside data of other formats."""
    documents = not formats or "json" in formats
    for file in files:
        detail = jsonl.missing_text(whole_file(file, spec, "json", ()), spec) if documents else ""
        yield file, InputError(redact(file.path), detail, "set `text`") if detail else None


def _problem(error: InputError) -> str:
    return error.problem + (f" ({error.hint})" if error.hint else "")


def _nothing(
    spec: SourceSpec, ignored: list[tuple[FoundFile, Why]], broken: list[tuple[FoundFile, InputError]]
) -> InputError:
    if broken:
        file, error = broken[0]
        others = f"; source {spec.name}: none of its {len(broken)} files can be read"
        return InputError(redact(file.path), _problem(error) + (others if len(broken) > 1 else ""))
    groups = passed_over(ignored)
    hint = "set `format` if the names do not tell it"
    problem = f"no data among {len(ignored)} files: {'; '.join(map(str, groups[:5]))}"
    return InputError(", ".join(redact(path) for path in spec.path), problem, hint)


def _shards(file: FoundFile, seen: KnownFile, spec: SourceSpec, index: int) -> Iterator[Shard]:
    """A file's shards, of which the first is the `index`th of the source."""
    for part, cut in enumerate(seen.cuts):
        yield Shard(
            source=spec.name,
            path=file.path,
            relative_path=file.relative,
            format=seen.format,
            start=cut.start,
            stop=cut.stop,
            index=index + part,
            rows=cut.rows,
            bytes=cut.bytes,
            identity=seen.identity,
            first_row=cut.first_row,
            made=seen.made,
            stamp=file.state.stamp,
            covered=covers(file.state),
            part=part,
            parts=len(seen.cuts),
        )
