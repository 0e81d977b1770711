"""What is cut of the documents that have repeated passages: steps after passage_search.

5. Documents: claims on their copies, as far as no claim takes these away.      grant
6. Documents: passages that go, out of the texts, by partition of documents.    write_spans

So each window that goes has a whole copy that stays: a copy which may be touched itself is no reason to cut another.
Passages do not begin or end within a word or a number: they are shortened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.passage_search import Batch, Search, texts_of
from refinery.dedup.sorting import starts_of
from refinery.filters.verb import DROPPED_RECORD, SPAN_RECORD, Outcome
from refinery.shuffle.records import Records
from refinery.text.batch import TextBatch
from refinery.text.cut import count_characters
from refinery.text.passage_edges import trim, with_blank_lines
from refinery.text.passages import CLAIM, untouched
from refinery.text.spans import merge_spans
from refinery.text.windows import Length, lengths, shorten

if TYPE_CHECKING:
    from refinery.dedup.passage_settings import Settings
    from refinery.shuffle.units import MapUnits

RULES = ("passages.characters", "passages.paragraphs", "passages.rest", "passages.tokens")
PARTITION_DOCUMENTS, PARTITIONS = 50_000, 1024  # documents of a partition at least; partitions at most


def cut_passages(
    search: Search, claims: Records, claims_on: Records, batches: Sequence[Batch], map_units: MapUnits
) -> Outcome:
    """The outcome of claims, which are removed: `passage_search.find_claims` gives them."""
    documents = int(search.ends[-1])
    size = max(PARTITION_DOCUMENTS, -(-documents // PARTITIONS))
    count = max(1, -(-documents // size))
    granted = search.records("granted", CLAIM, search.batches, search.batches)
    with claims, claims_on:
        give = partial(grant, search, claims, claims_on, granted)
        map_units("passages granted", give, range(search.batches))
    dropped = search.records("dropped", DROPPED_RECORD, count, search.batches)
    spans = search.records("spans", SPAN_RECORD, count, search.batches)
    with granted:
        map_units("passages cut", partial(write_spans, search, granted, spans, dropped, size), batches)
    return Outcome(RULES, dropped, size, spans=spans)


def grant(search: Search, claims: Records, claims_on: Records, target: Records, batch: int) -> None:
    """Writes the claims on a batch's documents, without what these claim of others, by the document that claims."""
    touched = _together(claims.read(batch))
    wanted = claims_on.read(batch)
    wanted = wanted[np.lexsort((wanted["document"], wanted["other_start"], wanted["other"]))]
    least = 1 if search.chosen.tokens else search.chosen.least  # bytes: lengths are told with the text
    granted = untouched(wanted, touched, least)
    target.write(batch, granted, search.batch_of(granted["document"]))


def _together(claims: NDArray[Any]) -> NDArray[Any]:
    """Claims of each document that overlap or meet as one, with the copy of the longest; in order.

    Where one goes, so does all that is between its ends.
    """
    claims = claims[np.lexsort((claims["end"], claims["start"], claims["document"]))]
    ends = claims["end"].copy()
    documents, starts = _columns(claims, "document", "start")
    firsts: NDArray[np.int64] = merge_spans(documents, starts, ends)
    piece = np.repeat(np.arange(len(firsts)), np.diff(firsts, append=len(claims)))
    longest = claims[np.lexsort((claims["start"] - claims["end"], piece))[firsts]]
    together = claims[firsts]
    together["end"] = ends[firsts]
    together["other"], together["other_start"] = longest["other"], longest["other_start"]
    return together


def _columns(records: NDArray[Any], *names: str) -> Iterator[NDArray[np.int64]]:
    """Fields as arrays of their own, which kernels read."""
    return (np.ascontiguousarray(records[name]) for name in names)


def write_spans(
    search: Search, granted: Records, spans: Records, dropped: Records, size: int, batch: Batch
) -> None:
    """Writes the passages that go out of a batch's documents, and the documents of which too little is left.

    size: documents of a partition of both.
    """
    wanted = granted.read(batch.number)
    wanted = wanted[np.lexsort((wanted["other"], wanted["start"], wanted["document"]))]
    with spans.writer(batch.number) as cut, dropped.writer(batch.number) as gone:
        for documents, texts in texts_of(batch, np.unique(wanted["document"])):
            low, high = np.searchsorted(wanted["document"], [documents[0], documents[-1] + 1])
            found, emptied = _spans(search, documents, texts, wanted[low:high])
            cut.write(found, found["document"] // size)
            gone.write(emptied, emptied["document"] // size)


def _spans(
    search: Search, documents: NDArray[np.int64], texts: TextBatch, granted: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """SPAN_RECORD and DROPPED_RECORD of some documents."""
    length = search.length
    spans = _passages(search.chosen, length, documents, texts, granted)
    at = np.searchsorted(documents, spans["document"])
    cut = np.zeros(len(documents), np.int64)
    starts, ends = _columns(spans, "start", "end")
    np.add.at(cut, at, lengths(texts, at, starts, ends, length))
    every = np.arange(len(documents))
    whole = lengths(texts, every, np.zeros(len(every), np.int64), np.diff(texts.offsets), length)
    gone = (cut > 0) & (whole - cut < search.chosen.least_left * length.parts)
    longest = np.lexsort((-spans["characters"], at))[starts_of(at)] if len(at) else at
    first = spans[longest][gone[at[longest]]]
    dropped = np.empty(len(first), DROPPED_RECORD)
    dropped["document"], dropped["duplicate_of"] = first["document"], first["other"]
    dropped["rule"], dropped["similarity"] = RULES.index("passages.rest"), np.nan
    return spans[~gone[at]], dropped


def _passages(
    chosen: Settings, length: Length, documents: NDArray[np.int64], texts: TextBatch, granted: NDArray[Any]
) -> NDArray[Any]:
    """SPAN_RECORD of all that is granted of some documents, at its edges."""
    at = np.searchsorted(documents, granted["document"])
    starts, ends = _columns(granted, "start", "end")
    shorten(texts, at, starts, ends, length)
    granted["end"] = ends
    found = _together(granted[starts < ends])
    at = np.searchsorted(documents, found["document"])
    starts, ends = _columns(found, "start", "end")
    move = with_blank_lines if chosen.paragraphs else trim
    move(texts, at, starts, ends)
    here = starts < ends
    at, starts, ends, found = at[here], starts[here], ends[here], found[here]
    spans = np.empty(len(found), SPAN_RECORD)
    spans["document"], spans["other"] = found["document"], found["other"]
    spans["rule"] = RULES.index(f"passages.{chosen.unit}")
    spans["start"], spans["end"] = starts, ends
    spans["characters"] = count_characters(texts, at, starts, ends)
    return spans
