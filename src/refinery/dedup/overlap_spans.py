"""The passages of documents that items of a benchmark cover, with the sentences that they stand in.

Of an item of which a document has enough, all its n-grams go, and what lies between two of them if that is no longer
than the item: where a word was changed. A document goes as a whole if no word is left of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.corpus import Corpus
from refinery.dedup.items import Items, read_items, tokens_of
from refinery.dedup.overlap import MATCH, Found, Looked, read_common
from refinery.dedup.sorting import starts_of
from refinery.filters.verb import SPAN_RECORD
from refinery.shuffle.records import Records
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.dedup.protect_rules import Rules
    from refinery.definition.protections import Overlap
    from refinery.text.batch import TextBatch


def write_spans(
    overlap: Overlap,
    corpus: Corpus,
    folder: Place,
    rules: Rules,
    found: Found,
    spans: Records,
    gone: Records,
    looked: Looked,
) -> None:
    """Writes what is cut out of a shard's documents (`spans`), and those that go since nothing is left (`gone`)."""
    items = read_items(folder)
    covered, pairs = _of_shard(items, corpus, found, looked)
    documents = np.unique(covered["document"])
    done = 0
    with spans.writer(looked.number) as writer, gone.writer(looked.number) as others:
        for batch in looked.shard.documents.texts(documents - looked.first):
            here = documents[done : done + len(batch)]
            done += len(batch)
            if not len(here):
                continue
            low, high = np.searchsorted(pairs["document"], [here[0], here[-1] + 1])
            cut = find_spans(overlap, items, batch, here, pairs[low:high])  # each has some
            left = _has_words_left(batch, here, cut)
            cut["rule"] = rules.inside(cut["other"])
            kept = cut[left[np.searchsorted(here, cut["document"])]]
            writer.write(kept, corpus.partition_of(kept["document"]))
            emptied = covered[np.isin(covered["document"], here[~left])]
            others.write(emptied, corpus.partition_of(emptied["document"]))


# An n-gram in a document, and an item of which it has enough that has the n-gram too.
PAIR = np.dtype([*MATCH.descr, ("item", np.int64)])


def _of_shard(
    items: Items, corpus: Corpus, found: Found, looked: Looked
) -> tuple[NDArray[Any], NDArray[Any]]:
    """COVERED of a shard's documents, and PAIR, both by document."""
    from refinery.text.overlap import belong

    stop = looked.first + looked.shard.documents.rows
    partitions = range(looked.first // corpus.partition_documents, -(-stop // corpus.partition_documents))
    covered = np.concatenate([found.covered.read(n) for n in partitions])
    covered = covered[(covered["document"] >= looked.first) & (covered["document"] < stop)]
    covered = covered[np.argsort(covered["document"], kind="stable")]
    matched = np.concatenate([found.matches.read(n, [looked.number]) for n in partitions])
    matched = matched[np.isin(matched["document"], covered["document"])]
    matched = matched[~np.isin(matched["gram"], read_common(found.common))]
    low, high = (
        np.searchsorted(covered["document"], matched["document"], side) for side in ("left", "right")
    )
    at = np.arange((high - low).sum()) - np.repeat(np.cumsum(high - low) - high, high - low)
    pairs = np.empty(len(at), PAIR)
    for name in MATCH.names or ():
        pairs[name] = np.repeat(matched[name], high - low)
    pairs["item"] = covered["item"][at]
    gram, item = (np.ascontiguousarray(pairs[name]) for name in ("gram", "item"))
    pairs = pairs[belong(gram, item, items)]
    return covered, pairs[np.lexsort((pairs["token"], pairs["item"], pairs["document"]))]


def find_spans(
    overlap: Overlap, items: Items, batch: TextBatch, documents: NDArray[np.int64], pairs: NDArray[Any]
) -> NDArray[Any]:
    """SPAN_RECORD of texts, which are these documents, but for the rule: the sentences that items cover.

    pairs: PAIR of these documents, by document, item and token.
    """
    from refinery.text.cut import count_characters
    from refinery.text.fold import key_texts
    from refinery.text.sentences import sentences
    from refinery.text.spans import merge_spans, widen_spans

    tokens = tokens_of(overlap, key_texts(batch))
    row = np.searchsorted(documents, pairs["document"])
    first = tokens.bounds[row] + pairs["token"]
    begin = tokens.starts[first]
    end = begin + items.sizes[pairs["gram"]]
    length = np.diff(items.offsets)[pairs["item"]]
    is_new = starts_of(row, pairs["item"])
    is_new[1:] |= begin[1:] - end[:-1] > length[1:]
    runs = np.flatnonzero(is_new)
    last = np.searchsorted(tokens.ends, np.maximum.reduceat(end, runs))
    pieces, _ = sentences(batch)
    bounds = tokens_of(overlap, key_texts(pieces)).bounds
    row, item = row[runs], pairs["item"][runs]
    start = pieces.offsets[np.searchsorted(bounds, first[runs], "right") - 1] - batch.offsets[row]
    stop = pieces.offsets[np.searchsorted(bounds, last, "right")] - batch.offsets[row]
    widen_spans(batch.data, batch.offsets, row, overlap.margin, start, stop)
    order = np.lexsort((start, row))
    row, item, start, stop = (values[order] for values in (row, item, start, stop))
    chosen = merge_spans(row, start, stop)
    found = np.empty(len(chosen), SPAN_RECORD)
    row, found["start"], found["end"] = row[chosen], start[chosen], stop[chosen]
    found["document"], found["other"] = documents[row], items.documents[item[chosen]]
    found["characters"] = count_characters(batch, row, start[chosen], stop[chosen])
    return found


def _has_words_left(batch: TextBatch, documents: NDArray[np.int64], cut: NDArray[Any]) -> NDArray[np.bool_]:
    from refinery.text.cut import cut_out
    from refinery.text.fold import key_texts

    row = np.searchsorted(documents, cut["document"])
    starts, ends = (np.ascontiguousarray(cut[name]) for name in ("start", "end"))
    left: NDArray[np.bool_] = np.diff(key_texts(cut_out(batch, row, starts, ends)).offsets) > 0
    return left
