"""What this process has read of model files: once for each content, whatever path it was found at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from refinery.errors import InputError

T = TypeVar("T")

_loaded: dict[tuple[object, ...], Any] = {}
_lock = threading.RLock()  # what is read may ask for what else is read of the file


def once(read: Callable[[], T], *key: object) -> T:
    """What `read` gives, which is called once a process for each key: what it is, and the content it is read of.

    What `read` raises is not kept.
    """
    with _lock:
        if key not in _loaded:
            _loaded[key] = read()
        return cast(T, _loaded[key])


def changed(path: Path) -> InputError:
    """The error of a file that is not the one with which a definition was checked."""
    hint = "leave models alone while a run reads them, and run again"
    return InputError(str(path), "the model changed since the definition was checked", hint)
