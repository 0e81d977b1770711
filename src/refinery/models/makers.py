"""The makers of models: what a definition's `models` has made of the documents of stages or sources.

Units draw documents, see refinery.models.draw, and one unit makes the model of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.definition.trainings import (
    ImportanceTraining,
    NearestTraining,
    NgramTraining,
    OneStep,
    QuantileCount,
    RelevanceTraining,
    TermMining,
    TopicTraining,
)
from refinery.models.maker import Coming, Inputs, Maker, TrainingMaker, drawn_bytes, in_one_unit
from refinery.models.quantiles_maker import QuantilesMaker
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

if TYPE_CHECKING:
    from refinery.models.draw import Draw
    from refinery.models.train import Written
    from refinery.shuffle.records import Tables

# Of files, measured on 3 to 13 MB of English pages: n bytes of text have about 12 sqrt(n) words that occur twice.
_WORDS, _TOPIC_TERMS, _NGRAM_SHARE = 12, 2.4, 1.4
_NEAREST_BYTES = 2 << 20


@dataclass(frozen=True)
class _CardMaker(TrainingMaker):
    """Makes a model with a card. Inherit from it."""

    def warnings(self, folder: Path) -> Sequence[str]:
        """Where the suggested threshold is of little use, or what was learned may not be the topic."""
        from refinery.models.card import resolve
        from refinery.models.card_text import warnings

        _, found = resolve(folder)
        return warnings(found) if found else ()


@dataclass(frozen=True)
class RelevanceMaker(_CardMaker):
    """Trains a classifier, see refinery.models.train: model.bin, card.json and card.md."""

    training: RelevanceTraining
    name: str = RelevanceTraining.word
    version: int = 3

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Draws, then fits in one unit; raises DefinitionError for too few different documents of a class."""
        from refinery.models import train

        chosen = self.training
        found, examples, written = _read_examples(chosen, inputs, map_units, work)
        counts = train.count_sources(found, written)
        fit = partial(train.fit_examples, examples, chosen, counts)
        memory = train.fit_bytes(chosen, sum(one.bytes for one in written))
        in_one_unit("fit", fit, map_units, memory, folder, work)

    def size(self, coming: Coming) -> float:
        """A vector of each bucket and of each word."""
        chosen = self.training
        most = {"positive": chosen.positive_documents, "negative": chosen.negative_documents}
        return 4 * chosen.dim * (chosen.buckets + _WORDS * sqrt(drawn_bytes(coming, most)))


@dataclass(frozen=True)
class ImportanceMaker(_CardMaker):
    """Counts hashed n-grams, see refinery.models.importance: model.npz, card.json and card.md."""

    training: ImportanceTraining
    name: str = ImportanceTraining.word
    version: int = 2

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Units count, one adds up; raises DefinitionError for few seeds or none with a word."""
        from refinery.models import importance
        from refinery.models.bucket_counts import counts_in
        from refinery.models.cross_validation import add_card
        from refinery.models.draw import draw

        chosen = self.training
        most = {"positive": chosen.positive_documents, "raw": chosen.raw_documents}
        found = draw(inputs, most, chosen.seed, map_units, work)
        found.require_seeds()
        drawn = found.drawn
        counts = counts_in(work / "counts", len(drawn), len(importance.PARTS))
        write = partial(importance.write_counts, counts, chosen.buckets)
        map_units("count n-grams", write, drawn, memory=importance.READ_BYTES)
        add = partial(importance.add_counts, counts, chosen.buckets)
        in_one_unit("add n-grams", add, map_units, importance.READ_BYTES, folder, work)
        learn = partial(importance.learn, buckets=chosen.buckets)
        add_card(chosen, learn, importance.MODEL, found, map_units, folder, work)

    def size(self, coming: Coming) -> float:
        """Two numbers of each bucket."""
        return 16 * self.training.buckets


@dataclass(frozen=True)
class NgramMaker(_CardMaker):
    """Counts n-grams and smooths, see refinery.models.ngram_fit: model.ngram, ngrams.json, card.json and card.md.

    A model of ordinary text alone has no card.
    """

    training: NgramTraining
    name: str = NgramTraining.word
    version: int = 3

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Units count and weigh, one writes the file; raises DefinitionError for few seeds or none with a word."""
        from refinery.models import ngram_fit
        from refinery.models.cross_validation import add_card
        from refinery.models.draw import draw
        from refinery.models.ngram import MODEL

        chosen = self.training
        most = ngram_fit.most_documents(inputs, chosen)
        found = draw(inputs, most, chosen.seed, map_units, work)
        if "positive" in inputs:
            found.require_seeds()
        counts = ngram_fit.counts_in(work, tuple(inputs), chosen.order, found, most)
        tallies, totals = ngram_fit.count_texts(counts, chosen, found.drawn, map_units)
        write = partial(ngram_fit.write_model, counts, chosen, tallies, totals)
        in_one_unit("write n-grams", write, map_units, ngram_fit.model_bytes(tallies), folder, work)
        if "positive" in inputs:
            learn = partial(ngram_fit.learn, order=chosen.order, least=chosen.min_count)
            add_card(chosen, learn, MODEL, found, map_units, folder, work)

    def warnings(self, folder: Path) -> Sequence[str]:
        """Those of the card, and where held-out documents of the domain are not told apart."""
        from refinery.models.ngram_record import read_record

        return [*filter(None, [read_record(folder).warning]), *super().warnings(folder)]

    def size(self, coming: Coming) -> float:
        """A share of the texts, see ngram_fit.most_documents."""
        chosen = self.training
        seeds = min(chosen.positive_documents, coming.get("positive", (chosen.positive_documents, 0))[0])
        most = {"positive": chosen.positive_documents, "raw": chosen.raw_documents or int(seeds)}
        return _NGRAM_SHARE * drawn_bytes(coming, most)


