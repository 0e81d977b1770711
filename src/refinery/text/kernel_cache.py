"""Where compiled kernels are kept: by Numba beside the package or below the home, else below TMPDIR."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
_OWN = "refinery-kernels-"


def keep_kernels() -> None:
    """Has Numba keep kernels in a folder for temporary files where it finds no other; NUMBA_CACHE_DIR stands.

    To be called before Numba is imported.
    """
    if os.environ.get(VARIABLE) or any(map(_writable, _usual())):
        return
    with suppress(OSError):  # Numba says what it misses
        os.environ[VARIABLE] = str(_own_folder())


def note() -> str:
    """What to say before kernels are kept in a folder for temporary files for the first time, else nothing."""
    folder = Path(os.environ.get(VARIABLE, ""))
    if not folder.name.startswith(_OWN) or any(folder.iterdir()):
        return ""
    return (
        f"compiled kernels are kept in {folder}; set {VARIABLE} to a folder that stays to compile them once"
    )


def _usual() -> tuple[Path, Path]:
    """The folders that Numba tries by itself."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - Path raises where there is no home
    return Path(__file__).parent / "__pycache__", Path(caches, "numba")


def _writable(folder: Path) -> bool:
    """Whether the folder can be written, or made."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    return os.access(there, os.W_OK | os.X_OK)


def _own_folder() -> Path:
    """The same one for each process of a user; one anew if another user was quicker, since what lies there is run."""
    import tempfile

    folder = Path(tempfile.gettempdir(), f"{_OWN}{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if status.st_uid == os.getuid() and status.st_mode & 0o170077 == 0o040000:
        return folder
    return Path(tempfile.mkdtemp(prefix=_OWN))
