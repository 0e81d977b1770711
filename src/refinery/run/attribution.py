"""ATTRIBUTION.md among an output's records: under which licences its documents are, where one asks for a notice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from refinery.definition.licences import NONE, OWN, asks_for_attribution
from refinery.run.manifest import Manifest
from refinery.storage.marks import ATTRIBUTION
from refinery.watch.printable import markdown_code

# Columns that say whose a document is, what it is called and where it lies, as `_plain` has their names.
_TELLING = (
    (
        *("author", "authors", "byline", "contributor", "contributors", "creator", "creators", "dc:creator"),
        *("publisher", "source"),
    ),
    ("title", "headline", "papertitle", "articletitle", "doctitle", "dc:title"),
    ("url", "uri", "doi", "link", "permalink", "sourceurl", "pageurl", "articleurl", "warctargeturi"),
)


def telling_columns(schema: Iterable[pa.Field]) -> tuple[str, ...]:
    """The columns that name the author, the title and the address of documents, in this order.

    >>> telling_columns(pa.schema([("URL", pa.string()), ("year", pa.int64()), ("Authors", pa.list_(pa.string()))]))
    ('Authors', 'URL')
    """
    there = [field.name for field in schema if not pa.types.is_null(field.type)]
    return tuple(name for kind in _TELLING for name in there if _plain(name) in kind)


def _plain(column: str) -> str:
    """In lower case, without `_` and `-`; of an attribute of XML and of a path its own name.

    >>> _plain("Document@url"), _plain("meta.Source_URL")
    ('url', 'sourceurl')
    """
    return re.split(r"[@.]", column)[-1].lower().replace("_", "").replace("-", "")


def attribution(manifest: Manifest, columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The file by its name; none where no document asks to be attributed, or no licence is known at all.

    columns: of each source, `telling_columns` as the sources call them.
    """
    rows = [
        (licence, source, count)
        for source, licences in manifest.licences.items()
        for licence, count in licences.items()
    ]
    known = any(licence != NONE for licence, _, _ in rows)
    if not known or not any(asks_for_attribution(licence) for licence, _, _ in rows):
        return {}
    return {ATTRIBUTION: "".join(f"{line}\n" for line in _lines(manifest, sorted(rows), columns))}


def _lines(
    manifest: Manifest, rows: list[tuple[str, str, int]], columns: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    yield f"# Attribution of {manifest.pipeline}: {manifest.output}"
    yield ""
    if manifest.tokenised:
        yield "`sequences-*.parquet` says which document each sequence is. Keep this file with the token ids: what is"
        yield "marked below asks for the author's name or for a notice."
    else:
        yield "Each document is under the licence that its column `licence` names. Author, title and address are in"
        yield "the columns below, as far as its source has them; `lineage` names its source, file and row. Keep this"
        yield "file and these columns with the documents: what is marked asks for the author's name or for a notice."
    yield ""
    yield "| licence | source | documents | asks for attribution | author, title, address |"
    yield "| --- | --- | --- | --- | --- |"
    for licence, source, count in rows:
        asks = "yes" if asks_for_attribution(licence) else "no"
        name = "not stated" if licence == NONE else _linked(licence)
        asked = "not known" if licence == NONE else asks
        yield f"| {name} | {source} | {count:,} | {asked} | {_named_by(manifest, columns.get(source, ()))} |"


def _named_by(manifest: Manifest, columns: Sequence[str]) -> str:
    """The columns, by the names that they have in the output; token ids have none."""
    if manifest.tokenised or not columns:
        return "by `source`, `path`, `row` alone" if manifest.tokenised else "by `lineage` alone"
    return ", ".join(markdown_code(manifest.renamed_columns.get(name, name)) for name in columns)


def _linked(licence: str) -> str:
    """With the text of the licence, where SPDX has one."""
    if licence.startswith(OWN) or " " in licence:
        return f"`{licence}`"
    return f"[{licence}](https://spdx.org/licenses/{licence}.html)"
