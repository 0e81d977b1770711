"""An n-gram language model of a domain's text and of ordinary text, or of one text alone: its file.

The file is a header (HEADER, padded to PAGE bytes) and the table that refinery.text.ngram_model describes, which is
mapped into memory, not read: workers of a machine share it. An n-gram takes some 15 bytes: 13.3 in its bucket and
its part of values that many share. n-grams lie in the order of their keys, so the same n-grams are the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.models.card import NGRAM
from refinery.models.model_file import read_once
from refinery.text.buckets import ROOM
from refinery.text.ngram_model import LONGEST, cross_entropies

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

MODEL = NGRAM
HEADER = np.dtype([
    ("magic", "S8"), ("order", np.int64), ("texts", np.int64), ("buckets", np.int64), ("all_buckets", np.int64),
    ("rows", np.int64), ("contexts", np.int64), ("words", np.int64), ("unknown", np.float64, 2),
])  # fmt: skip
PAGE = 4096
_MAGIC = b"ngrams-2"  # the number is raised when words, keys or the table change
_FULL = 0.6  # share of the places in buckets that are taken
_LEAST_SHARE, _LEAST_UNKNOWN = 1e-12, 1e-15  # real ones are larger; of smaller ones a product might be 0
_MOST_SHARE = np.nextafter(np.float32(1), np.float32(0))  # by less than 1 a context is told from others
_HINT = "make one with `refinery train ngram`"


class Table(NamedTuple):
    """As text.ngram_model describes it: entries, uint32 (buckets, 2 * ROOM), and values, float32 (rows, 2 * texts).

    buckets: those at which a search may begin; contexts: the first row of n-grams that are contexts.
    """

    entries: NDArray[np.uint32]
    values: NDArray[np.float32]
    buckets: int
    contexts: int


@dataclass(frozen=True)
class NgramModel:
    """words: how many different ones the texts have; unknown: float64 (texts,), the probability of any other word."""

    table: Table
    order: int
    words: int
    unknown: NDArray[np.float64]

    @property
    def texts(self) -> int:
        """2: of a domain and of ordinary text; 1: of ordinary text."""
        return len(self.unknown)

    def cross_entropies(self, words: TextBatch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Bits a word of prepared texts, float64 (texts, documents), 0 without a word; words, int64 (documents,)."""
        bits, counts = np.empty((self.texts, len(words))), np.empty(len(words), np.int64)
        cross_entropies(words.data, words.offsets, *self.table, self.order, self.unknown, bits, counts)
        return bits, counts


