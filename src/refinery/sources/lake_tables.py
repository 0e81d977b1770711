"""Tables of which a log tells the live files: Delta Lake and Apache Iceberg. What was deleted still lies beside them.

Files in the folder of such a table that its present version does not name are passed over. A table whose rows are not
those of its files is refused: one with deletion vectors, delete files or mapped columns, and any of Apache Hudi.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import orjson

from refinery.errors import InputError
from refinery.storage.place import place_of, read_file
from refinery.storage.url import is_url, local_path, redact

_METADATA = re.compile(r"v?(\d+)[^/]*\.metadata\.json")
_LOGS = {
    "Delta": re.compile(r"(.*)/_delta_log/[^/]+\.json"),
    "Hudi": re.compile(r"(.*)/\.hoodie/.+"),
    "Iceberg": re.compile(rf"(.*)/metadata/{_METADATA.pattern}"),
}
_LOG_FILES = {"Delta": "_delta_log/*.json", "Hudi": ".hoodie/*", "Iceberg": "metadata/*.metadata.json"}
_EXPORT = "write its present version to Parquet files and read those"


def not_live(files: Collection[str], listed: Collection[str]) -> set[str]:
    """Which of the files lie in the folder of a table and are no part of its present version.

    listed: all that a source's paths name, logs among them. Raises InputError for a table that cannot be read by its
    files, whose log cannot be read, or of which a file is missing.
    """
    found: set[str] = set()
    for kind, root, logs in _tables(files, listed):
        named = _NAMED[kind](root, logs)
        if named is None:
            continue
        live = {f"{root}/{name}" for name in named}
        missing = sorted(live.difference(listed)) if not logs.isdisjoint(listed) else []
        if missing:
            raise InputError(
                redact(root), f"{redact(missing[0])}, which its log names, is not there", _EXPORT
            )
        found |= {path for path in files if path.startswith(f"{root}/")} - live
    return found


def _tables(files: Collection[str], listed: Collection[str]) -> Iterator[tuple[str, str, set[str]]]:
    """(kind, folder, files of its log) of each table that files are of; of a store as far as its log is listed."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in listed:
        for kind, log in _LOGS.items():
            if match := log.fullmatch(path):
                found.setdefault((kind, match[1]), set()).add(path)
    folders = {path.rpartition("/")[0] for path in files if path.endswith(".parquet") and not is_url(path)}
    for folder in {above for path in folders for above in (Path(path), *Path(path).parents)}:
        for kind, pattern in _LOG_FILES.items():
            logs = {str(log) for log in folder.glob(pattern) if _LOGS[kind].fullmatch(str(log))}
            if logs and (kind, str(folder)) not in found:
                found[kind, str(folder)] = logs
    yield from ((kind, root, logs) for (kind, root), logs in sorted(found.items()))


def _of_hudi(root: str, logs: Collection[str]) -> list[str]:
    raise InputError(redact(root), "this is an Apache Hudi table, which cannot be read by its files", _EXPORT)


def _of_delta(root: str, logs: Collection[str]) -> list[str]:
    """The live files of a Delta table, by path below its folder."""
    try:
        from deltalake import DeltaTable
    except ImportError:
        raise _needs(root, "a Delta table", "delta") from None
    try:
        table = DeltaTable(local_path(root))
        features = table.protocol().reader_features or []
        mapped = table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none"
        deleted = "deletionVectors" in features and next(iter(table.deletion_vectors()), None) is not None
        paths = table.get_add_actions(flatten=True)["path"].to_pylist()
    except Exception as error:  # of many kinds
        raise _unreadable(root, error) from None
    if deleted:
        hint = "run `REORG TABLE ... APPLY (PURGE)`, which writes its files without the deleted rows"
        raise InputError(redact(root), "this Delta table has deletion vectors, which cannot be applied", hint)
    if mapped:
        raise InputError(
            redact(root), "this Delta table has other names for its columns than its files", _EXPORT
        )
    return [unquote(path) for path in paths]


def _of_iceberg(root: str, logs: Collection[str]) -> list[str] | None:
    """The live files of an Iceberg table, by path below its folder; None for a folder that merely looks like one."""
    newest = _newest(root, sorted(logs))
    if newest is None:
        return None
    try:
        from pyiceberg.table import StaticTable
    except ImportError:
        raise _needs(root, "an Apache Iceberg table", "iceberg") from None
    try:
        table = StaticTable.from_metadata(local_path(newest))
        tasks = list(table.scan().plan_files())
        location = local_path(table.location()).rstrip("/")
    except Exception as error:  # of many kinds
        raise _unreadable(root, error) from None
    if any(task.delete_files for task in tasks):
        hint = "run `CALL system.rewrite_data_files`, which writes its files without the deleted rows"
        raise InputError(redact(root), "this Iceberg table has delete files, which cannot be applied", hint)
    return [local_path(task.file.file_path).removeprefix(location).lstrip("/") for task in tasks]


def _newest(root: str, logs: Sequence[str]) -> str | None:
    """The metadata file with the highest number, None if it is of something else; raises InputError for two."""
    numbers = {log: int(match[1]) for log in logs if (match := _METADATA.fullmatch(log.rpartition("/")[2]))}
    newest = [log for log, number in numbers.items() if number == max(numbers.values())]
    try:
        table = "format-version" in orjson.loads(read_file(place_of(newest[0])))
    except (OSError, ValueError):  # compressed
        table = True
    if table and len(newest) > 1:
        raise InputError(
            redact(root), "two metadata files of this Iceberg table have the same number", _EXPORT
        )
    return newest[0] if table else None


_NAMED: dict[str, Callable[[str, Collection[str]], list[str] | None]] = {
    "Delta": _of_delta,
    "Hudi": _of_hudi,
    "Iceberg": _of_iceberg,
}


def _needs(root: str, what: str, extra: str) -> InputError:
    problem = f"this is {what}, whose log tells which of its files are live"
    return InputError(redact(root), problem, f"pip install 'refinery[{extra}]', or {_EXPORT}")


def _unreadable(root: str, error: Exception) -> InputError:
    said = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return InputError(redact(root), f"the log of this table cannot be read: {said}", _EXPORT)
