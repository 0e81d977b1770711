"""Transform `lines`: removes lines that a large share of a source's documents hold: menus, footers, cookie notices.

    transform: [normalize, {lines: {repeated: 0.1%}}]

The lines are counted over all documents of each source, as the transforms before this one leave them, each once a
document (see refinery.filters.line_counts). Compared are whole lines, white space at their ends aside. Blank lines
that then follow one another go, and those at the ends of the text; a document without such a line stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import Field

from refinery.definition.values import Model, Share
from refinery.errors import DefinitionError
from refinery.filters.line_counts import FILE, MOST_DOCUMENTS_A_LINE, LineCounts, read_frequent
from refinery.filters.measurer import Transform
from refinery.models.loaded import changed, once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from refinery.models.maker import Made


class Settings(Model):
    """What may be written in a definition for `lines`."""

    repeated: Share = Field(description="a line that more of a source's documents hold is removed")
    least_documents: int = Field(
        100, ge=2, description="a line that fewer documents hold stays, whatever the share"
    )


@dataclass(frozen=True)
class Lines(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing changes; NULL stays.

    count: the file of the source's line counts; removed: a digest of the lines that go.
    """

    repeated: float
    least_documents: int
    count: Path | None = None
    removed: str = ""
    name: str = "lines"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Which lines go, and, once they have been counted, a digest of them."""
        which = {"repeated": self.repeated, "least_documents": self.least_documents}
        return {**which, "count": self.removed or None}

    @property
    def files(self) -> tuple[Path, ...]:
        """The counts."""
        return (self.count,) if self.count else ()

    @property
    def counter(self) -> LineCounts:
        """What counts the lines."""
        return LineCounts()

    def with_count(self, count: Made) -> Lines:
        """The transform that knows its source's counts; raises DamagedFile."""
        file = count.folder / FILE
        removed = _digest(read_frequent(file, self.repeated, self.least_documents))
        return replace(self, count=file, removed=removed)

    def _hashes(self) -> NDArray[np.uint64]:
        path = self.count
        if path is None:
            raise ValueError("lines must be counted over their source before they can be removed")

        def read() -> NDArray[np.uint64]:
            found = read_frequent(path, self.repeated, self.least_documents)
            if _digest(found) != self.removed:
                raise changed(path)
            return found

        return once(read, "lines", self.removed)

    def __call__(self, text: pa.Array) -> pa.Array:
        """The text of every document without those lines; raises ValueError if they have not been counted."""
        from refinery.text.batch import TextBatch
        from refinery.text.repeated_lines import drop_lines

        hashes = self._hashes()
        batch = TextBatch.from_arrow(text)
        left = drop_lines(batch, hashes) if len(hashes) else batch
        if left is batch:
            return text
        result = left.to_arrow()
        return pc.if_else(pc.is_valid(text), result, None) if text.null_count else result


def _digest(hashes: NDArray[np.uint64]) -> str:
    return xxhash.xxh3_128_hexdigest(hashes.tobytes())


def build(settings: Settings) -> Lines:
    """The transform; raises DefinitionError for a share that is not told from none."""
    if settings.repeated < 1 / MOST_DOCUMENTS_A_LINE:
        raise DefinitionError(
            f"repeated: {1 / MOST_DOCUMENTS_A_LINE:.2%} is the least; rarer lines are not counted"
        )
    return Lines(settings.repeated, settings.least_documents)
