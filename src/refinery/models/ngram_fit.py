"""Counts the n-grams of drawn documents over the shuffle and makes a language model of them.

Units write every word with those before it, by its number; others count what ends with the same words and write the
n-grams, by their context; others give these their numbers; one puts them into a file. Memory is that of a partition,
at least of the most frequent word's (about 5 % of all words), and at the end some times that of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.definition.trainings import NgramTraining
from refinery.errors import DefinitionError
from refinery.models.draw import Draw, Drawn
from refinery.models.ngram import MODEL, NgramModel, build_table, file_content, parse
from refinery.models.ngram_counts import DROPPED, GRAM, VALUE, Tally, adjusted_counts, values_of
from refinery.models.ngram_record import RECORD, NgramRecord, TextRecord, held_out_auc, lengths_of, perplexity
from refinery.shuffle.partition import hash_numbers, partition_count, partition_of
from refinery.shuffle.records import Records, Tables
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.text.batch import TextBatch
from refinery.text.ngram_model import ngram_rows

if TYPE_CHECKING:
    from refinery.models.cross_validation import Scorer
    from refinery.models.examples import Examples

_PARTITION_BYTES = 32 << 20  # of rows
READ_BYTES = 8 * _PARTITION_BYTES  # of memory that `write_rows` takes
COUNT_BYTES = 12 * _PARTITION_BYTES  # of memory that `count_rows` and `weigh_grams` take
_COPIES = 8  # of all values, in the memory of the unit that makes the file
_BYTES = 4  # of text that a word takes, about
_HELD = pa.schema([("part", pa.string()), ("text", pa.large_string())])


class Written(NamedTuple):
    """Documents and words that are counted of a shard, and documents that are held out."""

    documents: int
    words: int
    held_out: int


@dataclass(frozen=True)
class Counts:
    """Where units write for each other; partitions: of each part, whose partitions stand one part after the other."""

    parts: tuple[str, ...]
    partitions: int
    rows: Records
    held: Tables
    grams: Records
    dropped: Records
    values: Records

    def of(self, part: int) -> range:
        """The partitions of a part."""
        return range(part * self.partitions, (part + 1) * self.partitions)


def most_documents(inputs: Mapping[str, Sequence[ShardDocuments]], training: NgramTraining) -> dict[str, int]:
    """How many documents of each part are drawn at most.

    As many of ordinary text as of the domain, if nothing else is said, as Moore and Lewis have it: of more, a model
    knows rare words so much better that what neither text has counts for the domain.
    """
    most = {
        "positive": training.positive_documents,
        "raw": training.raw_documents or training.positive_documents,
    }
    if "positive" in inputs and training.raw_documents is None:
        most["raw"] = min(most["raw"], sum(shard.arrived for shard in inputs["positive"]))
    return most


def counts_in(
    work: Place,
    parts: tuple[str, ...],
    order: int,
    drawn: Draw,
    most: Mapping[str, int],
    size: int = _PARTITION_BYTES,
) -> Counts:
    """Empty ones for what is drawn, of each part `most` documents; size: bytes of a partition of rows, about."""
    row = np.dtype([("words", np.uint32, (order,))])
    words = max(_drawn_bytes(drawn, part, most[part]) for part in parts) // _BYTES
    partitions = partition_count(words, row, size)
    writers, every = len(drawn.drawn), partitions * len(parts)
    return Counts(
        parts,
        partitions,
        Records.create(work / "rows", row, partitions=every, writers=writers, block_bytes=size),
        Tables.create(work / "held", _HELD, writers=writers, block_bytes=size),
        Records.create(work / "grams", GRAM, partitions=every, writers=every),
        Records.create(work / "dropped", DROPPED, partitions=every, writers=every),
        Records.create(work / "values", VALUE, writers=every),
    )


def _drawn_bytes(drawn: Draw, part: str, most: int) -> int:
    """Of text that is drawn of a part, at most and about: by the bytes of its shards."""
    arrived = sum(count for (name, _), count in drawn.arrived.items() if name == part)
    shards = sum(one.shard.bytes for one in drawn.drawn if one.part == part)
    return int(shards * min(1.0, most / max(arrived, 1)))


def write_rows(counts: Counts, held_out: float, drawn: Drawn) -> Written:
    """Writes the rows of what is drawn of a shard (text.ngram_model), and the texts that are held out."""
    form = counts.rows.form
    first = counts.of(counts.parts.index(drawn.part)).start
    documents = words = held = 0
    with counts.rows.writer(drawn.number) as rows, counts.held.writer(drawn.number) as texts:
        for hashes, batch in drawn.words():
            out = pa.array(hash_numbers(hashes.view(np.int64)) < np.uint64(held_out * 2**64))
            left, counted = batch.to_arrow().filter(out), batch.to_arrow().filter(pa.compute.invert(out))
            texts.write(pa.table([pa.repeat(pa.scalar(drawn.part), len(left)), left], _HELD))
            found = ngram_rows(TextBatch.from_arrow(counted), form["words"].shape[0])
            place = found[:, 0].astype(np.int64) * counts.partitions >> 32
            rows.write(found.view(form).reshape(-1), first + place)
            documents, words, held = documents + len(counted), words + len(found), held + len(left)
    return Written(documents, words, held)


def count_rows(counts: Counts, least: int, partition: int) -> Tally:
    """Counts the n-grams that end with a partition's words, and writes them by context."""
    first = partition // counts.partitions * counts.partitions
    grams, dropped, tally = adjusted_counts(counts.rows.read(partition)["words"], least)
    for records, found in ((counts.grams, grams), (counts.dropped, dropped)):
        records.write(partition, found, first + partition_of(found["context"], counts.partitions))
    return tally


