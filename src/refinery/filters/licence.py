"""The licence of each document, as SPDX, of what a column of the source's files says.

It measures what `sources.X.licence` names; no stage has to ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

import pyarrow as pa

from refinery.definition.licences import licence_of
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

LICENCE = "licence"


@dataclass(frozen=True)
class Licence(Measurer):
    """Column `licence`: an SPDX expression, `LicenseRef-...` for a name that is not known, NULL for none."""

    column: str = "license"
    name: str = LICENCE
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The column's name, and the package that has SPDX's list by its version."""
        return {"column": self.column, "license_expression": version_of("license-expression")}

    @property
    def schema(self) -> pa.Schema:
        """One string."""
        return pa.schema([(LICENCE, pa.string())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a value."""
        from refinery.text.hosts import by_distinct

        found = by_distinct(batch.to_arrow(), licence_of).cast(pa.string())
        return pa.RecordBatch.from_arrays([found], schema=self.schema)
