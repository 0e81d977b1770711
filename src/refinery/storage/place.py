"""Folders and files that refinery itself keeps (work folder, outputs), on local disk or on an object store.

A local place is a `pathlib.Path`; a URL is a `UPath` with the same methods and no cached listings, since other
processes write there too. What the two do differently is here; writing is in `refinery.storage.commit`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from refinery.storage.filesystem import is_url, local, shown

if TYPE_CHECKING:
    from upath import UPath

    Place: TypeAlias = Path | UPath
else:
    Place: TypeAlias = object  # importing UPath takes a tenth of a second, and only URLs need it


def place_of(path: str | Path) -> Place:
    """The place that an absolute path or a URL names."""
    if not is_url(str(path)):
        return Path(local(str(path)))
    from upath import UPath

    return UPath(str(path), use_listings_cache=False)


def is_remote(place: Place) -> bool:
    """Whether the place is on an object store."""
    return not isinstance(place, Path)


def move(source: Place, target: Place) -> None:
    """Gives a file another name in the same folder tree, over what is there; on an object store a copy there."""
    if isinstance(source, Path):
        os.replace(source, target)  # type: ignore[arg-type]  # noqa: PTH105  (both are local)
    else:
        source.fs.mv(source.path, target.path)  # type: ignore[union-attr]


def remove_tree(folder: Place) -> None:
    """Removes a folder and all in it, if it is there."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.fs.rm(folder.path, recursive=True)


def files_below(folder: Place) -> dict[str, int]:
    """Size in bytes of every file below a folder, by its path relative to it; one listing, not one call a file."""
    if isinstance(folder, Path):
        found: dict[str, int] = {}
        for here, _, names in os.walk(folder):
            for name in names:
                file = Path(here, name)
                found[file.relative_to(folder).as_posix()] = file.stat().st_size
        return found
    listed = folder.fs.find(folder.path, detail=True)
    start = len(folder.path.rstrip("/")) + 1
    return {name[start:]: int(info["size"] or 0) for name, info in listed.items()}


def read_many(places: Sequence[Place]) -> list[bytes | None]:
    """The contents of small files, None for those that are not there."""
    found: list[bytes | None] = []
    for place in places:
        try:
            found.append(place.read_bytes())
        except FileNotFoundError:
            found.append(None)
    return found


def lies_in(path: str, folder: str) -> bool:
    """Whether a local path or a URL is the folder itself or below it; links are followed."""
    if is_url(path) or is_url(folder):
        return f"{path}/".startswith(folder.rstrip("/") + "/")
    return Path(local(path)).resolve().is_relative_to(Path(local(folder)).resolve())


def refuse_as_folder(url: str) -> str:
    """Why a URL cannot be a folder to write to, or an empty string."""
    scheme = url.partition("://")[0]
    if scheme in {"http", "https", "hf"} or "::" in url:
        return f"{scheme}:// cannot be written to; use a local folder or an object store such as s3://"
    if shown(url) != url:
        return "credentials and queries do not belong in a path; set them in the environment"
    return ""
