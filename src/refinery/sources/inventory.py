"""What is known of a source's files, kept in a work folder: to plan again is to list them and to read one table.

A file whose size and stamps are those of before is not looked at. One with a new time stamp keeps its identity if it
has the same content: where the identity does not cover that, hashes tell that were taken when the file was first
read. What is known of a file stays when a listing lacks it, so that a source can be narrowed for a while.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import orjson
import pyarrow as pa
import xxhash

from refinery.errors import DamagedFile
from refinery.sources.digest import part_hashes
from refinery.sources.documents import Cut, Shard, SourceSpec
from refinery.sources.find import FoundFile
from refinery.sources.identity import covers, identity_of
from refinery.storage.commit import make_directory
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.url import is_url
from refinery.storage.write import TableWriter

VERSION = 2  # raised when files are cut in another way, or the table has another form
_CLOCK_TICK = 2 * 10**9  # ns: the coarsest time stamps, those of FAT; within one a file can be written twice

_SCHEMA = pa.schema(
    [
        ("path", pa.string()),  # below the source's root
        ("size", pa.int64()),
        ("stamp", pa.string()),
        ("ctime", pa.int64()),
        ("identity", pa.string()),
        ("format", pa.string()),
        ("cuts", pa.list_(pa.struct([(name, pa.int64()) for name in Cut._fields]))),
        ("carried", pa.dictionary(pa.int32(), pa.binary())),
        ("made", pa.list_(pa.string())),
        ("hashes", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when it was looked at.

    stamp: empty if a later change may leave it as it is; format: empty for none that can be read, without cuts;
    carried: its carried columns as far as they are known before reading, a serialized schema; made: as in `Shard`;
    hashes: of its parts, one a cut, or none while they are not known.
    """

    size: int
    stamp: str
    ctime: int
    identity: str
    format: str = ""
    cuts: tuple[Cut, ...] = ()
    carried: bytes = b""
    made: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()


Inventory = Mapping[str, KnownFile]  # by the path below the source's root


def inventory_file(folder: Place, spec: SourceSpec, shard_bytes: int) -> Place:
    """Where the inventory of a source lies: named by all that cuts and columns follow from but the files."""
    columns = (spec.columns, spec.keep, spec.drop, spec.encoding)
    settings = (
        VERSION,
        spec.name,
        spec.texts,
        spec.id,
        spec.format,
        spec.record,
        spec.binary_text,
        shard_bytes,
        columns,
        *([[column for join in spec.joins for column in join.columns]] if spec.joins else []),
    )
    return folder / f"{xxhash.xxh3_128_hexdigest(orjson.dumps(settings))}.parquet"


def read_inventory(file: Place) -> dict[str, KnownFile]:
    """What is known; nothing if the file is damaged or not there."""
    try:
        table = read_table(file, _SCHEMA.names)
    except (DamagedFile, NotADirectoryError):  # the run tells of a folder that is a file
        return {}
    known: dict[str, KnownFile] = {}
    for batch in table.to_batches():
        schemas = batch["carried"].dictionary.to_pylist()
        columns = [
            batch[name].to_pylist() for name in ("path", "size", "stamp", "ctime", "identity", "format")
        ]
        columns.append([tuple(Cut(**cut) for cut in cuts) for cuts in batch["cuts"].to_pylist()])
        columns.append([schemas[index] for index in batch["carried"].indices.to_pylist()])
        columns += [[tuple(row) for row in batch[name].to_pylist()] for name in ("made", "hashes")]
        known.update((path, KnownFile(*row)) for path, *row in zip(*columns, strict=True))
    return known


def update_inventory(file: Place, changed: Inventory) -> None:
    """Adds to what is known; another run may have done so meanwhile. Raises OutputError when it cannot be written."""
    if not changed:
        return
    known = {**read_inventory(file), **changed}
    files = known.values()
    schemas = {schema: number for number, schema in enumerate(dict.fromkeys(one.carried for one in files))}
    columns = {
        "path": pa.array(list(known), pa.string()),
        "cuts": pa.array([[cut._asdict() for cut in one.cuts] for one in files], _SCHEMA.field("cuts").type),
        "carried": pa.DictionaryArray.from_arrays(
            pa.array([schemas[one.carried] for one in files], pa.int32()),
            pa.array(list(schemas), pa.binary()),
        ),
    }
    arrays = [
        columns[field.name]
        if field.name in columns
        else pa.array([getattr(one, field.name) for one in files], field.type)
        for field in _SCHEMA
    ]
    make_directory(file.parent)
    with TableWriter(file, _SCHEMA, scratch=True) as writer:
        writer.write(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))


def keep_hashes(file: Place | None, read: Iterable[tuple[Shard, str]]) -> None:
    """Adds to an inventory the hashes of files that have been read to the end: of each shard that of its part.

    Raises OutputError when it cannot be written.
    """
    hashes: dict[str, dict[int, str]] = {}
    shards: dict[str, Shard] = {}
    for shard, found in read:
        if found:
            hashes.setdefault(shard.relative_path, {})[shard.part] = found
            shards[shard.relative_path] = shard
    if file is None or not hashes:
        return
    known = read_inventory(file)
    changed = {}
    for path, shard in shards.items():
        before, parts = known.get(path), tuple(hashes[path][part] for part in sorted(hashes[path]))
        whole = len(parts) == shard.parts
        if whole and before and before.identity == shard.identity and before.hashes != parts:
            changed[path] = replace(before, hashes=parts)
    update_inventory(file, changed)


def is_known(before: KnownFile | None, file: FoundFile) -> bool:
    """Whether nothing of a file can have changed since it was looked at."""
    size, stamp, _, ctime = file.state
    return (
        before is not None
        and (before.size, before.stamp, before.ctime) == (size, stamp, ctime)
        and stamp != ""
    )


def identity_again(before: KnownFile | None, file: FoundFile) -> str:
    """The identity of a file that may have changed: as before if its content is as before.

    A change between the blocks that `identity_of` hashes adds the hash of the whole. So does a new time stamp of a
    large file that was not read to the end before. Raises OSError when the file cannot be read.
    """
    path, found = file.path, file.state
    identity = identity_of(path, found)
    if before is None or covers(found) or not before.identity.startswith(identity):
        return identity
    if before.stamp == found.stamp:  # moved or linked
        return before.identity
    if before.hashes and before.hashes == part_hashes(path, found.size, len(before.hashes)):
        return before.identity
    (whole,) = part_hashes(path, found.size, 1)
    return f"{identity}-{whole}"


def is_settled(file: FoundFile) -> bool:
    """Whether a later change of a file is sure to give it another stamp: it was not written in this very moment."""
    return is_url(file.path) or abs(time.time_ns() - int(file.state.stamp)) > _CLOCK_TICK
