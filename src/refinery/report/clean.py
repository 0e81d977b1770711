"""`refinery clean`: what lies in the work folder, for whom, and what can go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.filesize import decimal

from refinery.storage.url import redact

if TYPE_CHECKING:
    from refinery.run.clean import Cleaning

_KINDS = {
    "shards": "shards of files that have changed or are gone",
    "measurements": "measurements with other settings or models",
    "decisions": "decisions by other rules",
    "models and counts": "models and counts with other settings or of other documents",
    "leftovers": "what runs left that were killed",
    "copies of models": "copies of models for other machines, which get new ones",
    "logs": "logs of older runs",
}


def lines_of(cleaning: Cleaning) -> Iterator[str]:
    """What was found, and what was done about it."""
    yield f"{redact(str(cleaning.work))}: {_amount(sum(cleaning.kinds.values()), cleaning.files)}"
    yield from (f"  {decimal(size)}: {kind}" for kind, size in cleaning.kinds.items())
    for name, definition in cleaning.pipelines.items():
        yield f"  known: {name} ({definition})"
    for one in cleaning.unneeded:
        yield f"  {_amount(one.bytes, len(one.files))}: {_KINDS[one.kind]}"
    whole = _amount(
        sum(one.bytes for one in cleaning.unneeded), sum(len(one.files) for one in cleaning.unneeded)
    )
    if not cleaning.unneeded:
        yield "All of it is needed."
    elif cleaning.removed:
        yield f"Removed: {whole}."
    else:
        yield f"No pipeline needs {whole}. Nothing was removed: --force does it."


def _amount(size: int, files: int) -> str:
    return f"{decimal(size)} in {files:,} file{'s'[: files != 1]}"
