"""A costly measurer as a package of a user's would add it: the number of bytes, called only where it must be."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from refinery.filters.measurer import Measurer
from refinery.text.batch import TextBatch

SEEN: list[int] = []  # documents of each call


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Costly(Measurer):
    name: str = "costly"
    version: int = 1
    costly: bool = True

    @property
    def settings(self) -> Mapping[str, object]:
        return {}

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([("costly", pa.int64())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        SEEN.append(len(batch))
        return pa.RecordBatch.from_arrays([pa.array(np.diff(batch.offsets))], schema=self.schema)


def build(settings: Settings) -> Costly:
    return Costly()
