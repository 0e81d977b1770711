"""Transform `lines`: removes lines and paragraphs, so that a page loses its menu and stays.

    transform: [normalize, {lines: {repeated: 0.1%, keep: [web, {not_a_menu: "words >= 3 OR terminal"}]}}]

What a line is told from another by, what rules may read of it, and what comes of blank lines: docs/cleaning.md. Lines
go first, by `repeated` and then by rules; paragraphs are judged as the lines that stay make them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import xxhash
from pydantic import Field

from refinery.definition.values import Model, Share
from refinery.errors import DefinitionError
from refinery.filters.line_counts import (
    COUNTED,
    FILE,
    MOST_DOCUMENTS_A_LINE,
    Counted,
    LineCounts,
    read_counted,
)
from refinery.filters.line_rules import LineEntries, LineRules, line_rules
from refinery.filters.measurer import RemovedCounts, RemovedPart, Transform
from refinery.models.loaded import changed, once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from refinery.models.maker import Made
    from refinery.text.batch import TextBatch
    from refinery.text.visible_lines import Spans

REPEATED = "repeated"  # the rule of lines that many documents hold
RUN_BYTES = 4 * 2**20  # of text whose lines are looked at together


class Settings(Model):
    """What may be written in a definition for `lines`."""

    repeated: Share | None = Field(
        None, description="a line that more of a source's documents hold is removed"
    )
    least_documents: int = Field(
        100, ge=2, description="a line that fewer documents hold is not `repeated`, whatever the share"
    )
    keep: LineEntries = Field(
        (), description="rules that a line satisfies or is removed by, and sets of them"
    )
    paragraphs: LineEntries = Field((), description="the same for paragraphs, once lines are removed")


@dataclass(frozen=True)
class Step:
    """A batch, its lines, and which parts of it, lines or paragraphs, fail which of `rules`, -1 for none.

    first: the number of the first of them in the transform's.
    """

    batch: TextBatch
    lines: Spans
    parts: Spans
    failed: NDArray[np.int16]
    rules: tuple[str, ...]
    first: int = 0

    def left(self) -> TextBatch:
        """The batch without these parts; the very same if there are none."""
        import numpy as np

        from refinery.text.visible_lines import without_lines

        return without_lines(self.batch, self.lines, np.repeat(self.failed >= 0, self.parts.lines))

    def counts(self, start: int) -> RemovedCounts:
        """How much each rule removes of each document; start: the number of the batch's first one."""
        import numpy as np

        from refinery.text.cut import count_characters

        gone = np.flatnonzero(self.failed >= 0)
        document = self.parts.document[gone].astype(np.int64)
        begins, ends = self.parts.start[gone], self.parts.end[gone]
        before = self.batch.offsets[document]
        characters = count_characters(self.batch, document, begins - before, ends - before)
        pairs, place = np.unique(document * len(self.rules) + self.failed[gone], return_inverse=True)
        sums = (
            np.bincount(place, of, len(pairs)).astype(np.int64)  # exact below 2^53
            for of in (None, ends - begins, characters)
        )
        documents, rules = np.divmod(pairs, len(self.rules))
        return RemovedCounts(start + documents, self.first + rules, *sums)

    def removed_parts(self) -> Iterator[RemovedPart]:
        """The parts that go."""
        data = self.batch.data
        for start, end, rule in zip(self.parts.start, self.parts.end, self.failed, strict=True):
            if rule >= 0:
                yield RemovedPart(self.rules[rule], data[start:end].tobytes().decode())


