"""The columns that SQL reads of lines and paragraphs, made for those that it names alone (docs/cleaning.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.filters.line_counts import COUNTED, Counted

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch
    from refinery.text.visible_lines import Spans

PROSE_WORDS = 10  # from which on what ends a sentence is prose
_INT, _FLOAT, _BOOL = pa.int64(), pa.float64(), pa.bool_()


@dataclass(frozen=True)
class Column:
    """A column: its type, what it is in words, and how it is made."""

    type: pa.DataType
    description: str
    values: Callable[[Parts], object]


@dataclass(frozen=True)
class Parts:
    """Some of the lines or paragraphs (`spans`) of a batch, `start` to `stop`.

    prose: bool, which of all of them are prose; counted: in how many documents lines are.
    """

    batch: TextBatch
    spans: Spans
    start: int
    stop: int
    prose: NDArray[np.bool_] | None = None
    counted: Counted | None = None

    def frame(self, names: Collection[str]) -> pl.DataFrame:
        """The columns of these names, a row for each part."""
        return pl.DataFrame({name: COLUMNS[name].values(self) for name in sorted(names)})

    @cached_property
    def _shape(self) -> NDArray[np.int32]:
        from refinery.text.line_shapes import shapes

        chosen = slice(self.start, self.stop)
        return shapes(self.batch, self.spans.start[chosen], self.spans.end[chosen])

    @cached_property
    def is_prose(self) -> NDArray[np.bool_]:
        """Which end a sentence and have PROSE_WORDS words or more."""
        from refinery.text import line_shapes

        ends, words = self._shape[[line_shapes.ENDS, line_shapes.WORDS]]
        found: NDArray[np.bool_] = (ends > 0) & (words >= PROSE_WORDS)
        return found

    def text(self) -> pl.Series:
        """As they stand in the document, white space at their ends aside."""
        from refinery.text.cut import slices

        chosen = slice(self.start, self.stop)
        found = slices(self.batch, self.spans.start[chosen], self.spans.end[chosen])
        return pl.Series(found.to_arrow(), dtype=pl.String)

    def count(self, row: str) -> NDArray[np.int64]:
        """A row of `line_shapes`, by its name."""
        from refinery.text import line_shapes

        found: NDArray[np.int64] = self._shape[getattr(line_shapes, row)].astype(np.int64)
        return found

    def share(self, row: str, of: str = "CHARS") -> NDArray[np.float64]:
        """One row over another, 0 where that is 0."""
        return self.count(row) / np.maximum(self.count(of), 1)

    def rank(self, *, from_end: bool = False) -> NDArray[np.int64]:
        """The place in its document, counted from 1."""
        document = self.spans.document
        mine, rows = document[self.start : self.stop], np.arange(self.start, self.stop)
        if from_end:
            return np.searchsorted(document, mine, "right") - rows
        return rows - np.searchsorted(document, mine, "left") + 1

    def prose_above(self) -> NDArray[np.bool_]:
        """Whether any part above it in its document is prose."""
        last = _last_true(self._all_prose())[self.start : self.stop]
        mine = self.spans.document[self.start : self.stop]
        return last >= np.searchsorted(self.spans.document, mine, "left")

    def prose_below(self) -> NDArray[np.bool_]:
        """Whether any part below it in its document is prose."""
        backwards = _last_true(self._all_prose()[::-1])
        following = (len(self.spans) - 1 - backwards)[::-1][self.start : self.stop]
        mine = self.spans.document[self.start : self.stop]
        return following < np.searchsorted(self.spans.document, mine, "right")

    def _all_prose(self) -> NDArray[np.bool_]:
        if self.prose is None:
            raise ValueError("whether there is prose about it was not measured")
        return self.prose

    def documents(self) -> NDArray[np.int64]:
        """How many documents hold it."""
        return self._count.documents_of(self.spans.hash[self.start : self.stop])

    def documents_share(self) -> NDArray[np.float64]:
        """What share of the source's documents holds it."""
        return self.documents() / max(self._count.total, 1)

    @property
    def _count(self) -> Counted:
        if self.counted is None:
            raise ValueError(
                "lines must be counted over their source before rules can read how many hold them"
            )
        return self.counted


def _last_true(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the last one before each place is; -1 if there is none."""
    places = np.where(flags, np.arange(len(flags)), -1)
    return np.concatenate([[-1], np.maximum.accumulate(places)[:-1]]) if len(flags) else places


COLUMNS: Mapping[str, Column] = {
    "text": Column(pa.string(), "the line, white space at its ends aside", Parts.text),
    "chars": Column(_INT, "its code points", lambda of: of.count("CHARS")),
    "words": Column(
        _INT,
        "its words: runs between white space with a letter or digit, and each letter of scripts without spaces",
        lambda of: of.count("WORDS"),
    ),
    "letter_share": Column(_FLOAT, "letters among its code points", lambda of: of.share("LETTERS")),
    "digit_share": Column(_FLOAT, "digits among its code points", lambda of: of.share("DIGITS")),
    "upper_share": Column(_FLOAT, "capitals among its letters", lambda of: of.share("UPPERS", "LETTERS")),
    "punct_share": Column(
        _FLOAT, "punctuation and symbols among its code points", lambda of: of.share("PUNCTUATION")
    ),
    "links": Column(_INT, "its addresses and Markdown links", lambda of: of.count("LINKS")),
    "link_share": Column(_FLOAT, "code points in links among all", lambda of: of.share("LINKED")),
    "terminal": Column(
        _BOOL,
        "whether it ends as a sentence does, closing quotes and brackets aside",
        lambda of: of.count("ENDS") > 0,
    ),
    "bullet": Column(
        _BOOL,
        "whether it begins as an entry of a list: `•`, `-`, `*`, `1.`, `a)`, `一、`",
        lambda of: of.count("BULLET") > 0,
    ),
    "lines": Column(
        _INT, "of a paragraph, its lines", lambda of: of.spans.lines[of.start : of.stop].astype(np.int64)
    ),
    "from_top": Column(_INT, "its place in the document, the first is 1", Parts.rank),
    "from_end": Column(_INT, "its place from the end, the last is 1", lambda of: of.rank(from_end=True)),
    "position": Column(
        _FLOAT,
        "its place over the number there is: 1 for the last",
        lambda of: of.rank() / (of.rank() + of.rank(from_end=True) - 1),
    ),
    "prose_above": Column(
        _BOOL,
        f"whether one above it ends a sentence and has {PROSE_WORDS} words or more",
        Parts.prose_above,
    ),
    "prose_below": Column(_BOOL, "whether one below it does", Parts.prose_below),
    "documents": Column(
        _INT,
        "how many documents of the source hold it; 1 where fewer than one in 10,000 do, or where it has no letter",
        Parts.documents,
    ),
    "documents_share": Column(_FLOAT, "the same over the documents that there are", Parts.documents_share),
}


def columns_of_parts(*, paragraphs: bool) -> dict[str, pa.DataType]:
    """The types of the columns that rules on lines or on paragraphs can read."""
    without = COUNTED if paragraphs else {"lines"}
    return {name: column.type for name, column in COLUMNS.items() if name not in without}
