"""Our own outputs met as input: which of their files are data, and which columns were added to the input's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from refinery.storage.marks import MANIFEST, OWNER
from refinery.storage.place import place_of, read_file


def output_folders(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The output folders that files lie in, each with the columns that refinery added, as its manifest says."""
    found = {}
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        place = place_of(folder) / OWNER
        try:
            read_file(place)
        except OSError:  # no output, or a folder whose files cannot be asked for by name
            continue
        try:
            found[folder] = tuple(orjson.loads(read_file(place.with_name(MANIFEST)))["made_columns"])
        except (OSError, ValueError, KeyError, TypeError):
            found[folder] = ()
    return found


def is_output_data(path: str, folders: Mapping[str, tuple[str, ...]]) -> bool:
    """False for a file of an output folder that holds no documents to read: decisions, rejects, the manifest."""
    folder, _, name = path.rpartition("/")
    return folder not in folders or name.startswith("data-")
