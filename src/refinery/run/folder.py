"""The output folder: whose it is, what may lie in it, and how a finished run replaces the one before.

Files are written into a staging folder inside it, named by the run's fingerprint, and moved when all are there;
the manifest is removed first and written last, so a folder with a manifest is always whole.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from refinery.errors import InputError, OutputError
from refinery.storage.commit import commit_bytes

if TYPE_CHECKING:
    from refinery.run.manifest import Manifest

MANIFEST = "manifest.json"
OWNER = ".refinery-output.json"
_PROBE = ".writable"
_OWN_FILES = re.compile(
    r"data-\d+\.(parquet|jsonl\.zst)|decisions\.parquet|rejects\.parquet|\.staging-[0-9a-f]+"
)


def make_folder(folder: Path) -> None:
    """Makes a folder that must be writable; raises OutputError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(".*.tmp"):  # of a run that was killed while it wrote
            leftover.unlink()
        commit_bytes(folder / _PROBE, b"")
        (folder / _PROBE).unlink()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None


def claim(folder: Path, pipeline: str, output: str) -> None:
    """Makes the folder this pipeline's own; raises InputError when it holds anything else."""
    owner = {"pipeline": pipeline, "output": output}
    make_folder(folder)
    try:
        present = {entry.name for entry in folder.iterdir()} - {_PROBE}
        if OWNER not in present and not present:
            commit_bytes(folder / OWNER, orjson.dumps(owner))
            return
        found = orjson.loads((folder / OWNER).read_bytes()) if OWNER in present else None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        found = "something unknown"
    if found is None:
        raise InputError(str(folder), f"is not empty (it holds {min(present)!r})", "choose an empty folder")
    if found != owner:
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
    mine.mkdir(exist_ok=True)
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
