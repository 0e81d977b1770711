"""Measurer `signals`: what the Gopher, C4, FineWeb and per-language rule sets need, from one pass over the text.

    measure: [signals]                                      # stop words of 18 languages
    measure: [{signals: {stop_words: [sw, fa]}}]            # and of more that FineWeb-2 has a list for

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
from pydantic import Field

from refinery.definition.values import Model
from refinery.errors import DefinitionError, nearest
from refinery.filters import fineweb2
from refinery.filters.measurer import Measurer
from refinery.text.signal_columns import COUNTS, RATIOS

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch
    from refinery.text.stopwords import StopWords

STOP_WORDS = Path(__file__).with_name("stop_words.yaml")
MOST_LISTS = 40  # of stop words that are counted on demand


@cache
def stop_word_lists() -> Mapping[str, tuple[str, ...]]:
    """The stop words of each language that has a list."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
    lists = yaml.load(STOP_WORDS.read_text(encoding="utf-8"), loader)
    return {language: tuple(words) for language, words in lists.items()}


def is_counted_on_demand(language: str) -> bool:
    """Whether stop words of the language are counted only where `stop_words` names it."""
    return language in fineweb2.codes() and language not in stop_word_lists()


@cache
def columns(more: tuple[str, ...] = ()) -> Mapping[str, str]:
    """What each column is, in the order of the schema; `more` languages with a list of FineWeb-2."""
    stop = {
        f"stop_words_{language}": f"different stop words present, of {len(words)} (sources: stop_words.yaml)"
        for language, words in _lists(more).items()
    }
    return {**COUNTS, **stop, **RATIOS}


@cache
def _lists(more: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    found = (fineweb2.thresholds(name) for name in more)
    return {**stop_word_lists(), **{one.column: one.stopwords for one in found if one}}


@cache
def _schema(more: tuple[str, ...]) -> pa.Schema:
    return pa.schema([(name, pa.float64() if name in RATIOS else pa.int64()) for name in columns(more)])


@cache
def _stop_words(more: tuple[str, ...]) -> StopWords:
    from refinery.text.stopwords import compile_lists

    return compile_lists(_lists(more))


class Settings(Model):
    """Languages whose stop words are counted besides those that always are: a code, or FineWeb-2's code_Script."""

    stop_words: tuple[str, ...] = Field((), max_length=MOST_LISTS)


@dataclass(frozen=True)
class Signals(Measurer):
    """Columns of `columns(stop_words)`: int64 counts, then float64 ratios."""

    stop_words: tuple[str, ...] = ()
    name: str = "signals"
    version: int = 2

    @property
    def settings(self) -> Mapping[str, object]:
        """The lists that are not always counted; what they hold belongs to the version."""
        return {"stop_words": list(self.stop_words)} if self.stop_words else {}

    @property
    def schema(self) -> pa.Schema:
        """int64 and float64 columns, never NULL."""
        return _schema(self.stop_words)

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; a NULL or empty text measures 0 throughout."""
        from refinery.text import signals

        lists = _lists(self.stop_words)
        counts, ratios = signals.measure(batch, _stop_words(self.stop_words), len(lists))
        arrays = [pa.array(column) for column in (*counts.T, *ratios.T)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def build(settings: Settings) -> Signals:
    """The measurer; raises DefinitionError for a language that FineWeb-2 has no list for."""
    found = {name: fineweb2.thresholds(name) for name in settings.stop_words}
    known = [*fineweb2.codes(), *fineweb2.configurations()]
    if unknown := [name for name, one in found.items() if one is None]:
        told = (f"stop_words: there is no list for {name!r}{nearest(name, known)}" for name in unknown)
        raise DefinitionError(*told)
    more = sorted({one.column for one in found.values() if one} - stop_word_lists().keys())
    return Signals(tuple(more))