@dataclass(frozen=True)
class Lines(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing changes; NULL stays.

    count: the file of the source's line counts; counted: a digest of what is read of it.
    """

    repeated: float | None = None
    least_documents: int = 100
    keep: LineRules = field(default_factory=LineRules)
    paragraphs: LineRules = field(default_factory=LineRules)
    count: Path | None = None
    counted: str = ""
    name: str = "lines"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Which lines go, and, where they are counted, a digest of those that go or of all counts that rules read."""
        rules = {"keep": self.keep.rules, "paragraphs": self.paragraphs.rules}
        sql = {name: [rule.predicate for rule in found] for name, found in rules.items() if found}
        which = {"repeated": self.repeated, "least_documents": self.least_documents}
        return {**(which if self.repeated is not None else {}), **sql, "count": self.counted or None}

    @property
    def files(self) -> tuple[Path, ...]:
        """The counts."""
        return (self.count,) if self.count else ()

    @property
    def counter(self) -> LineCounts | None:
        """What counts the lines, if that is asked for."""
        return LineCounts() if self.repeated is not None or self._reads_counts else None

    @property
    def _reads_counts(self) -> bool:
        return not COUNTED.isdisjoint(self.keep.columns)

    @property
    def rules(self) -> tuple[str, ...]:
        """`lines.repeated`, then those on lines and on paragraphs."""
        lines = (REPEATED, *(rule.name for rule in self.keep.rules))
        paragraphs = (rule.name for rule in self.paragraphs.rules)
        return (*(f"lines.{name}" for name in lines), *(f"paragraphs.{name}" for name in paragraphs))

    @property
    def speed(self) -> float:
        """Rules take longer than hashes."""
        return 60e6 if self.keep.rules or self.paragraphs.rules else 200e6

    def with_count(self, count: Made) -> Lines:
        """The transform that knows its source's counts; raises DamagedFile."""
        file = count.folder / FILE
        return replace(self, count=file, counted=_digest(self._needed(file)))

    def _needed(self, file: Path) -> Counted:
        """What is read of the counts: all, or which lines are repeated alone."""
        import numpy as np

        counted = read_counted(file)
        if self._reads_counts:
            return counted
        return Counted(self._repeated(counted), np.empty(0, np.int64), 0)

    def _repeated(self, counted: Counted) -> NDArray[np.uint64]:
        if self.repeated is None:
            return counted.hashes[:0]
        return counted.more_than(self.repeated, self.least_documents).hashes

    def _counts(self) -> Counted | None:
        if self.counter is None:
            return None
        path = self.count
        if path is None:
            raise ValueError("lines must be counted over their source before they can be removed")

        def read() -> Counted:
            found = self._needed(path)
            if _digest(found) != self.counted:
                raise changed(path)
            return found

        return once(read, "lines", self.counted)

    def __call__(self, text: pa.Array) -> pa.Array:
        """The texts without those lines and paragraphs; raises ValueError if lines have not been counted."""
        return self._rewritten(text, None)

    def remove(self, text: pa.Array) -> tuple[pa.Array, Sequence[RemovedCounts]]:
        """The same, and counts of what went; raises ValueError if lines have not been counted."""
        counts: list[RemovedCounts] = []
        return self._rewritten(text, counts), counts

    def _rewritten(self, text: pa.Array, counts: list[RemovedCounts] | None) -> pa.Array:
        from refinery.text.batch import TextBatch, with_nulls_of

        batch = TextBatch.from_arrow(text)
        left, is_same = [], True
        for start, stop in batch.runs(RUN_BYTES):
            run = TextBatch(batch.data, batch.offsets[start : stop + 1])
            steps = list(self._steps(run))
            left.append(steps[-1].left())
            is_same &= left[-1] is run
            if counts is not None:
                counts += (step.counts(start) for step in steps)
        return text if is_same else with_nulls_of(text, pa.concat_arrays([one.to_arrow() for one in left]))

    def _steps(self, batch: TextBatch) -> Iterator[Step]:
        """First the lines, then the paragraphs that are left."""
        import numpy as np

        from refinery.text.repeated_lines import places_of
        from refinery.text.visible_lines import find_lines, paragraphs_of

        counts, lines = self._counts(), find_lines(batch)
        failed = np.full(len(lines), -1, np.int16)
        if self.keep.rules:
            failed = self.keep.first_failed(batch, lines, counts) + np.int16(1)
            failed[failed == 0] = -1
        if counts and self.repeated is not None:
            repeated = self._repeated(counts) if self._reads_counts else counts.hashes
            failed[places_of(lines.hash, repeated) >= 0] = 0
        step = Step(batch, lines, lines, failed, (REPEATED, *(rule.name for rule in self.keep.rules)))
        yield step
        if self.paragraphs.rules:
            batch = step.left()
            lines = find_lines(batch) if batch is not step.batch else lines
            parts = paragraphs_of(lines)
            failed = self.paragraphs.first_failed(batch, parts)
            rules = tuple(rule.name for rule in self.paragraphs.rules)
            yield Step(batch, lines, parts, failed, rules, len(step.rules))

    def removed_parts(self, text: str) -> tuple[RemovedPart, ...]:
        """The lines that it removes of a text, then the paragraphs."""
        from refinery.text.batch import TextBatch

        return tuple(
            part for step in self._steps(TextBatch.from_texts([text])) for part in step.removed_parts()
        )


def _digest(counted: Counted) -> str:
    digest = xxhash.xxh3_128(counted.hashes.tobytes())
    if counted.total:
        digest.update(counted.documents.tobytes() + str(counted.total).encode())
    return digest.hexdigest()


def build(settings: Settings) -> Lines:
    """The transform; raises DefinitionError for rules that are wrong, and a share that is not told from none."""
    if settings.repeated is not None and settings.repeated < 1 / MOST_DOCUMENTS_A_LINE:
        raise DefinitionError(
            f"repeated: {1 / MOST_DOCUMENTS_A_LINE:.2%} is the least; rarer lines are not counted"
        )
    if settings.repeated is None and not settings.keep and not settings.paragraphs:
        raise DefinitionError(
            "lines needs `repeated`, `keep` or `paragraphs`: {lines: {repeated: 0.1%, keep: web}}"
        )
    return Lines(
        settings.repeated,
        settings.least_documents,
        line_rules(settings.keep, "keep"),
        line_rules(settings.paragraphs, "paragraphs"),
    )
