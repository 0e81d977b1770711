"""Rewriting the texts of a table, as the `transform` of a stage does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from refinery.api.entries import Entries, build_each, entries_of
from refinery.api.frames import Frame, Texts, as_frame, set_columns, texts_of

if TYPE_CHECKING:
    import pyarrow as pa

    from refinery.filters.measurer import Transform


@overload
def transform(data: Frame, transforms: Entries, *, text: str = "text") -> Frame: ...
@overload
def transform(data: Texts, transforms: Entries, *, text: str = "text") -> pa.Table: ...
def transform(data: Any, transforms: Entries, *, text: str = "text") -> Any:
    """The data with its texts rewritten by transforms, one after the other.

    transforms: as in the `transform` of a stage; the data is the source over which `lines` counts; data, text: as in
    `measure`. Raises DefinitionError for what `transform` could not say, InputError for a table without the column.

    >>> import refinery
    >>> refinery.transform(["Two  \\r\\n lines"], ["normalize"]).column("text").to_pylist()
    ['Two\\n lines']
    """
    import pyarrow as pa

    from refinery.filters.registry import TRANSFORMS

    chain: list[Transform] = build_each(TRANSFORMS, "transform", entries_of("transform", transforms))
    frame = as_frame(data, text)
    texts = texts_of(frame, text)
    with tempfile.TemporaryDirectory(prefix="refinery-") as folder:
        for number, one in enumerate(chain):
            texts = _rewritten(one, texts, Path(folder, str(number)))
    return set_columns(frame, pa.table({text: texts}))


def _rewritten(transform: Transform, texts: pa.ChunkedArray, folder: Path) -> pa.ChunkedArray:
    """The texts after a transform; folder: for what it has to count before."""
    import pyarrow as pa

    from refinery.api.documents import TableDocuments, map_units, text_batches
    from refinery.models.maker import Made

    if counter := transform.counter:
        made, work = folder / "made", folder / "work"
        made.mkdir(parents=True)
        work.mkdir()
        documents = TableDocuments(None, texts, frozenset(), folder)
        counter.make({part: [documents] for part in counter.inputs}, map_units, made, work)
        transform = transform.with_count(Made(made, ""))
    return pa.chunked_array([transform(batch) for batch in text_batches(texts)], pa.large_string())
