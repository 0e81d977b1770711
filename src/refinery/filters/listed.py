"""Measurer `listed`: whether a list, such as a block list, has the value of a column of the sources' files.

    measure:
      - {listed: {column: url, file: "{data}/blocked-domains.txt.gz", match: domain, as: blocked}}
      - {listed: {column: pmid, file: "{data}/pmids.txt", as: chosen}}
    keep: [{not_blocked: "NOT blocked"}, {chosen: "chosen"}]

match: exact compares whole values in the form in which dedup compares them (7, 7.0 and "7" are one). match: domain
takes the host of a URL, or a host itself, and looks for it and the domains above it. match: url compares URLs in
their canonical form, as `url` measures it. A document without a value, without a host or URL there, is not listed.
How lists are written: refinery.filters.listed_file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import Field

from refinery.definition.paths import FileOrUrl
from refinery.definition.values import Model
from refinery.filters.listed_file import Entries, Match, list_hash, load_entries
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch


class Settings(Model):
    """A column, and a list of what is looked for in it."""

    column: str = Field(min_length=1, description="a column of the sources' files, dotted for a nested one")
    file: FileOrUrl = Field(description="a text file with an entry a line, or a hosts file; also compressed")
    match: Match = Field(
        "exact",
        description="exact: the whole value; domain: the value's host, or a domain above it; url: the value as a URL",
    )


@dataclass(frozen=True)
class Listed(Measurer):
    """One boolean column, called as the measurer, of values; fingerprint: of the list's content."""

    path: str
    fingerprint: str
    match: Match
    column: str = ""
    name: str = "listed"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The list by its content, the column, and how they are compared."""
        return {"column": self.column, "file": self.fingerprint, "match": self.match}

    @property
    def files(self) -> tuple[str, ...]:
        """The list."""
        return (self.path,)

    @property
    def schema(self) -> pa.Schema:
        """One column."""
        return pa.schema([(self.name, pa.bool_())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a value; raises InputError if the list is not the one it was when this was built."""
        entries = load_entries(self.path, self.match, self.fingerprint)
        values = batch.to_arrow()
        if self.match == "domain":
            found = _are_below(values, entries)
        else:
            found = pa.array(entries.holds(values if self.match == "exact" else _canonical(values)))
        return pa.RecordBatch.from_arrays([found], schema=self.schema)


def _canonical(values: pa.Array) -> pa.Array:
    from refinery.text.urls import canonical_urls, url_parts

    return canonical_urls(url_parts(values)).to_arrow()


def _are_below(values: pa.Array, entries: Entries) -> pa.Array:
    """boolean: whether the host of a URL, or a host itself, is an entry or below one."""
    import polars as pl

    from refinery.text.hosts import by_distinct, host_name
    from refinery.text.urls import url_parts

    others = pl.Series(values, dtype=pl.String)
    others = others.zip_with(~others.str.contains("/", literal=True), pl.Series([""]))
    hosts = url_parts(values)["host"].fill_null(pl.Series(by_distinct(others.to_arrow(), host_name)))
    encoded = hosts.to_arrow().dictionary_encode()
    return pa.array(entries.holds_above(encoded.dictionary)).take(encoded.indices).fill_null(False)


def build(settings: Settings) -> Listed:
    """The measurer; reads the list if this machine has not yet. Raises InputError for one that cannot be used."""
    fingerprint = list_hash(settings.file)
    load_entries(settings.file, settings.match, fingerprint)
    return Listed(settings.file, fingerprint, settings.match, settings.column)
