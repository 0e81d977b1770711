"""A measurer as a package of a user's would add it: it counts the words of a list, whose path it keeps as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from refinery.definition.paths import FilePath
from refinery.filters.measurer import Measurer
from refinery.text.batch import TextBatch


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    words: FilePath


@dataclass(frozen=True)
class Listed(Measurer):
    path: str
    name: str = "listed"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        return {"words": Path(self.path).read_text()}

    @property
    def files(self) -> tuple[str, ...]:
        return (self.path,)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([("listed", pa.int64())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        words = set(Path(self.path).read_text().split())
        counts = [sum(word in words for word in text.split()) for text in batch.to_arrow().to_pylist()]
        return pa.RecordBatch.from_arrays([pa.array(counts, pa.int64())], schema=self.schema)


def build(settings: Settings) -> Listed:
    return Listed(str(settings.words))
