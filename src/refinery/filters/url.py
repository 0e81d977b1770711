"""Measurer `url`: host, site and canonical form of the URLs that a column of the sources' files has.

    measure: [{url: {column: url}}]
    keep: [{secure: "canonical_url LIKE 'https://%'"}]
    dedup: {by: [canonical_url]}                       # or near: {...}, within: site

host: in ASCII and lower case. site: what one owner has, by the list of public suffixes (refinery.text.hosts).
canonical_url: without fragment, tracking parameters and what else tells no page apart (refinery.text.urls). All three
are NULL where the column has no URL with a host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import Field

from refinery.definition.values import Model
from refinery.filters.measurer import Measurer
from refinery.text.hosts import by_distinct, site, suffixes_hash

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

SCHEMA = pa.schema([("host", pa.string()), ("site", pa.string()), ("canonical_url", pa.string())])


class Settings(Model):
    """A column of URLs."""

    column: str = Field(
        "url", min_length=1, description="a column of the sources' files, dotted for a nested one"
    )


@dataclass(frozen=True)
class Url(Measurer):
    """Columns host, site and canonical_url, called with URLs; suffixes: hash of the list of public suffixes."""

    suffixes: str
    column: str = "url"
    name: str = "url"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The column, the list of public suffixes by its content, and the package that has UTS 46 by its version."""
        return {"column": self.column, "public_suffixes": self.suffixes, "idna": version_of("idna")}

    @property
    def schema(self) -> pa.Schema:
        """Three strings."""
        return SCHEMA

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a URL."""
        from refinery.text.urls import canonical_urls, url_parts

        parts = url_parts(batch.to_arrow())
        hosts = parts["host"].to_arrow().cast(pa.large_string())
        columns = [hosts, by_distinct(hosts, site), canonical_urls(parts).to_arrow()]
        return pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in columns], schema=SCHEMA)


def build(settings: Settings) -> Url:
    """The measurer."""
    return Url(suffixes_hash(), settings.column)
