"""Folders and files that refinery itself keeps (work folder, outputs), on local disk or on an object store.

A local place is a `pathlib.Path`; a URL is a `UPath` with the same methods and no cached listings, since other
processes write there too. What the two do differently is here; writing is in `refinery.storage.commit`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from refinery.storage.filesystem import is_url, local

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
