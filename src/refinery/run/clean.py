"""`refinery clean`: what lies in the work folder and no pipeline that is known to it needs.

Only files that refinery names itself are ever removed. The work folder is held meanwhile, as by a run.
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from refinery.plan.needs import needs_of, noted_needs
from refinery.plan.plan import DOCUMENTS, MODELS, RECORD, REJECTS, SHARDS, UNITS, VERBS, Plan
from refinery.run.folder import current_manifest, refuse_foreign, staging_name
from refinery.storage.lock import Held, hold
from refinery.storage.marks import KEPT
from refinery.storage.place import Place, files_below, remove_files
from refinery.watch.log import FOLDER as LOG_FOLDER

LOGS = 10  # runs whose logs stay
AT_ONCE = 1000  # files that are removed between two looks at whether the folder is still held
_SHARD = re.compile(rf"{SHARDS}/[0-9a-f]{{2}}/([0-9a-f]{{32}})/([^/]+)")
_RESULT = {
    "measurements": re.compile(r"measured-.+\.parquet"),
    "decisions": re.compile(r"decided-[0-9a-f]{32}\.(parquet|json)|dropped-[0-9a-f]{32}\.parquet"),
    "shards": re.compile("|".join(map(re.escape, (DOCUMENTS, REJECTS, RECORD)))),
    "leftovers": re.compile(r"\..+\.tmp"),
}
_COPY = re.compile(rf"{MODELS}/[0-9a-f]{{32}}/.+")
_LOG = re.compile(rf"{LOG_FOLDER}/(run-\d{{8}}T\d{{12}}Z)(-\d+)?\.jsonl")


@dataclass(frozen=True)
class Unneeded:
    """Files of one kind that nobody needs, and their bytes."""

    kind: str
    files: tuple[Place, ...]
    bytes: int


@dataclass(frozen=True)
class Cleaning:
    """A work folder: its files and bytes, the pipelines known to it, what nobody needs, whether that was removed."""

    work: Place
    files: int
    bytes: int
    pipelines: Mapping[str, str]  # to their definitions
    unneeded: tuple[Unneeded, ...]
    removed: bool


def clean(plan: Plan, *, force: bool) -> Cleaning:
    """Finds what nobody needs, and with `force` removes it.

    Raises RunError when a run works in the folder or one of the plan's outputs, InputError when an output is another
    pipeline's or when the needs of another pipeline cannot be read.
    """
    with ExitStack() as stack:
        holds = [stack.enter_context(hold(plan.work))]
        sizes = files_below(plan.work)
        needs = noted_needs(plan.work) | {plan.graph.name: needs_of(plan)}
        wanted = {file for one in needs.values() for file in one.files()}
        kinds: dict[str, dict[Place, int]] = defaultdict(dict)
        for name, kind in unneeded(sizes, wanted):
            kinds[kind][plan.work / name] = sizes[name]
        for name, folder in plan.graph.output_paths.items():
            if refuse_foreign(folder, plan.graph.name, name):
                holds.append(stack.enter_context(hold(folder)))
                kinds["leftovers"] |= _staged(folder, plan.output_key(name))
        found = tuple(Unneeded(k, tuple(files), sum(files.values())) for k, files in kinds.items() if files)
        if force:
            for one in found:
                _remove(one.files, holds)
    pipelines = {name: one.definition for name, one in needs.items()}
    return Cleaning(plan.work, len(sizes), sum(sizes.values()), pipelines, found, force)


def unneeded(names: Iterable[str], wanted: set[str]) -> Iterator[tuple[str, str]]:
    """Files of a work folder that are not wanted, each with its kind; files that are not refinery's are no such."""
    names = list(names)
    shards = {found[1] for name in wanted if (found := _SHARD.fullmatch(name))}
    logs = sorted({found[1] for name in names if (found := _LOG.fullmatch(name))})[-LOGS:]
    for name in names:
        shard, log = _SHARD.fullmatch(name), _LOG.fullmatch(name)
        if shard and name.replace(KEPT, ".parquet") not in wanted:
            kinds = [kind for kind, pattern in _RESULT.items() if pattern.fullmatch(shard[2])]
            if kinds:
                yield name, kinds[0] if shard[1] in shards else "shards"
        elif log and log[1] not in logs:
            yield name, "logs"
        elif _COPY.fullmatch(name):
            yield name, "models"
        elif name.startswith((f"{VERBS}/", f"{UNITS}/")):
            yield name, "leftovers"


def _staged(folder: Place, key: str) -> dict[Place, int]:
    """What runs staged that were killed; what the next run goes on with stays."""
    mine = "" if current_manifest(folder, key) else staging_name(key)
    staged = {name: size for name, size in files_below(folder).items() if name.startswith(".staging-")}
    return {folder / name: size for name, size in staged.items() if name.partition("/")[0] != mine}


def _remove(files: tuple[Place, ...], holds: Iterable[Held]) -> None:
    for start in range(0, len(files), AT_ONCE):
        for still_held in holds:
            still_held()
        remove_files(files[start : start + AT_ONCE])
    for parent in {file.parent for file in files if isinstance(file, Path)}:
        with contextlib.suppress(OSError):  # the first that is not empty
            for folder in (parent, *parent.parents):
                folder.rmdir()
