"""Which files the folders of shards hold, from one listing of the work folder."""

from __future__ import annotations

from refinery.storage.place import Place


class Present:
    """A container of the paths of files; memory: a few bytes each, since many folders have files of the same names.

    leftovers: temporary files. An empty file is no result.
    """

    def __init__(self, folder: Place) -> None:
        self._root = f"{folder}/"
        self._folders: dict[str, set[str]] = {}  # by name, those that have such a file
        self._last = ""
        self.leftovers: list[str] = []

    def add(self, path: str, size: int) -> None:
        """Adds a file by its path below the folder; those of one folder are best added one after the other."""
        here, _, name = path.rpartition("/")
        if here != self._last:  # one string for all
            self._last = here
        if name.endswith(".tmp"):
            self.leftovers.append(self._root + path)
        elif size:
            self._folders.setdefault(name, set()).add(self._last)

    def __contains__(self, path: object) -> bool:
        folder, _, name = str(path).rpartition("/")
        return folder.startswith(self._root) and folder[len(self._root) :] in self._folders.get(name, ())
