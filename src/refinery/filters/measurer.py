"""The shapes of a measurer and of a transform: any callable with a name, a version and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from refinery.text.batch import TextBatch


class Measurer(Protocol):
    """Measures every document of a batch; picklable, cheap to build, loads models on first call.

    `settings` is all that its numbers depend on besides `version` (a model by the hash of its content, never
    by path), as JSON values: the fingerprint is made of it. The call returns one row a document, with `schema`.

    A measurer that takes far longer than reading a text, a neural model, says so by an attribute `costly` that is
    true: it then sees only the documents that reach its stage. `gpus` is the share of GPUs that its calls need.
    `files` are the paths of this machine that they read, each as it stands in the measurer: on another machine the
    measurer has the path of a copy there in its place, with the other files about it as they are here.
    """

    @property
    def name(self) -> str:
        """The word that a definition uses for it."""

    @property
    def version(self) -> int:
        """Raised whenever the same settings and text would give other numbers."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Canonical configuration, JSON values only."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns it makes."""

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document, in the batch's order."""


def is_costly(measurer: Measurer) -> bool:
    """Whether it is to see only the documents that reach its stage."""
    return bool(getattr(measurer, "costly", False))


def gpus(measurer: Measurer) -> float:
    """The share of GPUs that a call needs."""
    return float(getattr(measurer, "gpus", 0.0))


def files(loader: Measurer | Transform) -> tuple[str | Path, ...]:
    """The paths of this machine that its calls read."""
    found: tuple[str | Path, ...] = getattr(loader, "files", ())
    return found


class Transform(Protocol):
    """Rewrites the text of every document; deterministic, replayed when survivors are written.

    It may have `files`, as a measurer may.
    """

    @property
    def name(self) -> str:
        """The word that a definition uses for it."""

    @property
    def version(self) -> int:
        """Raised whenever the same settings and text would give another text."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Canonical configuration, JSON values only."""

    def __call__(self, text: pa.Array) -> pa.Array:
        """large_string in, large_string of the same length out."""