@dataclass(frozen=True)
class NearestMaker(_CardMaker):
    """Indexes seeds, see refinery.models.nearest: model.npz, seeds.jsonl, card.json and card.md."""

    training: NearestTraining
    name: str = NearestTraining.word
    version: int = 2

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Units read, one indexes; raises DefinitionError for few seeds or none with a word."""
        from refinery.models import nearest
        from refinery.models.bucket_counts import counts_in
        from refinery.models.cross_validation import add_card
        from refinery.models.draw import draw

        chosen = self.training
        most = {"positive": chosen.positive_documents, "raw": chosen.raw_documents}
        found = draw(inputs, most, chosen.seed, map_units, work)
        found.require_seeds()
        drawn = found.drawn
        seeds = nearest.seeds_in(work / "seeds", len(drawn))
        counts = counts_in(work / "counts", len(drawn))
        read = partial(nearest.read_drawn, seeds, counts)
        documents = sum(map_units("read seeds", read, drawn, memory=nearest.READ_BYTES))
        write = partial(nearest.write_nearest, seeds, counts, documents)
        in_one_unit("index seeds", write, map_units, nearest.FIT_BYTES, folder, work)
        add_card(chosen, nearest.learn, nearest.MODEL, found, map_units, folder, work)

    def size(self, coming: Coming) -> float:
        """Mostly how frequent each bucket is."""
        return _NEAREST_BYTES


@dataclass(frozen=True)
class TermsMaker(_CardMaker):
    """Mines a lexicon, see refinery.models.terms: terms.txt, card.json and card.md."""

    training: TermMining
    name: str = TermMining.word
    version: int = 2

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Draws, then mines in one unit; raises DefinitionError for few seeds or no term."""
        from refinery.models import terms
        from refinery.models.cross_validation import add_card

        chosen = self.training
        found, examples, written = _read_examples(chosen, inputs, map_units, work)
        found.require_seeds()
        memory = terms.mining_bytes(sum(one.bytes for one in written))
        in_one_unit("mine", partial(terms.mine_examples, examples, chosen), map_units, memory, folder, work)
        add_card(chosen, partial(terms.learn, mining=chosen), terms.MODEL, found, map_units, folder, work)


@dataclass(frozen=True)
class TopicsMaker(TrainingMaker):
    """Finds topics, see refinery.models.topics: model.npz, topics.json and card.md."""

    training: TopicTraining
    name: str = TopicTraining.word
    version: int = 1

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Draws, then finds topics in one unit; raises DefinitionError for too few documents."""
        from refinery.models import topics
        from refinery.models.draw import draw

        chosen = self.training
        drawn = draw(inputs, {"from": chosen.documents}, chosen.seed, map_units, work).drawn
        texts = topics.texts_in(work / "texts", len(drawn))
        write = partial(topics.write_texts, texts)
        size = sum(map_units("read documents", write, drawn, memory=topics.READ_BYTES))
        find = partial(topics.fit_texts, texts, chosen)
        in_one_unit("find topics", find, map_units, topics.fit_bytes(chosen, size), folder, work)

    def size(self, coming: Coming) -> float:
        """A number of each term and cluster."""
        drawn = drawn_bytes(coming, {"from": self.training.documents})
        return 4 * self.training.clusters * _TOPIC_TERMS * sqrt(drawn)


_MAKERS: Mapping[type[OneStep], Callable[..., Maker]] = {
    RelevanceTraining: RelevanceMaker,
    ImportanceTraining: ImportanceMaker,
    NgramTraining: NgramMaker,
    NearestTraining: NearestMaker,
    TermMining: TermsMaker,
    TopicTraining: TopicsMaker,
    QuantileCount: QuantilesMaker,
}


def maker_of(training: OneStep) -> Maker:
    """What makes a model of a definition that one maker makes."""
    return _MAKERS[type(training)](training)


def _read_examples(
    chosen: RelevanceTraining | TermMining, inputs: Inputs, map_units: MapUnits, work: Place
) -> tuple[Draw, Tables, list[Written]]:
    """Draws documents of both classes and has units write them down."""
    from refinery.models import train
    from refinery.models.draw import draw

    most = {"positive": chosen.positive_documents, "negative": chosen.negative_documents}
    found = draw(inputs, most, chosen.seed, map_units, work)
    examples = train.examples_in(work / "examples", len(found.drawn))
    write = partial(train.write_examples, examples)
    written = map_units("read examples", write, found.drawn, memory=train.READ_BYTES)
    return found, examples, written
