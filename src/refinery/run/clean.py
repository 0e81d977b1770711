"""`refinery clean`: what lies in the work folder and no pipeline that is known to it needs.

Only files that refinery names itself are ever removed. The work folder is held meanwhile, so that no run begins to
need other things; a run that goes on has noted what it needs, and loses nothing.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from refinery.errors import DamagedFile, DefinitionError, FolderInUse
from refinery.plan.contents import kind_of, sizes_by_kind
from refinery.plan.needs import needs_of, noted_needs
from refinery.plan.plan import MADE, Plan
from refinery.run.folder import current_manifest, refuse_foreign, staging_name
from refinery.run.make import with_found
from refinery.storage.claims import CLAIMS, claim
from refinery.storage.commit import is_leftover
from refinery.storage.lock import Held, hold, hold_when_free
from refinery.storage.marks import KEPT, records_of
from refinery.storage.place import Place, files_below, remove_files
from refinery.storage.work_folder import pipeline_folder

LOGS = 10  # runs of a pipeline whose logs stay
AT_ONCE = 1000  # files that are removed between two looks at whether the folder is still held
_OF_A_RUN = {"scratch", "copies of models"}


@dataclass(frozen=True)
class Unneeded:
    """Files of one kind that nobody needs, and their bytes."""

    kind: str
    files: tuple[Place, ...]
    bytes: int


@dataclass(frozen=True)
class Cleaning:
    """A work folder: its files, bytes of each kind, pipelines, what nobody needs, whether that was removed."""

    work: Place
    files: int
    kinds: Mapping[str, int]
    pipelines: Mapping[str, str]  # to their definitions
    unneeded: tuple[Unneeded, ...]
    removed: bool


def clean(plan: Plan, tell: Callable[[str], None], *, force: bool) -> Cleaning:
    """Finds what nobody needs, and with `force` removes it; another that cleans is waited for, and told.

    Raises FolderInUse when a run of the plan's pipeline goes on or one works in its outputs, InputError when one of
    those is another pipeline's or when the needs of another pipeline cannot be read.
    """
    with ExitStack() as stack:
        holds = [stack.enter_context(hold(plan.own)), stack.enter_context(hold_when_free(plan.work, tell))]
        noted = noted_needs(plan.work)
        known = {name: one for name, one in noted.items() if name != plan.graph.name}
        try:
            plan = with_found(plan)
        except (DamagedFile, DefinitionError):  # a model to be made again, or that suggests nothing
            known = noted
        needs = [*known.values(), needs_of(plan)]
        sizes = files_below(plan.work)
        wanted = {file for one in needs for file in one.files()}
        made = {f"{MADE}/{key}" for one in needs for key in one.made}
        idle = {plan.graph.name, *_hold_idle(plan, sizes, stack)}
        kinds: dict[str, dict[Place, int]] = defaultdict(dict)
        for name, kind in unneeded(sizes, wanted | made, idle):
            if kind_of(name) != "leftovers" or _is_left(plan.work / name):
                kinds[kind][plan.work / name] = sizes[name]
        for name, folder in plan.graph.output_paths.items():
            if refuse_foreign(folder, plan.graph.name, name):
                holds.append(stack.enter_context(hold(records_of(folder))))
                kinds["leftovers"] |= _staged(folder, plan.output_key(name))
        found = tuple(Unneeded(k, tuple(files), sum(files.values())) for k, files in kinds.items() if files)
        if force:
            for one in found:
                _remove(one.files, holds)
            claims = [name.removeprefix(f"{CLAIMS}/") for name in sizes if kind_of(name) == "claims"]
            with claim(plan.work, plan.graph.name, claims):
                pass  # those of runs that are gone go with this
    pipelines = {one.pipeline: one.definition for one in needs}
    return Cleaning(plan.work, len(sizes), sizes_by_kind(sizes.items()), pipelines, found, force)


def _hold_idle(plan: Plan, names: Iterable[str], stack: ExitStack) -> Iterator[str]:
    """The other pipelines with something that only a run of theirs reads, if none goes on; none begins meanwhile."""
    for pipeline in sorted({_pipeline(name) for name in names if kind_of(name) in _OF_A_RUN}):
        if pipeline != plan.graph.name:
            with contextlib.suppress(FolderInUse):
                stack.enter_context(hold(pipeline_folder(plan.work, pipeline)))
                yield pipeline


def _pipeline(name: str) -> str:
    return name.split("/")[1]


def _is_left(file: Place) -> bool:
    return not isinstance(file, Path) or is_leftover(file)


def unneeded(names: Iterable[str], wanted: set[str], idle: Collection[str]) -> Iterator[tuple[str, str]]:
    """Files of a work folder that are not wanted, each with its kind; files that are not refinery's are no such.

    wanted: files in the folders of shards, folders of models and counts; idle: pipelines of which no run goes on.
    Temporary files are told as leftovers, whoever writes them.
    """
    found = {name: kind_of(name) for name in names}
    shards = {_folder(name) for name in wanted}
    logs = defaultdict(set)
    for name, kind in found.items():
        if kind == "logs":
            logs[_pipeline(name)].add(_run(name))
    kept = {run for runs in logs.values() for run in sorted(runs)[-LOGS:]}
    for name, kind in found.items():
        if (
            kind in {"documents", "measurements", "decisions"}
            and name.replace(KEPT, ".parquet") not in wanted
        ):
            yield name, kind if _folder(name) in shards and kind != "documents" else "shards"
        elif (kind == "logs" and _run(name) not in kept) or (kind in _OF_A_RUN and _pipeline(name) in idle):
            yield name, kind if kind != "scratch" else "leftovers"
        elif kind == "leftovers" or (kind == "models and counts" and _folder(name) not in wanted):
            yield name, kind


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _run(log: str) -> str:
    """A log without the number of its piece."""
    return log.removesuffix(".jsonl").rpartition("Z")[0]


def _staged(folder: Place, key: str) -> dict[Place, int]:
    """What runs staged that were killed; what the next run goes on with stays."""
    mine = "" if current_manifest(folder, key) else staging_name(key)
    records = records_of(folder)
    staged = {name: size for name, size in files_below(records).items() if name.startswith(".staging-")}
    return {records / name: size for name, size in staged.items() if name.partition("/")[0] != mine}


def _remove(files: tuple[Place, ...], holds: Iterable[Held]) -> None:
    for start in range(0, len(files), AT_ONCE):
        for still_held in holds:
            still_held()
        remove_files(files[start : start + AT_ONCE])
    for parent in {file.parent for file in files if isinstance(file, Path)}:
        with contextlib.suppress(OSError):  # the first that is not empty
            for folder in (parent, *parent.parents):
                folder.rmdir()
