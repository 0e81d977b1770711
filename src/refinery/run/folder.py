"""The output folder: whose it is, what may lie in it, and how a finished run replaces the one before.

Files are written into a staging folder inside it, named by the run's fingerprint, and moved when all are there;
the manifest is removed first and written last, so a folder with a manifest is always whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from refinery.errors import InputError, OutputError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.lock import LOCK, Held
from refinery.storage.marks import DATA, MANIFEST, OWNER
from refinery.storage.place import Place, files_below, move_files, read_file, remove_files, remove_scratch

_LEFTOVER = re.compile(r"\..+\.tmp")  # of a write that was killed
_OWN_FILES = re.compile(rf"{DATA.pattern}|(decisions|rejects)-\d+\.parquet|\.staging-[0-9a-f]+")


def claim(folder: Place, pipeline: str, output: str) -> None:
    """Marks the folder as this output's own; raises InputError when it holds anything else."""
    if not refuse_foreign(folder, pipeline, output):
        commit_bytes(folder / OWNER, _owner(pipeline, output))


def _owner(pipeline: str, output: str) -> bytes:
    return orjson.dumps({"pipeline": pipeline, "output": output})


def refuse_foreign(folder: Place, pipeline: str, output: str) -> bool:
    """Raises InputError when the folder holds anything but this output; whether it is claimed; changes nothing."""
    owner = orjson.loads(_owner(pipeline, output))
    try:
        present = {name for name in _entries(folder) if name != LOCK and not _LEFTOVER.fullmatch(name)}
        found = orjson.loads(read_file(folder / OWNER)) if OWNER in present else None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or type(error).__name__}") from None
    except ValueError:
        found = "unknown"
    if found is None and present:
        raise InputError(str(folder), f"is not empty (it holds {min(present)!r})", "choose an empty folder")
    if found is not None and found != owner:
        raise InputError(str(folder), f"belongs to {_whose(found)}", "choose another output path")
    strange = sorted(n for n in present if n not in {OWNER, MANIFEST} and not _OWN_FILES.fullmatch(n))
    if strange:
        raise InputError(str(folder), f"holds {strange[0]!r}, which is not this pipeline's", "move it away")
    return found is not None


def _whose(found: Any) -> str:
    if isinstance(found, dict) and {"pipeline", "output"} <= found.keys():
        return f"the output {found['output']!r} of the pipeline {found['pipeline']!r}"
    return f"something unknown (see its {OWNER})"


def _entries(folder: Place) -> set[str]:
    """The names that lie directly in a folder."""
    if isinstance(folder, Path):
        return {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    return {path.partition("/")[0] for path in files_below(folder)}


def current_manifest(folder: Place, key: str) -> dict[str, Any] | None:
    """The manifest of a finished run with this output key whose files are all there, or None."""
    try:
        manifest: dict[str, Any] = orjson.loads(read_file(folder / MANIFEST))
        if manifest["fingerprint"] != key:
            return None
        sizes = files_below(folder)
        files = [*manifest["files"], *manifest["decisions"], *manifest["rejects"]]
        whole = all(sizes.get(file["path"]) == file["bytes"] for file in files)
        return manifest if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def staging(folder: Place, key: str) -> Place:
    """The staging folder of a run; those of other fingerprints are removed."""
    mine = folder / staging_name(key)
    remove_staging(folder, but=mine.name)
    make_directory(mine)
    return mine


def staging_name(key: str) -> str:
    """The staging folder of a run with this output key."""
    return f".staging-{key[:16]}"


def remove_staging(folder: Place, but: str = "") -> None:
    """Removes the staging folders, but for one; what cannot be removed stays, since no output is made of it."""
    for name in _entries(folder):
        if name.startswith(".staging-") and name != but:
            remove_scratch(folder / name)


def finish(folder: Place, staged: Place, files: Sequence[str], manifest: bytes, still_held: Held) -> None:
    """Replaces what the folder held by the staged files with these names, and writes the manifest last.

    Raises RunError when another run has, or may have, taken over the folder: nothing more is changed from then on.
    """
    still_held()
    remove_files([folder / MANIFEST])
    there = set(files_below(staged))
    move_files([(staged / name, folder / name) for name in files if name in there], still_held)
    old = [name for name in files_below(folder) if _OWN_FILES.fullmatch(name) and name not in set(files)]
    remove_files([folder / name for name in old])
    still_held()
    commit_bytes(folder / MANIFEST, manifest)
    remove_scratch(staged)
