"""Which files the folders of shards hold, from one listing of the work folder."""

from __future__ import annotations

from collections.abc import Iterable

from refinery.storage.place import Place


class Present:
    """A container of the paths of files; memory: a few bytes each, since many folders have files of the same names.

    leftovers: temporary files of processes that were killed. An empty file is no result.
    """

    def __init__(self, folder: Place, files: Iterable[tuple[str, int]]) -> None:
        self._root = f"{folder}/"
        self._folders: dict[str, set[str]] = {}  # by name, those that have such a file
        self.leftovers: list[str] = []
        last = ""
        for path, size in files:
            here, _, name = path.rpartition("/")
            last = last if here == last else here  # files of a folder come together: one string for all
            if name.endswith(".tmp"):
                self.leftovers.append(self._root + path)
            elif size:
                self._folders.setdefault(name, set()).add(last)

    def __contains__(self, path: object) -> bool:
        folder, _, name = str(path).rpartition("/")
        return folder.startswith(self._root) and folder[len(self._root) :] in self._folders.get(name, ())