def weigh_grams(counts: Counts, tallies: Sequence[Tally], partition: int) -> None:
    """Gives the n-grams of a partition's contexts their numbers."""
    part = partition // counts.partitions
    grams, dropped = counts.grams.read(partition), counts.dropped.read(partition)
    counts.values.write(partition, values_of(grams, dropped, tallies[part], part))


def count_texts(
    counts: Counts, training: NgramTraining, drawn: Sequence[Drawn], map_units: MapUnits
) -> tuple[list[Tally], list[Written]]:
    """What was counted of each part; their numbers are in `counts.values`. Raises DefinitionError without a word."""
    write = partial(write_rows, counts, training.held_out)
    written = map_units("count words", write, drawn, memory=READ_BYTES)
    every = range(counts.partitions * len(counts.parts))
    found = map_units(
        "count n-grams", partial(count_rows, counts, training.min_count), every, memory=COUNT_BYTES
    )
    tallies = [
        reduce(add, (found[n] for n in counts.of(part)), Tally.zero(training.order))
        for part in range(len(counts.parts))
    ]
    pairs = zip(counts.parts, tallies, strict=True)
    if empty := [f"{part} documents: none has a word" for part, tally in pairs if not tally.counts[0]]:
        raise DefinitionError(*empty)
    map_units("weigh n-grams", partial(weigh_grams, counts, tallies), every, memory=COUNT_BYTES)
    totals = {part: Written(0, 0, 0) for part in counts.parts}
    for one, more in zip(drawn, written, strict=True):
        totals[one.part] = Written(*map(add, totals[one.part], more))
    return tallies, list(totals.values())


def model_bytes(tallies: Sequence[Tally]) -> int:
    """Of memory that `write_model` takes, about."""
    return _COPIES * 2 * VALUE.itemsize * sum(int(tally.kept.sum()) for tally in tallies)


def write_model(
    counts: Counts,
    training: NgramTraining,
    tallies: Sequence[Tally],
    totals: Sequence[Written],
    target: Place,
) -> tuple[str, ...]:
    """Writes the model and its record; gives the names of the files in `target`."""
    content = model_content(counts.values.read(), tallies)
    commit_bytes(target / MODEL, content, scratch=True)
    model = parse(np.frombuffer(content, np.uint8), MODEL)
    texts = {
        part: TextRecord(
            documents=done.documents, words=done.words, held_out=done.held_out, ngrams=lengths_of(tally)
        )
        for part, done, tally in zip(counts.parts, totals, tallies, strict=True)
    }
    judged = {part: _held_out_bits(counts, part, model) for part in counts.parts}
    for part, (bits, words) in judged.items():
        found = {other: perplexity(bits[n], words) for n, other in enumerate(counts.parts)}
        texts[part] = texts[part].model_copy(update={"perplexity": found})
    differences = [(bits[-1] - bits[0])[words > 0] for bits, words in judged.values()]
    record = NgramRecord(
        order=training.order,
        min_count=training.min_count,
        vocabulary=model.words,
        texts=texts,
        auc=held_out_auc(*differences) if len(differences) > 1 else None,
    )
    commit_bytes(target / RECORD, record.model_dump_json(indent=1).encode(), scratch=True)
    return MODEL, RECORD


def model_content(values: NDArray[np.void], tallies: Sequence[Tally]) -> bytes:
    """The file of a model of texts; values: of all their n-grams, VALUE; tallies: by text."""
    words = len(np.unique(values["key"][values["length"] == 1]))
    unknown = [tally.unigram_share / (words + 1) for tally in tallies]
    order = len(tallies[0].found)
    return file_content(build_table(values, len(tallies)), order, words, unknown)


def count_in_memory(texts: Sequence[TextBatch], order: int, least: int) -> bytes:
    """The file of a model of prepared texts, counted in one place; units make the same."""
    counted = [adjusted_counts(ngram_rows(text, order), least) for text in texts]
    values = [values_of(*one, number) for number, one in enumerate(counted)]
    return model_content(np.concatenate(values), [tally for _, _, tally in counted])


def learn(examples: Examples, order: int, least: int) -> Scorer:
    """What gives the difference of cross-entropies by the examples, see models.cross_validation."""
    texts = [examples.texts_of(True), examples.texts_of(False)]
    model = parse(np.frombuffer(count_in_memory(texts, order, least), np.uint8), MODEL)

    def score(texts: TextBatch) -> NDArray[np.float64]:
        domain, ordinary = model.cross_entropies(texts)[0]
        return np.asarray(ordinary - domain)

    return score


def _held_out_bits(
    counts: Counts, part: str, model: NgramModel
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of the documents of a part that were held out: bits a word under each text, (texts, documents), and words."""
    found = [(np.empty((model.texts, 0)), np.empty(0, np.int64))]
    found += [model.cross_entropies(words) for words in _held_out(counts, part)]
    bits, words = zip(*found, strict=True)
    return np.concatenate(bits, axis=1), np.concatenate(words)


def _held_out(counts: Counts, part: str) -> Iterator[TextBatch]:
    for table in counts.held.each():
        for batch in table.filter(pa.compute.equal(table["part"], part)).to_batches():
            yield TextBatch.from_arrow(batch.column("text"))
