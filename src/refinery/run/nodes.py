"""What other machines need of a run: that they see its folders, and a copy of the models that lie on this one.

Sources, work folder and outputs must lie on storage that every node shares. Models may lie anywhere on the driver's
disk (beside the definition, in its environment): they are copied into the pipeline's folder, named by their content.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from refinery.errors import InputError, RunError
from refinery.executors.shipping import Shipped, copy_file
from refinery.models import model_file
from refinery.plan.plan import MODELS, Plan
from refinery.storage.commit import commit_bytes, temporary_name
from refinery.storage.marks import records_of
from refinery.storage.place import Place, files_below, place_of, read_file, remove_file, remove_tree
from refinery.storage.url import is_url, local_path, redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refinery.executors.base import Executor
    from refinery.filters.measurer import Measurer, Transform
    from refinery.plan.graph import VerbCut

_HINT = "sources, work folder and outputs must lie on a file system that all nodes share, or on s3:// and the like"
_JOB_COPY = "/runtime_resources/working_dir_files/"  # where Ray unpacks --working-dir on each node


@dataclasses.dataclass(frozen=True)
class Probe:
    """What a node is asked to look for: files with what stands in them, and files that are only to be there."""

    tokens: tuple[tuple[str, bytes], ...]
    files: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """What it does not see: places, each with the reason."""

    missing: tuple[tuple[str, str], ...]


def share(plan: Plan, executor: Executor) -> dict[str, Shipped]:
    """Has every other machine look for the run's folders and gives it what it needs of this machine's disk.

    Gives the copies that units name in place of files of this machine; none if all units run here. Raises InputError
    naming the nodes that do not see a folder or source, before any work is done there.
    """
    if not executor.elsewhere:
        return {}
    folders = (plan.work, *map(records_of, plan.graph.output_paths.values()))
    for folder in folders:
        if _JOB_COPY in str(folder):
            hint = "give --work and the output's path as absolute paths on shared storage, or as s3:// URLs"
            raise InputError(
                str(folder), "lies in the job's own copy of the working directory, which Ray removes", hint
            )
    tokens = [(folder / temporary_name("seen"), secrets.token_bytes(16)) for folder in folders]
    firsts = {planned.spec.name: planned.shard.path for planned in reversed(plan.shards)}
    asked = Probe(
        tuple((str(place), content) for place, content in tokens),
        tuple(local_path(path) for path in firsts.values() if not is_url(path)),
    )
    try:
        for place, content in tokens:
            commit_bytes(place, content)
        check_nodes(executor.everywhere(probe, asked))
    finally:
        for place, _ in tokens:
            remove_file(place)
    copies = copy_files(files_of(plan), plan.own / MODELS)
    executor.ship(copies)
    return copies


def probe(asked: Probe) -> ProbeResult:
    """On a node: which of the places are not seen there."""
    found = [(place, _unread(place_of(place), content)) for place, content in asked.tokens]
    found += [(path, _unseen(path)) for path in asked.files]
    return ProbeResult(tuple((place, reason) for place, reason in found if reason))


def files_of(plan: Plan) -> list[tuple[str, ...]]:
    """The paths that each measurer, transform and tokenizer reads; URLs need no copy."""
    loaders: dict[int, Measurer | Transform | VerbCut] = {}
    for source in plan.graph.sources:
        for measurement in plan.graph.measurements(source):
            loaders[id(measurement.measurer)] = measurement.measurer
            loaders |= {id(transform): transform for transform in measurement.view.transforms}
    groups = [tuple(str(file) for file in one.files if not is_url(str(file))) for one in loaders.values()]
    groups += [(str(tokens.path),) for tokens in plan.graph.tokens.values()]
    return [
        group for group in dict.fromkeys(groups) if group and not any(set(group) < set(o) for o in groups)
    ]


def _unread(place: Place, content: bytes) -> str:
    """Why a file cannot be read, or that it is not there; empty if it is."""
    try:
        return "" if read_file(place) == content else _ABSENT
    except FileNotFoundError:
        return _ABSENT
    except (OSError, RunError) as error:
        return getattr(error, "strerror", None) or str(error)


def _unseen(path: str) -> str:
    try:
        os.stat(path)  # noqa: PTH116  (text that came from afar)
    except OSError as error:
        return _ABSENT if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    return ""


_ABSENT = "absent"
_CONTENT = re.compile(r"[0-9a-f]{32}")  # a fingerprint, the name of a folder with copies


def check_nodes(answers: Mapping[str, object]) -> None:
    """Raises InputError for nodes that cannot run units: who, and what is wrong there."""
    blind: dict[tuple[str, str], list[str]] = {}
    for node, answer in answers.items():
        if isinstance(answer, InputError):  # other versions
            raise InputError(f"node {node}", answer.problem, answer.hint)
        if not isinstance(answer, ProbeResult):
            raise InputError(
                f"node {node}", f"cannot run units: {answer}", "install the same refinery on every node"
            )
        for found in answer.missing:
            blind.setdefault(found, []).append(node)
    for (place, reason), nodes in blind.items():
        folder = place.rpartition("/.seen")[0] or place
        named = f"{', '.join(nodes[:5])}{' …' if nodes[5:] else ''}"
        if reason == _ABSENT:
            raise InputError(redact(folder), f"is not seen by {named}", _HINT)
        raise InputError(redact(folder), f"cannot be read by {named}: {reason}")


def copy_files(groups: Sequence[tuple[str, ...]], folder: Place) -> dict[str, Shipped]:
    """Copies files, those of a group as they lie to each other; gives the copy of each path.

    Copies of earlier runs are removed, and damaged ones made again.
    """
    shipped: dict[str, Shipped] = {}
    there = files_below(folder)
    for group in groups:
        paths = [Path(path).absolute() for path in group]
        root = Path(os.path.commonpath([path.parent for path in paths]))
        names = tuple(path.relative_to(root).as_posix() for path in paths)
        told = [f"{name} {model_file.file_hash(root / name)}" for name in names]
        content = xxhash.xxh3_128_hexdigest("\n".join(told).encode())
        for name in names:
            copy = folder / content / name
            if not _is_copy(copy, there.get(f"{content}/{name}"), root / name):
                copy_file(root / name, copy)
        copies = (Shipped(folder / content, name, names) for name in names)
        shipped |= zip(group, copies, strict=True)
    wanted = {found.folder.name for found in shipped.values()}
    for old in sorted({name.partition("/")[0] for name in there} - wanted):
        if _CONTENT.fullmatch(old):  # anything else is not refinery's
            remove_tree(folder / old)
    return shipped


def _is_copy(place: Place, size: int | None, original: Path) -> bool:
    """Whether the file there is whole: on a file system by its content, on a store by its size."""
    if size != original.stat().st_size:
        return False
    return not isinstance(place, Path) or model_file.file_hash(place) == model_file.file_hash(original)
