"""What the files of a work folder are, told by their names alone: how much of it is what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from refinery.plan.plan import DOCUMENTS, MADE, MODELS, RECORD, REJECTS, SHARDS, UNITS, VERBS
from refinery.storage.claims import CLAIMS
from refinery.storage.place import Place
from refinery.storage.work_folder import PIPELINES
from refinery.watch.log import FOLDER as LOGS

_SHARD = rf"{SHARDS}/[0-9a-f]{{2}}/[0-9a-f]{{32}}/"
_PIPELINE = rf"{PIPELINES}/[^/]+/"
OTHER = "other files"
_KINDS = {
    "leftovers": re.compile(r"(.+/)?\.[^/]+\.tmp"),
    "documents": re.compile(_SHARD + rf"({'|'.join(map(re.escape, (DOCUMENTS, REJECTS, RECORD)))})"),
    "measurements": re.compile(_SHARD + r"measured-.+\.parquet"),
    "decisions": re.compile(_SHARD + r"(decided-[0-9a-f]{32}\.(parquet|json)|dropped-[0-9a-f]{32}\.parquet)"),
    "models and counts": re.compile(rf"{MADE}/[0-9a-f]{{32}}/.+"),
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


def sizes_by_kind(sizes: Mapping[str, int]) -> dict[str, int]:
    """Bytes of each kind, the most first; sizes: of files, by their paths in the work folder."""
    found = Counter[str]()
    for name, size in sizes.items():
        found[kind_of(name)] += size
    return dict(found.most_common())


def files_of_shards(work: Place, sizes: Mapping[str, int]) -> frozenset[str]:
    """The places of the files that lie in the folders of shards; empty ones are what a lost disk has left."""
    return frozenset(
        f"{work}/{name}" for name, size in sizes.items() if size and name.startswith(f"{SHARDS}/")
    )
