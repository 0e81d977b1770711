"""Transform `unwrap`: lines broken at a margin are joined, hyphens at their ends resolved (docs/cleaning.md).

    transform: [normalize, unwrap]

What is joined and what stays: refinery.text.unwrap. It has no settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from refinery.definition.values import Model
from refinery.filters.measurer import Transform


class Settings(Model):
    """What may be written in a definition for `unwrap`: nothing."""


@dataclass(frozen=True)
class Unwrap(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing is joined; NULL stays."""

    name: str = "unwrap"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """None."""
        return {}

    def __call__(self, text: pa.Array) -> pa.Array:
        """The texts with joined lines."""
        from refinery.text.batch import TextBatch, with_nulls_of
        from refinery.text.unwrap import unwrap

        batch = TextBatch.from_arrow(text)
        found = unwrap(batch)
        if found is batch:
            return text
        return with_nulls_of(text, found.to_arrow())


def build(settings: Settings) -> Unwrap:  # noqa: ARG001  (every transform is built the same way)
    """The transform."""
    return Unwrap()
