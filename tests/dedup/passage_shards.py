"""Shards of texts in memory for tests of the verb `passages`, and what it leaves of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from refinery.dedup.passage_settings import Settings
from refinery.dedup.passages import Passages
from refinery.filters.verb import NONE
from refinery.text.batch import TextBatch

Span = tuple[int, int, int, int]  # document, start and end in characters, the document that keeps the copy


@dataclass(frozen=True)
class TextShard:
    """A shard whose documents all come, but for those at `gone`; three at a time."""

    listed: tuple[str, ...]
    values: dict[str, list[object]] = field(default_factory=dict)
    gone: tuple[int, ...] = ()
    name: str = "shard"
    source: str = "source"
    trust: int = 0
    earlier: bool = False

    @property
    def rows(self) -> int:
        return len(self.listed)

    @property
    def bytes(self) -> int:
        return sum(map(len, self.listed))

    def arrives(self) -> np.ndarray:
        return np.array([n not in self.gone for n in range(self.rows)], bool)

    def ranked_type(self, column: str) -> pa.DataType:
        return pa.array(self.values[column]).type

    def columns(self, names: Sequence[str]) -> pa.Table:
        return pa.table({name: pa.chunked_array([pa.array(self.values[name])]) for name in names})

    def texts(self, documents: np.ndarray) -> Iterator[TextBatch]:
        for start in range(0, len(documents), 3):
            yield TextBatch.from_texts([self.listed[n] for n in documents[start : start + 3]])


@dataclass(frozen=True)
class Cut:
    """The passages that go, the documents that go, by number, and what is left of the others."""

    spans: list[Span]
    dropped: dict[int, int]
    left: dict[int, str]


def in_turn(_name, function, units, memory=0):
    """Runs the units one after the other."""
    return [function(unit) for unit in units]


def cut(shards: Sequence[TextShard], work: Path, **settings: object) -> Cut:
    """What the verb leaves."""
    outcome = Passages(Settings.model_validate(settings)).run(shards, in_turn, work)
    texts = [text for shard in shards for text in shard.listed]
    spans: list[Span] = []
    left = dict(enumerate(texts))
    for number in range(outcome.dropped.partitions):
        for span in np.sort(outcome.spans.read(number), order=["document", "start"]):
            content = texts[span["document"]].encode()
            before, passage = content[: span["start"]].decode(), content[span["start"] : span["end"]].decode()
            assert len(passage) == span["characters"]
            assert span["document"] // outcome.partition_documents == number
            start = len(before)
            spans.append((int(span["document"]), start, start + len(passage), int(span["other"])))
    for document, start, end, _ in reversed(spans):
        left[document] = left[document][:start] + left[document][end:]
    records = [outcome.dropped.read(number) for number in range(outcome.dropped.partitions)]
    dropped = {int(d["document"]): int(d["duplicate_of"]) for found in records for d in found}
    assert NONE not in dropped.values()
    assert dropped.keys().isdisjoint(span[0] for span in spans)
    return Cut(spans, dropped, {n: text for n, text in left.items() if n not in dropped})


NOTE = "Every dose is given with food, and never twice within 24 hours of the last one."


def left(tmp_path: Path, *texts: str, **settings: object) -> list[str | None]:
    """What is left of texts in one shard, None of one that is dropped."""
    found = cut([TextShard(texts)], tmp_path / "work", **settings)
    return [found.left.get(n) for n in range(len(texts))]
