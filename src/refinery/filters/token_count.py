"""Measurer `size`: bytes, code points and LLM tokens of every document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.definition.models import Tokens
from refinery.definition.paths import FilePath
from refinery.definition.values import DEFAULT_FAMILY, Family
from refinery.filters.measurer import Measurer
from refinery.models.tokenizer import ENCODE_BYTES, encode, load_tokenizer, tokenizer_hash

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

SCHEMA = pa.schema([("bytes", pa.int64()), ("chars", pa.int64()), ("tokens", pa.int64())])


class Settings(Tokens):
    """What `tokens` of a definition says, its file found."""

    tokenizer: FilePath | None = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Size(Measurer):
    """Columns bytes, chars (code points) and tokens, all int64.

    tokens is estimated for the tokenizers of a family (see refinery.text.token_estimate), or, with `tokenizer`,
    exactly the number of tokens that this tokenizer gives without special tokens.
    """

    family: Family = DEFAULT_FAMILY
    tokenizer: Path | None = None
    tokenizer_hash: str | None = None
    name: str = "size"
    version: int = 2

    @property
    def settings(self) -> Mapping[str, object]:
        """The family, or the tokenizer by the SHA-256 of its file."""
        return {"tokenizer": self.tokenizer_hash} if self.tokenizer else {"family": self.family}

    @property
    def speed(self) -> float:
        """A tokenizer takes far longer than an estimate."""
        return 3e6 if self.tokenizer else 150e6

    @property
    def files(self) -> tuple[Path, ...]:
        """The tokenizer, if there is one."""
        return (self.tokenizer,) if self.tokenizer else ()

    @property
    def schema(self) -> pa.Schema:
        """bytes, chars, tokens."""
        return SCHEMA

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document, never NULL."""
        from refinery.text import token_estimate

        chars, tokens = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
        table = token_estimate.table(self.family)
        token_estimate.count(batch.data, batch.offsets, table, chars, tokens)
        if self.tokenizer is not None and self.tokenizer_hash is not None:
            tokens = _exact(batch, self.tokenizer, self.tokenizer_hash)
        columns = [np.diff(batch.offsets), chars, tokens]
        return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)


def build(settings: Settings) -> Size:
    """The measurer; raises DefinitionError without the tokenizers package, InputError for an unreadable file."""
    if settings.tokenizer is None:
        return Size(settings.family)
    path = settings.tokenizer
    digest = tokenizer_hash(path)
    load_tokenizer(path, digest)
    return Size(tokenizer=path, tokenizer_hash=digest)


def _exact(batch: TextBatch, path: Path, digest: str) -> NDArray[np.int64]:
    tokenizer = load_tokenizer(path, digest)
    texts = batch.to_arrow()
    counts = [
        len(encoding)
        for start, stop in batch.runs(ENCODE_BYTES)
        for encoding in encode(tokenizer, texts.slice(start, stop - start).to_pylist(), path)
    ]
    return np.array(counts, np.int64)
