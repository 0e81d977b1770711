"""Our own outputs met as input: which folders hold records, and which columns were added to the input's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from refinery.storage.marks import MANIFEST, OWNER, RECORDS, has_neighbours, records_of
from refinery.storage.place import Place, place_of, read_file, refuse_as_folder
from refinery.storage.url import is_url, redact


def output_folders(paths: Iterable[str]) -> dict[str, tuple[str, ...] | None]:
    """The folders of outputs that files lie in, each with the columns that refinery added, as its manifest says.

    None for a folder of records, which holds no documents to read.
    """
    found: dict[str, tuple[str, ...] | None] = {}
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        if is_url(folder) and refuse_as_folder(redact(folder)):
            continue  # no run writes there
        place = place_of(folder)
        if folder.endswith(RECORDS) and _is_owned(place):
            found[folder] = None
            continue
        for documents in (place, place.parent) if place.name == "data" else (place,):
            if has_neighbours(str(documents)) and _is_owned(records := records_of(documents)):
                found[folder] = _made_columns(records)
    return found


def is_output_data(path: str, folders: Mapping[str, tuple[str, ...] | None]) -> bool:
    """False for a file among an output's records: decisions, rejects, the manifest."""
    return folders.get(path.rpartition("/")[0], ()) is not None


def _is_owned(records: Place) -> bool:
    try:
        read_file(records / OWNER)
    except OSError:  # none, or a folder whose files cannot be asked for by name
        return False
    return True


def _made_columns(records: Place) -> tuple[str, ...]:
    try:
        return tuple(orjson.loads(read_file(records / MANIFEST))["made_columns"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
