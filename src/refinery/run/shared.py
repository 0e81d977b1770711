"""What other machines need of a run: that they see its folders, and a copy of the models that lie on this one.

Sources, work folder and outputs must lie on storage that every node shares. Models may lie anywhere on the driver's
disk (beside the definition, in its environment): they are copied into the work folder, named by their content.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.errors import InputError, RunError
from refinery.executors.shipping import Shipped
from refinery.models.model_file import fingerprint
from refinery.storage.commit import commit_bytes, committed, make_directory
from refinery.storage.place import Place, place_of, read_file, remove_file
from refinery.storage.url import is_url, local, shown

if TYPE_CHECKING:
    from refinery.executors.base import Executor
    from refinery.plan.plan import Plan

_HINT = "sources, work folder and outputs must lie on a file system that all nodes share, or on s3:// and the like"
_JOB_COPY = "/runtime_resources/working_dir_files/"  # where Ray unpacks --working-dir on each node
_PACKAGES = ("refinery", "pyarrow", "polars", "numpy")  # that decide the bytes of files


@dataclasses.dataclass(frozen=True)
class Sight:
    """What a node is asked to look for: files with what stands in them, and files that are only to be there."""

    tokens: tuple[tuple[str, bytes], ...]
    files: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Seen:
    """What it answers."""

    versions: tuple[str, ...]  # of _PACKAGES
    missing: tuple[str, ...]


def share(plan: Plan, executor: Executor) -> None:
    """Has every other machine look for the run's folders and gives it what it needs of this machine's disk.

    Raises InputError naming the nodes that do not see a folder or source, before any work is done there.
    """
    if not executor.elsewhere:
        return
    folders = (plan.work, *plan.graph.output_paths.values())
    for folder in folders:
        if _JOB_COPY in str(folder):
            hint = "give --work and the output's path as absolute paths on shared storage, or as s3:// URLs"
            raise InputError(
                str(folder), "lies in the job's own copy of the working directory, which Ray removes", hint
            )
    tokens = [(folder / f".seen-{secrets.token_hex(8)}.tmp", secrets.token_bytes(16)) for folder in folders]
    firsts = {planned.spec.name: planned.shard.path for planned in reversed(plan.shards)}
    sight = Sight(
        tuple((str(place), content) for place, content in tokens),
        tuple(local(path) for path in firsts.values() if not is_url(path)),
    )
    try:
        for place, content in tokens:
            commit_bytes(place, content)
        _judge(executor.everywhere(look, sight))
    finally:
        for place, _ in tokens:
            remove_file(place)
    executor.ship({path: _copied(path, plan.work) for path in files_of(plan)})


def look(sight: Sight) -> Seen:
    """On a node: which of the places are not seen there."""
    missing = [place for place, content in sight.tokens if _content(place_of(place)) != content]
    missing += [path for path in sight.files if not os.path.exists(path)]  # noqa: PTH110  (text that came from afar)
    return Seen(_versions(), tuple(missing))


def files_of(plan: Plan) -> set[Path]:
    """Every file that measurers and transforms load: by convention, their fields that are paths or tuples of them."""
    loaders = [
        loader
        for stage in plan.graph.stages.values()
        for columns in stage.columns.values()
        for column in columns.values()
        for loader in (column.measurement.measurer, *column.measurement.view.transforms)
    ]
    values = [
        getattr(loader, field.name)
        for loader in loaders
        if dataclasses.is_dataclass(loader)
        for field in dataclasses.fields(loader)
    ]
    flat = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return {value for value in flat if isinstance(value, Path)}


def _versions() -> tuple[str, ...]:
    return tuple(version(package) for package in _PACKAGES)


def _content(place: Place) -> bytes:
    try:
        return read_file(place)
    except (OSError, RunError):
        return b""


def _judge(answers: dict[str, object]) -> None:
    own = _versions()
    blind: dict[str, list[str]] = {}
    for node, answer in answers.items():
        if not isinstance(answer, Seen):
            raise InputError(
                f"node {node}", f"cannot run units: {answer}", "install the same refinery on every node"
            )
        for package, there, here in zip(_PACKAGES, answer.versions, own, strict=True):
            if there != here:
                problem = f"has {package} {there}, this machine {here}"
                raise InputError(f"node {node}", problem, "install the same versions on every node")
        for place in answer.missing:
            blind.setdefault(place, []).append(node)
    for place, nodes in blind.items():
        folder = place.rpartition("/.seen-")[0] or place
        raise InputError(
            shown(folder), f"is not seen by {', '.join(nodes[:5])}{' …' if nodes[5:] else ''}", _HINT
        )


def _copied(path: Path, work: Place) -> Shipped:
    content = fingerprint(path)
    place = work / "models" / content / path.name
    if not place.exists():
        make_directory(place.parent)
        with path.open("rb") as source, committed(place) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    return Shipped(place, content)
