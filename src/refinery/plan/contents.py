"""What the files of a work folder are, told by their names alone: how much of it is what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from refinery.plan.plan import (
    ARCHIVED,
    DOCUMENTS,
    FILES,
    LINEAGE,
    MADE,
    MEMBERS,
    MODELS,
    RECORD,
    REJECTS,
    SHARDS,
    UNITS,
    VERBS,
)
from refinery.plan.present import Present
from refinery.storage.claims import CLAIMS
from refinery.storage.place import Place, each_file_below
from refinery.storage.work_folder import PIPELINES
from refinery.watch.log import FOLDER as LOGS

_SHARD = rf"{SHARDS}/[0-9a-f]{{2}}/[0-9a-f]{{32}}/"
_SHARD_FOLDER = re.compile(_SHARD.removesuffix("/"))
_PIPELINE = rf"{PIPELINES}/[^/]+/"
OTHER = "other files"
_OF_DOCUMENTS = "|".join(map(re.escape, (DOCUMENTS, REJECTS, RECORD, MEMBERS, LINEAGE, ARCHIVED)))
_KINDS = {
    "leftovers": re.compile(r"(.+/)?\.[^/]+\.tmp"),
    "documents": re.compile(_SHARD + rf"({_OF_DOCUMENTS})"),
    "measurements": re.compile(_SHARD + r"measured-.+\.parquet"),
    "decisions": re.compile(
        _SHARD + r"(decided-[0-9a-f]{32}\.(parquet|json)|(dropped|cut|repeats)-[0-9a-f]{32}\.parquet)"
    ),
    "models and counts": re.compile(rf"{MADE}/[0-9a-f]{{32}}/.+"),
    "notes": re.compile(_PIPELINE + r"(needs\.json|results\.json|records/[^/]+\.parquet)" + rf"|{FILES}/.+"),
    "history": re.compile(_PIPELINE + r"history/(run-\d{6}\.json|[^/]+-[0-9a-f]{16}-\d{5}\.parquet)"),
    "logs": re.compile(rf"{_PIPELINE}{LOGS}/run-\d{{8}}T\d{{12}}Z(-\d+)?\.jsonl"),
    "scratch": re.compile(rf"{_PIPELINE}({VERBS}|{UNITS})/.+"),
    "copies of models": re.compile(rf"{_PIPELINE}{MODELS}/[0-9a-f]{{32}}/.+"),
    "claims": re.compile(rf"{CLAIMS}/[0-9a-f]{{32}}"),
}


def kind_of(name: str) -> str:
    """What a file is, by its path in the work folder.

    >>> kind_of("pipelines/medical/logs/run-20260102T030405000006Z.jsonl"), kind_of("notes.txt")
    ('logs', 'other files')
    """
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(name)), OTHER)


def sizes_by_kind(files: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Bytes of each kind, the most first; files: paths in the work folder, with bytes."""
    found = Counter[str]()
    for name, size in files:
        found[_kind(*name.rpartition("/")[::2])] += size
    return dict(found.most_common())


def _kind(folder: str, name: str) -> str:
    """As `kind_of`; there may be millions of files of shards, of which few have different names."""
    return (
        _kind_in_shard(name) if _SHARD_FOLDER.fullmatch(folder) else kind_of(f"{folder}/{name}".lstrip("/"))
    )


@lru_cache(maxsize=10_000)
def _kind_in_shard(name: str) -> str:
    return kind_of(f"{SHARDS}/00/{'0' * 32}/{name}")


@dataclass(frozen=True)
class Contents:
    """What lies in a work folder: the files in the folders of shards, and the bytes of each kind of file."""

    present: Present
    sizes: Mapping[str, int]


def contents_of(work: Place) -> Contents:
    """What lies in a work folder, from one listing."""
    folder, of_shards = f"{SHARDS}/", Present(work / SHARDS)

    def each() -> Iterator[tuple[str, int]]:
        for name, size in each_file_below(work):
            if name.startswith(folder):
                of_shards.add(name[len(folder) :], size)
            yield name, size

    sizes = sizes_by_kind(each())
    return Contents(of_shards, sizes)
