"""The output folder: whose it is, what may lie in it, and how a finished run replaces the one before.

It has the documents and nothing else, so that whatever loads folders loads it. All else lies in the folder of
records beside it: whose it is, decisions, rejects, the manifest, and while a run writes the staging folder, named by
the run's fingerprint. Files are moved from there when all are written; the manifest is removed first and written
last, so a folder with a manifest is always whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from refinery.errors import InputError, OutputError
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.lock import LOCK, Held
from refinery.storage.marks import ATTRIBUTION, CARD, DATA, MANIFEST, MIXTURE, OWNER, records_of
from refinery.storage.place import Place, files_below, move_files, read_file, remove_files, remove_scratch

_LEFTOVER = re.compile(r"\..+\.tmp")  # of a write that was killed
_RECORDS = re.compile(
    r"(decisions|rejects)-\d+\.parquet|sequences-[\w-]+\.parquet|data-path(-\w+)?\.txt|"
    + re.escape(ATTRIBUTION)
    + "|"
    + re.escape(MIXTURE)
)
_STAGING = re.compile(r"\.staging-[0-9a-f]+")


def claim(folder: Place, pipeline: str, output: str) -> None:
    """Marks the folder as this output's own; raises InputError when it holds anything else."""
    if not refuse_foreign(folder, pipeline, output):
        commit_bytes(records_of(folder) / OWNER, _owner(pipeline, output))
    make_directory(folder)


def _owner(pipeline: str, output: str) -> bytes:
    return orjson.dumps({"pipeline": pipeline, "output": output})


def refuse_foreign(folder: Place, pipeline: str, output: str) -> bool:
    """Raises InputError when the folder holds anything but this output; whether it is claimed; changes nothing."""
    owner, records = orjson.loads(_owner(pipeline, output)), records_of(folder)
    try:
        documents = {name for name in files_below(folder) if not _is_leftover(name)}
        present = {name for name in _entries(records) if name != LOCK and not _is_leftover(name)}
        found = orjson.loads(read_file(records / OWNER)) if OWNER in present else None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or type(error).__name__}") from None
    except ValueError:
        found = "unknown"
    for place, names in ((folder, documents), (records, present)):
        if found is None and names:
            raise InputError(str(place), f"is not empty (it holds {min(names)!r})", "choose an empty folder")
    if found is not None and found != owner:
        raise InputError(str(folder), f"belongs to {_whose(found)}", "choose another output path")
    for place, names in ((folder, _strange(documents, DATA)), (records, _strange(present, _RECORDS))):
        if names:
            raise InputError(
                str(place), f"holds {min(names)!r}, which is not this pipeline's", "move it away"
            )
    return found is not None


def _strange(names: set[str], own: re.Pattern[str]) -> set[str]:
    others = {name for name in names - {OWNER, MANIFEST, CARD} if not own.fullmatch(name)}
    return {name for name in others if not _STAGING.fullmatch(name)}


def _is_leftover(name: str) -> bool:
    return bool(_LEFTOVER.fullmatch(name.rpartition("/")[2]))


def _is_own(name: str) -> bool:
    return bool(DATA.fullmatch(name)) or _is_leftover(name)


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
        manifest: dict[str, Any] = orjson.loads(read_file(records_of(folder) / MANIFEST))
        if manifest["fingerprint"] != key:
            return None
        records = [*manifest["decisions"], *manifest["rejects"], *manifest.get("sequences", ())]
        whole = _are_there(folder, manifest["files"]) and _are_there(records_of(folder), records)
        return manifest if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _are_there(folder: Place, files: Sequence[dict[str, Any]]) -> bool:
    sizes = files_below(folder)
    return all(sizes.get(file["path"]) == file["bytes"] for file in files)


def staging(folder: Place, key: str) -> Place:
    """The staging folder of a run; those of other fingerprints are removed."""
    mine = records_of(folder) / staging_name(key)
    remove_staging(folder, but=mine.name)
    make_directory(mine)
    return mine


def staging_name(key: str) -> str:
    """The staging folder of a run with this output key."""
    return f".staging-{key[:16]}"


def remove_staging(folder: Place, but: str = "") -> None:
    """Removes the staging folders, but for one; what cannot be removed stays, since no output is made of it."""
    records = records_of(folder)
    for name in _entries(records):
        if name.startswith(".staging-") and name != but:
            remove_scratch(records / name)


def finish(
    folder: Place,
    staged: Place,
    documents: Sequence[str],
    records: Sequence[str],
    manifest: bytes,
    texts: Mapping[str, str],
    still_held: Held,
) -> None:
    """Replaces documents and records by the staged files with these names, writes texts and the manifest last.

    texts: small records by name, as the card.

    Raises RunError when another run has, or may have, taken over the folder: nothing more is changed from then on.
    """
    beside = records_of(folder)
    still_held()
    remove_files([beside / MANIFEST])
    there = set(files_below(staged))
    for target, names in ((folder, documents), (beside, records)):
        move_files([(staged / name, target / name) for name in names if name in there], still_held)
    # what else may lie there, as a card that was copied for the hub, is its user's
    remove_files([folder / n for n in files_below(folder) if _is_own(n) and n not in set(documents)])
    own = {*records, *texts}
    remove_files([beside / n for n in files_below(beside) if _RECORDS.fullmatch(n) and n not in own])
    for name, text in texts.items():
        commit_bytes(beside / name, text.encode())
    still_held()
    commit_bytes(beside / MANIFEST, manifest)
    remove_scratch(staged)
