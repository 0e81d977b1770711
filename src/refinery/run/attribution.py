"""ATTRIBUTION.md among an output's records: under which licences its documents are, where one asks for a notice."""

from __future__ import annotations

from collections.abc import Iterator

from refinery.definition.licences import NONE, OWN, asks_for_attribution
from refinery.run.manifest import Manifest
from refinery.storage.marks import ATTRIBUTION


def attribution(manifest: Manifest) -> dict[str, str]:
    """The file by its name; none where no document asks to be attributed, or no licence is known at all."""
    rows = [
        (licence, source, count)
        for source, licences in manifest.licences.items()
        for licence, count in licences.items()
    ]
    known = any(licence != NONE for licence, _, _ in rows)
    if not known or not any(asks_for_attribution(licence) for licence, _, _ in rows):
        return {}
    return {ATTRIBUTION: "".join(f"{line}\n" for line in _lines(manifest, sorted(rows)))}


def _lines(manifest: Manifest, rows: list[tuple[str, str, int]]) -> Iterator[str]:
    yield f"# Attribution of {manifest.pipeline}: {manifest.output}"
    yield ""
    if manifest.tokenised:
        yield "`sequences-*.parquet` says which document each sequence is. Keep this file with the token ids: what is"
        yield "marked below asks for the author's name or for a notice."
    else:
        yield "Each document is under the licence that its column `licence` names. Author, title and address are in"
        yield "its other columns, where its source has them; `lineage` names its source, file and row. Keep this file"
        yield "and these columns with the documents: what is marked below asks for the author's name or for a notice."
    yield ""
    yield "| licence | source | documents | asks for attribution |"
    yield "| --- | --- | --- | --- |"
    for licence, source, count in rows:
        asks = "yes" if asks_for_attribution(licence) else "no"
        name = "not stated" if licence == NONE else _linked(licence)
        yield f"| {name} | {source} | {count:,} | {'not known' if licence == NONE else asks} |"


def _linked(licence: str) -> str:
    """With the text of the licence, where SPDX has one."""
    if licence.startswith(OWN) or " " in licence:
        return f"`{licence}`"
    return f"[{licence}](https://spdx.org/licenses/{licence}.html)"
