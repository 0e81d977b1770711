"""The output folder: whose it is, what may lie in it, and how a finished run replaces the one before.

Files are written into a staging folder inside it, named by the run's fingerprint, and moved when all are there;
the manifest is removed first and written last, so a folder with a manifest is always whole.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from filelock import FileLock, Timeout

from refinery.errors import InputError, OutputError, RunError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.outputs import MANIFEST, OWNER

if TYPE_CHECKING:
    from refinery.run.manifest import Manifest

LOCK = ".lock"
_LEFTOVER = re.compile(r"\..+\.tmp")  # of a write that was killed
_OWN_FILES = re.compile(
    r"data-\d+\.(parquet|jsonl\.zst)|decisions\.parquet|rejects\.parquet|\.staging-[0-9a-f]+"
)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes the folder and holds it for this process alone; leftovers of a killed run are removed.

    Raises OutputError when it cannot be written, RunError when another run holds it.
    """
    make_directory(folder)
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        message = f"{folder}: another run is working here; wait for it, or give this one another folder"
        raise RunError(message) from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    try:
        for leftover in folder.glob(".*.tmp"):
            leftover.unlink()
        yield
    finally:
        lock.release()


def claim(folder: Path, pipeline: str, output: str) -> None:
    """Marks the folder as this output's own; raises InputError when it holds anything else."""
    refuse_foreign(folder, pipeline, output)
    if not (folder / OWNER).exists():
        commit_bytes(folder / OWNER, _owner(pipeline, output))


def _owner(pipeline: str, output: str) -> bytes:
    return orjson.dumps({"pipeline": pipeline, "output": output})


def refuse_foreign(folder: Path, pipeline: str, output: str) -> None:
    """Raises InputError when the folder holds anything but this output; changes nothing."""
    owner = orjson.loads(_owner(pipeline, output))
    try:
        entries = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
        present = {name for name in entries if name != LOCK and not _LEFTOVER.fullmatch(name)}
        found = orjson.loads((folder / OWNER).read_bytes()) if OWNER in present else None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    except ValueError:
        found = "something unknown"
    if found is None and present:
        raise InputError(str(folder), f"is not empty (it holds {min(present)!r})", "choose an empty folder")
    if found is not None and found != owner:
        raise InputError(str(folder), f"belongs to {found}", "choose another output path")
    strange = sorted(n for n in present if n not in {OWNER, MANIFEST} and not _OWN_FILES.fullmatch(n))
    if strange:
        raise InputError(str(folder), f"holds {strange[0]!r}, which is not this pipeline's", "move it away")


def current_manifest(folder: Path, key: str) -> dict[str, Any] | None:
    """The manifest of a finished run with this output key whose files are all there, or None."""
    try:
        manifest: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
        if manifest["fingerprint"] != key:
            return None
        sizes = [(folder / file["path"]).stat().st_size == file["bytes"] for file in manifest["files"]]
        return manifest if all(sizes) and (folder / "decisions.parquet").exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def staging(folder: Path, key: str) -> Path:
    """The staging folder of a run; those of other fingerprints are removed."""
    mine = folder / f".staging-{key[:16]}"
    for other in folder.glob(".staging-*"):
        if other != mine:
            shutil.rmtree(other, ignore_errors=True)
    make_directory(mine)
    return mine


def finish(folder: Path, staged: Path, files: list[str], manifest: Manifest) -> None:
    """Replaces what the folder held by the staged files and writes the manifest last."""
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in files:
        if (staged / name).exists():
            (staged / name).replace(folder / name)
    for entry in folder.iterdir():
        if re.fullmatch(_OWN_FILES, entry.name) and entry.is_file() and entry.name not in files:
            entry.unlink()
    commit_bytes(
        folder / MANIFEST, orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    )
    shutil.rmtree(staged, ignore_errors=True)
