"""Documents that have a protected one inside, as units: they go, or the passages do.

1. Protected documents: items and their n-grams, in one unit.                   items.write_items
2. Shards: n-grams of items in documents, by document; in how many each is.     overlap.write_matches
3. Grams: those that are common among a source's documents.                     overlap.write_common
4. Documents: the items of which each has enough.                               overlap.write_covered
5. Shards, where passages are cut: what of each document is cut.                overlap_spans.write_spans
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.items import most_uncommon, write_items
from refinery.dedup.overlap import (
    COUNT,
    COVERED,
    GRAM,
    MATCH,
    Found,
    Looked,
    silent_items,
    write_common,
    write_covered,
    write_matches,
)
from refinery.dedup.overlap_spans import write_spans
from refinery.filters.verb import SPAN_RECORD
from refinery.shuffle.records import Records
from refinery.storage.place import Place, remove_scratch

if TYPE_CHECKING:
    from refinery.dedup.corpus import Corpus, DedupShard
    from refinery.dedup.protect_rules import Rules
    from refinery.definition.protections import Overlap
    from refinery.shuffle.units import MapUnits

ITEM_BYTES = 16  # of memory for a byte of what items are made of


@dataclass(frozen=True)
class Inside:
    """Records COVERED of the documents that go, the passages that are cut of others, and what is to be told."""

    gone: Records | None = None
    spans: Records | None = None
    warnings: tuple[str, ...] = ()


def look_inside(
    overlap: Overlap, corpus: Corpus, shards: Sequence[DedupShard], rules: Rules, map_units: MapUnits
) -> Inside:
    """Looks through the documents that arrive, but for those of protected sources, which go anyway."""
    firsts = np.cumsum([0, *(shard.documents.rows for shard in shards)])[:-1].tolist()
    earlier = [(s.documents, first) for s, first in zip(shards, firsts, strict=True) if s.documents.earlier]
    items = corpus.work / "items"
    size = ITEM_BYTES * sum(documents.bytes for documents, _ in earlier)
    ((count, short),) = map_units(
        "protect items", partial(write_items, overlap, items), [earlier], memory=size
    )
    looked = _looked(shards, firsts, rules) if count else []
    nobody = np.empty(0, np.int64)
    if not looked:
        spans = _spans(corpus, 0) if overlap.cuts else None
        return Inside(None, spans, tuple(_warnings(overlap, rules, short, nobody)))
    matches = corpus.records("matches", MATCH, partitions=corpus.partitions, writers=len(looked))
    common = corpus.records("common", GRAM, writers=corpus.partitions)
    covered = corpus.records("covered", COVERED, partitions=corpus.partitions)
    with matches, common:
        _find_common(overlap, corpus, items, looked, matches, common, map_units)
        records = Found(matches, common, covered)
        write = partial(write_covered, overlap, items, records)
        map_units("protect covered", write, range(corpus.partitions))
        (silent,) = map_units("protect silent", partial(silent_items, common), [items])
        found = Inside(covered, None, tuple(_warnings(overlap, rules, short, silent)))
        if overlap.cuts:
            with covered:
                gone = corpus.records("emptied", COVERED, partitions=corpus.partitions, writers=len(looked))
                spans = _spans(corpus, len(looked))
                cut = partial(write_spans, overlap, corpus, items, rules, records, spans, gone)
                map_units("protect cut", cut, looked)
                found = Inside(gone, spans, found.warnings)
    remove_scratch(items)
    return found


def _spans(corpus: Corpus, writers: int) -> Records:
    return Records.create(corpus.work / "spans", SPAN_RECORD, partitions=corpus.partitions, writers=writers)


def _looked(shards: Sequence[DedupShard], firsts: Sequence[int], rules: Rules) -> list[Looked]:
    """The shards that are looked through."""
    sources = list(dict.fromkeys(shard.documents.source for shard in shards))
    found: list[Looked] = []
    for shard, first in zip(shards, firsts, strict=True):
        documents = shard.documents
        if not documents.earlier and documents.source not in rules.sources:
            found.append(Looked(len(found), shard, first, sources.index(documents.source)))
    return found


def _find_common(
    overlap: Overlap,
    corpus: Corpus,
    items: Place,
    looked: Sequence[Looked],
    matches: Records,
    common: Records,
    map_units: MapUnits,
) -> None:
    """Writes the n-grams of items in documents, and those that are common."""
    arrived = np.zeros(max(one.source for one in looked) + 1, np.int64)
    for one in looked:
        arrived[one.source] += one.shard.documents.arrived
    most = most_uncommon(overlap, arrived)
    with corpus.records("counts", COUNT, partitions=corpus.partitions, writers=len(looked)) as counts:
        look = partial(write_matches, overlap, items, corpus, matches, counts)
        map_units("protect overlap", look, looked)
        map_units("protect common", partial(write_common, counts, common, most), range(corpus.partitions))


def _warnings(
    overlap: Overlap, rules: Rules, short: Sequence[int], silent: NDArray[np.int64]
) -> Iterator[str]:
    """Of each name the texts that are not looked for, with the reason."""
    words, chars = overlap.shortest_unit
    for number, name in enumerate(rules.names):
        few = sum(count for rule, count in zip(rules.numbers, short, strict=True) if rule == number)
        if few:
            yield f"{few:,} texts of protect.{name} are below {words} words or {chars} characters: not looked for"
        if len(silent) and (common := int((rules.of(silent) == number).sum())):
            yield f"{common:,} texts of protect.{name} are made of n-grams that are common: not looked for"