def build_table(values: NDArray[np.void], texts: int) -> Table:
    """The table of what models.ngram_counts.VALUE says; the last bucket is empty, so that a search ends there."""
    grams = np.unique(values["key"][values["column"] % 2 == 0])  # all that have a u
    nothing = np.tile(np.array([0, 1], np.float32), (1, texts))
    of_grams = nothing.repeat(len(grams), axis=0)
    most = np.where(values["column"] % 2, _MOST_SHARE, np.float32(1))
    of_grams[np.searchsorted(grams, values["key"]), values["column"]] = np.minimum(values["value"], most)
    numbers, rows, contexts = _different(of_grams)
    buckets = int(len(grams) / (_FULL * ROOM)) + 1
    first = ((grams >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64) * ROOM
    order = np.arange(len(grams))
    places = np.maximum.accumulate(first - order) + order
    last = max(buckets, int(places.max(initial=0)) // ROOM + 1)
    entries = np.zeros((last + 1, 2, ROOM), np.uint32)
    entries[places // ROOM, 0, places % ROOM] = grams.astype(np.uint32)
    entries[places // ROOM, 1, places % ROOM] = numbers + 1
    return Table(entries.reshape(-1, 2 * ROOM), np.concatenate([nothing, rows]), buckets, contexts + 1)


def _different(values: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
    """Of each n-gram the row of its values, the different rows as text.ngram_model orders them, the first context."""
    parts = values.view(np.uint64)
    order = np.lexsort(parts.T)
    ordered = parts[order]
    is_new = np.ones(len(values), np.bool_)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(is_new)
    rows, uses = values[order[starts]], np.diff(starts, append=len(values))
    is_context = (rows[:, 1::2] < 1).any(axis=1)
    by_use = np.lexsort((-uses, is_context))
    numbers = np.empty(len(values), np.int64)
    numbers[order] = np.argsort(by_use)[np.cumsum(is_new) - 1]
    return numbers, rows[by_use], int((~is_context).sum())


def file_content(table: Table, order: int, words: int, unknown: Sequence[float]) -> bytes:
    """The model's file."""
    header = np.zeros(1, HEADER)
    entries, values, buckets, contexts = table
    sizes = len(entries), len(values)
    header[0] = _MAGIC, order, len(unknown), buckets, *sizes, contexts, words, [*unknown, 0.0][:2]
    return header.tobytes().ljust(PAGE, b"\0") + entries.tobytes() + values.tobytes()


def load_ngrams(path: Path, expected: str | None = None) -> NgramModel:
    """The model at `path`, checked once a process; raises InputError, see model_file.read_once."""
    return read_once(
        "ngram", path, lambda content, _: parse(_mapped(path, len(content)), str(path)), expected
    )


def _mapped(path: Path, size: int) -> NDArray[np.uint8]:
    """The bytes of a file, which outlive the reading."""
    return np.memmap(path, np.uint8, "r") if size else np.empty(0, np.uint8)


def parse(content: NDArray[np.uint8], place: str) -> NgramModel:
    """The model of a file's bytes, over these themselves; raises InputError for another file."""
    content = content.view()
    content.flags.writeable = False  # kernels are compiled for such arrays
    begin = content[: len(_MAGIC)].tobytes()
    if len(content) < PAGE or begin != _MAGIC:
        another = begin[:-1] == _MAGIC[:-1]
        what = "the n-gram model is of another version of refinery" if another else "not an n-gram model"
        raise InputError(place, what, _HINT)
    header = content[: HEADER.itemsize].view(HEADER)[0]
    names = "order", "texts", "buckets", "all_buckets", "rows", "contexts"
    order, texts, buckets, known, rows, contexts = (int(header[name]) for name in names)
    sound = 1 <= order <= LONGEST and texts in (1, 2) and 0 < buckets < known < 1 << 31
    sound = sound and 0 < contexts <= rows < 1 << 32
    unknown = header["unknown"][:texts].copy() if sound else np.empty(0)
    end = PAGE + 8 * ROOM * known
    if not sound or len(content) != end + 8 * texts * rows:
        raise InputError(place, "the n-gram model is damaged: its head and its size do not agree", _HINT)
    entries = content[PAGE:end].view(np.uint32).reshape(known, 2 * ROOM)
    table = Table(entries, content[end:].view(np.float32).reshape(rows, 2 * texts), buckets, contexts)
    if int(entries[:, ROOM:].max()) >= rows or entries[-1].any():
        raise InputError(place, "the n-gram model is damaged: its keys lead out of it", _HINT)
    if not _are_probabilities(table, unknown):
        raise InputError(place, "the n-gram model is damaged: not all its numbers are probabilities", _HINT)
    return NgramModel(table, order, int(header["words"]), unknown)


def _are_probabilities(table: Table, unknown: NDArray[np.float64]) -> bool:
    """Whether all numbers are between 0 and 1, and shares not too small."""
    least = np.tile(np.array([0, _LEAST_SHARE], np.float32), table.values.shape[1] // 2)
    for low in range(0, len(table.values), 1 << 18):
        part = table.values[low : low + (1 << 18)]
        if not ((part >= least) & (part <= 1)).all():
            return False
    return bool(((unknown >= _LEAST_UNKNOWN) & (unknown <= 1)).all())
