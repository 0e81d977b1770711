"""Measurer `signals`: what the Gopher, C4, FineWeb and per-language rule sets need, from one pass over the text.

Words, symbols, lines and sentence ends are those of refinery.text.segment. Nothing is NULL or NaN; a ratio of
nothing is 0. "Code points" are those of the text as read: a newline of any form is one, and white space before a
newline or around the text is none, so LF, CRLF, trailing spaces and blank lines at the end do not change a signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import yaml

from refinery.definition.values import Model
from refinery.filters.measurer import Measurer
from refinery.text.signal_columns import COUNTS, RATIOS

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch
    from refinery.text.stopwords import StopWords

STOP_WORDS = Path(__file__).with_name("stop_words.yaml")


@cache
def stop_word_lists() -> Mapping[str, tuple[str, ...]]:
    """The stop words of each language that has a list."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
    lists = yaml.load(STOP_WORDS.read_text(encoding="utf-8"), loader)
    return {language: tuple(words) for language, words in lists.items()}


@cache
def columns() -> Mapping[str, str]:
    """What each column is, in the order of the schema."""
    stop = {
        f"stop_words_{language}": f"different stop words present, of {len(words)} (sources: stop_words.yaml)"
        for language, words in stop_word_lists().items()
    }
    return {**COUNTS, **stop, **RATIOS}


@cache
def _schema() -> pa.Schema:
    return pa.schema([(name, pa.float64() if name in RATIOS else pa.int64()) for name in columns()])


@cache
def _stop_words() -> StopWords:
    from refinery.text.stopwords import compile_lists

    return compile_lists(stop_word_lists())


class Settings(Model):
    """What may be written in a definition for `signals`: nothing, all signals are always measured."""


@dataclass(frozen=True)
class Signals(Measurer):
    """Columns of `columns()`: int64 counts, then float64 ratios."""

    name: str = "signals"
    version: int = 2

    @property
    def settings(self) -> Mapping[str, object]:
        """None: the stop-word lists belong to the version."""
        return {}

    @property
    def schema(self) -> pa.Schema:
        """int64 and float64 columns, never NULL."""
        return _schema()

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; a NULL or empty text measures 0 throughout."""
        from refinery.text import signals

        counts, ratios = signals.measure(batch, _stop_words(), len(stop_word_lists()))
        arrays = [pa.array(column) for column in (*counts.T, *ratios.T)]
        return pa.RecordBatch.from_arrays(arrays, schema=_schema())


def build(settings: Settings) -> Signals:  # noqa: ARG001  (every measurer is built the same way)
    """The measurer."""
    return Signals()
