"""Every setting there is: changing it makes again what it is a setting of and what follows, and the plan names it.

Each field of each settings model has a case here; a new field without one fails the first test.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from refinery.definition.guards import Guards
from refinery.definition.models import Calibrate, Source, Tokens
from refinery.definition.outputs import Output
from refinery.definition.protections import NearCopies, Overlap, Protected
from refinery.definition.registry import VERBS
from refinery.definition.source_columns import Join, JoinedColumn, SourceColumn
from refinery.definition.tokenization import Tokenization
from refinery.definition.trainings import (
    ImportanceTraining,
    NamedModel,
    NearestTraining,
    NgramTraining,
    QuantileCount,
    RecallTraining,
    RelevanceTraining,
    TermMining,
    TopicTraining,
)
from refinery.filters.registry import MEASURERS, TRANSFORMS
from refinery.plan.derivations import derivation, reasons
from refinery.plan.result import Result
from refinery.select.settings import Upsampling
from tests.conftest import document, write_parquet
from tests.fasttext_models import model
from tests.megatron import byte_level
from tests.run.planning import plan_of

DEFINITION: dict[str, Any] = {
    "refinery": 1,
    "name": "all",
    "protect": {"exams": {"benchmark": "eval/*.jsonl", "columns": ["question"], "near": {}, "overlap": {}}},
    "transform": ["normalize"],
    "sources": {
        "books": {"path": "books/*.parquet", "transform": []},
        "crawl": {"path": "crawl/*"},
        "held": {"path": "held/*.parquet"},
    },
    "models": {
        "topic": {"file": "topic.bin"},
        "trained": {"train": {"positive": "books", "negative": "screened"}},
        "words": {"importance": {"positive": "books", "raw": "screened"}},
        "seeds": {"nearest": {"positive": "books", "raw": "screened"}},
        "grams": {"ngram": {"positive": "books", "raw": "screened"}},
        "vocabulary": {"terms": {"positive": "books", "negative": "screened"}},
        "groups": {"topics": {"from": "screened"}},
        "found": {"recall": {"seeds": "books", "pool": "screened", "rounds": 2}},
        "places": {"quantiles": {"from": "scored", "columns": ["importance", "nearest"]}},
    },
    "stages": {
        "screened": {
            "from": "crawl",
            "transform": [{"lines": {"repeated": "50%"}}],
            "measure": [
                "language",
                "signals",
                {"patterns": {"x": "[0-9]"}},
                {"relevance": {"model": "topic", "label": "l1"}},
            ],
            "keep": [
                {"english": "lang_score > 0.1"},
                {"long": "words > 5 AND relevance > 0.5"},
                {"few": "x < 5"},
            ],
        },
        "unique": {"from": ["books", "screened"], "dedup": {"exact": True, "near": {}, "prefer": ["source"]}},
        "scored": {
            "from": "unique",
            "measure": [
                {"quality": {"model": "trained"}},
                {"importance": {"model": "words"}},
                {"cross_entropy": {"model": "grams"}},
                {"nearest": {"model": "seeds"}},
                {"terms": {"model": "vocabulary"}},
                {"topic": {"model": "groups"}},
            ],
            "keep": [
                {
                    "on_topic": "quality >= suggested('trained')"
                    " AND importance + term_density + cross_entropy + nearest + topic > 0"
                }
            ],
        },
        "sized": {
            "from": "books",
            "keep": [{"some": "bytes > 3"}],
            "calibrate": {"trusted": "books", "junk": "held", "lose": "1%"},
        },
        "best": {"from": "scored", "select": {"tokens": "5k", "by": "tokens"}},
        "blend": {
            "from": ["books", "scored"],
            "mix": {"tokens": "5k", "shares": {"books": "30%", "scored": "70%"}, "most_repeats": 2},
        },
    },
    "outputs": {"best": {"from": "best", "path": "out/best"}, "all": {"from": "unique", "path": "out/all"}},
}
COLUMNS = ("sources", "crawl", "columns")
CRAWL, UNIQUE = ("sources", "crawl"), ("stages", "unique", "dedup")
BEST, WRITTEN, MEASURE = ("stages", "best", "select"), ("outputs", "best"), ("stages", "screened", "measure")
TRAIN, WORDS = ("models", "trained", "train"), ("models", "words", "importance")
TRAINED, WEIGHED = {"models.trained"}, {"models.words"}
SEEDS, INDEXED = ("models", "seeds", "nearest"), {"models.seeds"}
GRAMS, COUNTED = ("models", "grams", "ngram"), {"models.grams"}
TERMS, MINED = ("models", "vocabulary", "terms"), {"models.vocabulary"}
TOPICS, FOUND = ("models", "groups", "topics"), {"models.groups"}
RECALL, SAMPLED = ("models", "found", "recall"), {"models.found.sample"}
ROUNDS = {"models.found.round-1", "models.found.round-2"}
PLACES, PLACED = ("models", "places", "quantiles"), {"models.places"}
LINES, COUNT = ("stages", "screened", "transform", 0, "lines"), "sources.crawl.normalize.lines"
DEDUP, SELECT = {"stages.unique.dedup"}, {"stages.best.select"}
BLEND, MIX = ("stages", "blend", "mix"), {"stages.blend.mix"}
EXAM = "sources.protect:exams.question.minhash"
ON_EXAM = {EXAM, "sources.protect:exams.question.content"}
EXAMS = ("protect", "exams")
OVERLAP = (*EXAMS, "overlap")
PROTECT = {f"stages.protect:{name}.protect" for name in ("best", "unique", "books", "screened", "scored")}
SHINGLED = {*DEDUP, "sources.crawl.lines.minhash", "sources.books.minhash"}
FOLDED = {*SHINGLED, "sources.crawl.lines.content", "sources.books.content"}
NORMALIZE = [{"normalize": {"ftfy": True}}]
ON_CRAWL = {
    f"sources.crawl.lines.{name}"
    for name in ("size", "language", "signals", "patterns", "relevance", "content", "minhash", "removed")
}
HELD = "sources.held.size"
SIZES = {"sources.crawl.lines.size", "sources.books.size", HELD}
CALIBRATE, MOVED = ("stages", "sized", "calibrate"), {"stages.sized.calibrate"}
ON_TOPIC = "sources.crawl.lines.relevance"
JOIN = (*CRAWL, "join")
SIDE = {"path": "side.csv", "on": {"id": "number"}, "columns": {"court": None}}
JOINED = {"sources.crawl", "outputs.all", "outputs.best"}  # outputs carry the columns
COMPARED = {"sources.crawl.content", "sources.crawl.minhash"}  # with what is protected, before lines go


@dataclass(frozen=True)
class Case:
    """A field's place in the definition, another value, and the results that it is a setting of, if of any."""

    place: tuple[str | int, ...]
    value: Any
    of: frozenset[str] | set[str] = frozenset()
    beside: tuple[tuple[tuple[str | int, ...], Any], ...] = ()  # what must change with it
    named: str = ""  # how its field is called, if not as in the definition


def case(*arguments: Any, **known: Any) -> Case:
    return Case(*arguments, **known)


CASES: dict[tuple[str, str], Case] = {
    ("source", "path"): case((*CRAWL, "path"), "../ROOT/crawl/*"),
    ("source", "transform"): case((*CRAWL, "transform"), NORMALIZE, {*ON_CRAWL, *COMPARED, COUNT}, named="ftfy"),
    ("source", "text"): case((*CRAWL, "text"), "id", {"sources.crawl"}),
    ("source", "id"): case((*CRAWL, "id"), "year", {"sources.crawl"}),
    ("source", "columns"): case(COLUMNS, {"keep": ["year"]}, {"sources.crawl"}),
    ("source", "encoding"): case((*CRAWL, "encoding"), "latin-1", {"sources.crawl"}),
    ("source", "where"): case((*CRAWL, "where"), "year > 1991", {"sources.crawl"}),
    ("source", "join"): case(JOIN, SIDE, JOINED),
    ("source.join", "path"): case(JOIN, {**SIDE, "path": "other.csv"}, JOINED, named="join"),
    ("source.join", "on"): case(JOIN, {**SIDE, "on": {"year": "number"}}, JOINED, named="join"),
    ("source.join", "columns"): case(JOIN, {**SIDE, "columns": {"court": "int"}}, JOINED, named="join"),
    ("source.join", "missing"): case(JOIN, {**SIDE, "missing": "reject"}, JOINED, named="join"),
    ("source.join.columns", "from_"): case(
        JOIN, {**SIDE, "columns": {"z": {"from": "court"}}}, JOINED, named="join"
    ),
    ("source.join.columns", "type"): case(
        JOIN, {**SIDE, "columns": {"court": {"type": "int"}}}, JOINED, named="join"
    ),
    ("source.columns", "from_"): case(COLUMNS, {"y": {"from": "year"}}, {"sources.crawl"}, named="columns"),
    ("source.columns", "type"): case(COLUMNS, {"year": {"type": "int"}}, {"sources.crawl"}, named="columns"),
    ("source.columns", "invalid"): case(
        COLUMNS, {"year": {"type": "int", "invalid": "reject"}}, {"sources.crawl"}, named="columns",
    ),
    ("source", "format"): case(("sources", "books", "format"), "parquet"),  # what the files are anyway
    ("source", "record"): case((*CRAWL, "record"), "page", {"sources.crawl"}),
    ("source", "extractor"): case((*CRAWL, "extractor"), "trafilatura", {"sources.crawl"}),
    ("source", "binary_text"): case((*CRAWL, "binary_text"), True, {"sources.crawl"}),
    ("source", "on_error"): case((*CRAWL, "on_error"), "fail"),
    ("source", "max_document_bytes"): case((*CRAWL, "max_document_bytes"), "1MB", {"sources.crawl"}),
    ("tokens", "family"): case(("tokens",), {"family": "gpt"}, SIZES),
    ("tokens", "tokenizer"): case(
        ("tokens",), {"tokenizer": "tokenizer.json"}, SIZES, beside=((("tokens", "family"), "qwen"),)
    ),
    ("source", "trusted"): case((*CRAWL, "trusted"), True),
    ("source", "licence"): case((*CRAWL, "licence"), "MIT", {"outputs.best", "outputs.all"}),
    ("output", "licences"): case(
        (*WRITTEN, "licences"), ["MIT"], {"stages.scored", "outputs.all", "outputs.best"},
        beside=((("sources", "crawl", "licence"), "MIT"), (("sources", "books", "licence"), "MIT")),
    ),
    ("guards", "rejected"): case(("guards",), {"rejected": "5%"}),
    ("guards", "dedup_loss"): case(("guards",), {"dedup_loss": "5%"}),
    ("guards", "duplicates_of_one"): case(("guards",), {"duplicates_of_one": "5%"}),
    ("guards", "trusted_loss"): case(("guards",), {"trusted_loss": "5%"}),
    ("guards", "budget_missed"): case(("guards",), {"budget_missed": "5%"}),
    ("output", "from_"): case((*WRITTEN, "from"), "unique", {"outputs.best"}),
    ("output", "path"): case((*WRITTEN, "path"), "out/elsewhere"),
    ("output", "format"): case((*WRITTEN, "format"), "jsonl", {"outputs.best"}),
    ("output", "measurements"): case((*WRITTEN, "measurements"), ["tokens"], {"outputs.best"}),
    ("output", "tokenize"): case((*WRITTEN, "tokenize"), "tokenizer.json", {"outputs.best"}),
    ("output.tokenize", "file"): case(
        (*WRITTEN, "tokenize"), {"file": "tokenizer.json"}, {"outputs.best"}, named="tokenize"
    ),
    ("output.tokenize", "eod"): case(
        (*WRITTEN, "tokenize"), {"file": "tokenizer.json", "eod": "<pad>"}, {"outputs.best"}, named="tokenize"
    ),
    ("output", "shard_bytes"): case((*WRITTEN, "shard_bytes"), "1MB", {"outputs.best"}),
    ("output", "shuffle"): case((*WRITTEN, "shuffle"), 3, {"outputs.best"}),
    ("output", "repeats"): case(
        (*WRITTEN, "repeats"), "counts", {"outputs.best"}, (((*WRITTEN, "from"), "blend"),)
    ),
    ("output", "split"): case((*WRITTEN, "split"), {"validation": "5%"}, {"outputs.best", *DEDUP}),
    ("output", "split_by"): case(
        (*WRITTEN, "split_by"), "year", {"outputs.best", *DEDUP}, (((*WRITTEN, "split"), {"v": "5%"}),)
    ),
    ("dedup", "by"): case((*UNIQUE, "by"), ["year"], DEDUP),
    ("dedup", "exact"): case((*UNIQUE, "exact"), False, DEDUP),
    ("dedup", "near"): case((*UNIQUE, "near"), None, DEDUP),
    ("dedup.near", "similarity"): case((*UNIQUE, "near", "similarity"), 0.7, DEDUP),
    ("dedup.near", "within"): case((*UNIQUE, "near", "within"), ["year"], DEDUP),
    ("dedup.near", "num_perm"): case((*UNIQUE, "near", "num_perm"), 64, SHINGLED),
    ("dedup.near", "bands"): case((*UNIQUE, "near", "bands"), 8, DEDUP, beside=(((*UNIQUE, "near", "rows"), 8),)),
    ("dedup.near", "rows"): case((*UNIQUE, "near", "rows"), 8, DEDUP, beside=(((*UNIQUE, "near", "bands"), 8),)),
    ("dedup.near", "measure"): case((*UNIQUE, "near", "measure"), "containment", DEDUP),
    ("dedup.near", "by"): case((*UNIQUE, "near", "by"), "characters", SHINGLED),
    ("dedup.near", "keep_versions"): case((*UNIQUE, "near", "keep_versions"), True, DEDUP),
    ("dedup.near", "words"): case((*UNIQUE, "near", "words"), 6, SHINGLED),
    ("dedup.near", "chars"): case((*UNIQUE, "near", "chars"), 9, SHINGLED),
    ("dedup.near", "seed"): case((*UNIQUE, "near", "seed"), 2, SHINGLED),
    ("dedup", "fold"): case((*UNIQUE, "fold"), "simplified", FOLDED),
    ("dedup", "prefer"): case((*UNIQUE, "prefer"), ["tokens DESC"], DEDUP),
    ("dedup", "missing"): case((*UNIQUE, "missing"), "last", DEDUP),
    ("dedup", "against"): case((*UNIQUE, "against"), "earlier", DEDUP),
    ("protect", "from_"): case(EXAMS, {"from": "held", "overlap": {}}, PROTECT, named="from"),
    ("protect", "benchmark"): case((*EXAMS, "benchmark"), "../ROOT/eval/*.jsonl"),
    ("protect", "columns"): case((*EXAMS, "columns"), ["answer"], PROTECT, named="from"),
    ("protect", "exact"): case((*EXAMS, "exact"), False, PROTECT),
    ("protect", "near"): case((*EXAMS, "near"), None, PROTECT),
    ("protect.near", "similarity"): case((*EXAMS, "near", "similarity"), 0.7, PROTECT),
    ("protect.near", "measure"): case((*EXAMS, "near", "measure"), "containment", PROTECT),
    ("protect.near", "by"): case((*EXAMS, "near", "by"), "characters", {*PROTECT, EXAM, "sources.crawl.minhash"}),
    ("protect.near", "num_perm"): case((*EXAMS, "near", "num_perm"), 64, {*PROTECT, EXAM, "sources.crawl.minhash"}),
    ("protect.near", "words"): case((*EXAMS, "near", "words"), 6, {*PROTECT, EXAM, "sources.crawl.minhash"}),
    ("protect.near", "chars"): case((*EXAMS, "near", "chars"), 9, {*PROTECT, EXAM, "sources.crawl.minhash"}),
    ("protect.near", "seed"): case((*EXAMS, "near", "seed"), 2, {*PROTECT, EXAM, "sources.crawl.minhash"}),
    ("calibrate", "trusted"): case((*CALIBRATE, "trusted"), "crawl", MOVED),
    ("calibrate", "junk"): case((*CALIBRATE, "junk"), [], MOVED),
    ("calibrate", "lose"): case((*CALIBRATE, "lose"), "2%", MOVED),
    ("protect", "overlap"): case((*EXAMS, "overlap"), None, PROTECT),
    ("protect.overlap", "words"): case((*OVERLAP, "words"), 12, PROTECT),
    ("protect.overlap", "chars"): case((*OVERLAP, "chars"), 21, PROTECT),
    ("protect.overlap", "whole"): case((*OVERLAP, "whole"), 14, PROTECT),
    ("protect.overlap", "shortest"): case((*OVERLAP, "shortest"), 7, PROTECT),
    ("protect.overlap", "covered"): case((*OVERLAP, "covered"), "60%", PROTECT),
    ("protect.overlap", "action"): case((*OVERLAP, "action"), "cut", PROTECT, named="overlap"),
    ("protect.overlap", "margin"): case((*OVERLAP, "margin"), 9, PROTECT, ((OVERLAP, {"action": "cut"}),)),
    ("protect.overlap", "common"): case((*OVERLAP, "common"), None, PROTECT),
    ("mix", "tokens"): case((*BLEND, "tokens"), "6k", MIX),
    ("mix", "shares"): case((*BLEND, "shares"), {"books": "40%", "scored": "60%"}, MIX),
    ("mix", "most_repeats"): case((*BLEND, "most_repeats"), {"books": 3}, MIX),
    ("mix", "by"): case((*BLEND, "by"), "bytes", MIX),
    ("mix", "missing"): case((*BLEND, "missing"), "last", MIX, (((*BLEND, "by"), "bytes"),)),
    ("mix", "keep_total"): case((*BLEND, "keep_total"), True, MIX),
    ("mix", "seed"): case((*BLEND, "seed"), 2, MIX),
    ("select", "tokens"): case((*BEST, "tokens"), "6k", SELECT),
    ("select", "by"): case((*BEST, "by"), "bytes", SELECT),
    ("select", "missing"): case((*BEST, "missing"), "last", SELECT),
    ("select", "temperature"): case((*BEST, "temperature"), 0.5, SELECT),
    ("select", "seed"): case((*BEST, "seed"), 2, SELECT, (((*BEST, "temperature"), 1),)),
    ("select", "most"): case((*BEST, "most"), {"year": "10%"}, SELECT),
    ("select", "least"): case((*BEST, "least"), {"year": {"1990": "10%"}}, SELECT),
    ("select", "softdedup"): case((*BEST, "softdedup"), 9, SELECT),
    ("select", "curve"): case((*BEST, "curve"), {}, SELECT),
    ("select.curve", "discard"): case((*BEST, "curve"), {"discard": "5%"}, SELECT, named="curve"),
    ("select.curve", "most_repeats"): case((*BEST, "curve"), {"most_repeats": 2}, SELECT, named="curve"),
    ("select.curve", "within"): case((*BEST, "curve"), {"within": "year"}, SELECT, named="curve"),
    ("select", "tokenizer"): case((*BEST, "tokenizer"), "tokenizer.json", {*SELECT, "stages.best"}),
    ("language", "model"): case((*MEASURE, 0), {"language": {"model": "topic"}}, {"sources.crawl.lines.language"}),
    ("signals", "stop_words"): case(
        (*MEASURE, 1), {"signals": {"stop_words": ["sw"]}}, {"sources.crawl.lines.signals"}
    ),
    ("patterns", "root"): case((*MEASURE, 2, "patterns", "x"), "[0-8]", {"sources.crawl.lines.patterns"}, named="x"),
    ("relevance", "model"): case(("models", "topic", "file"), "other.bin", {ON_TOPIC}),
    ("relevance", "label"): case((*MEASURE, 3, "relevance", "label"), "l2", {ON_TOPIC}),
    ("models", "file"): case(("models", "topic", "file"), "other.bin", {ON_TOPIC}, named="model"),
    ("models", "train"): case((*TRAIN, "dim"), 5, TRAINED, named="dim"),
    ("models", "importance"): case((*WORDS, "buckets"), 5, WEIGHED, named="buckets"),
    ("models", "nearest"): case((*SEEDS, "seed"), 3, INDEXED, named="seed"),
    ("models.nearest", "positive"): case((*SEEDS, "positive"), "crawl", INDEXED),
    ("models.nearest", "raw"): case((*SEEDS, "raw"), "crawl", INDEXED),
    ("models.nearest", "positive_documents"): case((*SEEDS, "positive_documents"), 50, INDEXED),
    ("models.nearest", "raw_documents"): case((*SEEDS, "raw_documents"), 50, INDEXED),
    ("models.nearest", "seed"): case((*SEEDS, "seed"), 5, INDEXED),
    ("models.nearest", "precision"): case((*SEEDS, "precision"), 0.5, INDEXED),
    ("models", "ngram"): case((*GRAMS, "order"), 3, COUNTED, named="order"),
    ("models.ngram", "positive"): case((*GRAMS, "positive"), "crawl", COUNTED),
    ("models.ngram", "raw"): case((*GRAMS, "raw"), "crawl", COUNTED),
    ("models.ngram", "positive_documents"): case((*GRAMS, "positive_documents"), 50, COUNTED),
    ("models.ngram", "raw_documents"): case((*GRAMS, "raw_documents"), 50, COUNTED),
    ("models.ngram", "order"): case((*GRAMS, "order"), 3, COUNTED),
    ("models.ngram", "min_count"): case((*GRAMS, "min_count"), 1, COUNTED),
    ("models.ngram", "held_out"): case((*GRAMS, "held_out"), "10%", COUNTED),
    ("models.ngram", "seed"): case((*GRAMS, "seed"), 5, COUNTED),
    ("models.ngram", "precision"): case((*GRAMS, "precision"), 0.5, COUNTED),
    ("models.train", "positive"): case((*TRAIN, "positive"), "crawl", TRAINED),
    ("models.train", "negative"): case((*TRAIN, "negative"), "crawl", TRAINED),
    ("models.train", "positive_documents"): case((*TRAIN, "positive_documents"), 50, TRAINED),
    ("models.train", "negative_documents"): case((*TRAIN, "negative_documents"), 50, TRAINED),
    ("models.train", "precision"): case((*TRAIN, "precision"), 0.5, TRAINED),
    ("models.train", "held_out"): case((*TRAIN, "held_out"), "30%", TRAINED),
    ("models.train", "dim"): case((*TRAIN, "dim"), 5, TRAINED),
    ("models.train", "word_ngrams"): case((*TRAIN, "word_ngrams"), 1, TRAINED),
    ("models.train", "epochs"): case((*TRAIN, "epochs"), 7, TRAINED),
    ("models.train", "learning_rate"): case((*TRAIN, "learning_rate"), 0.1, TRAINED),
    ("models.train", "min_count"): case((*TRAIN, "min_count"), 1, TRAINED),
    ("models.train", "buckets"): case((*TRAIN, "buckets"), 5, TRAINED),
    ("models.train", "seed"): case((*TRAIN, "seed"), 5, TRAINED),
    ("models.importance", "positive"): case((*WORDS, "positive"), "crawl", WEIGHED),
    ("models.importance", "raw"): case((*WORDS, "raw"), "crawl", WEIGHED),
    ("models.importance", "positive_documents"): case((*WORDS, "positive_documents"), 50, WEIGHED),
    ("models.importance", "raw_documents"): case((*WORDS, "raw_documents"), 50, WEIGHED),
    ("models.importance", "buckets"): case((*WORDS, "buckets"), 5, WEIGHED),
    ("models.importance", "seed"): case((*WORDS, "seed"), 5, WEIGHED),
    ("models.importance", "precision"): case((*WORDS, "precision"), 0.5, WEIGHED),
    ("normalize", "ftfy"): case(("transform",), NORMALIZE, {*ON_CRAWL, *COMPARED, *ON_EXAM, COUNT, HELD}),
    ("models", "terms"): case((*TERMS, "most"), 5, MINED, named="most"),
    ("models.terms", "positive"): case((*TERMS, "positive"), "crawl", MINED),
    ("models.terms", "negative"): case((*TERMS, "negative"), "crawl", MINED),
    ("models.terms", "positive_documents"): case((*TERMS, "positive_documents"), 50, MINED),
    ("models.terms", "negative_documents"): case((*TERMS, "negative_documents"), 50, MINED),
    ("models.terms", "most"): case((*TERMS, "most"), 50, MINED),
    ("models.terms", "least_documents"): case((*TERMS, "least_documents"), 2, MINED),
    ("models.terms", "words"): case((*TERMS, "words"), 2, MINED),
    ("models.terms", "characters"): case((*TERMS, "characters"), 5, MINED),
    ("models.terms", "seed"): case((*TERMS, "seed"), 5, MINED),
    ("models.terms", "precision"): case((*TERMS, "precision"), 0.5, MINED),
    ("models", "topics"): case((*TOPICS, "clusters"), 5, FOUND, named="clusters"),
    ("models.topics", "from_"): case((*TOPICS, "from"), "crawl", FOUND),
    ("models.topics", "clusters"): case((*TOPICS, "clusters"), 50, FOUND),
    ("models.topics", "documents"): case((*TOPICS, "documents"), 50, FOUND),
    ("models.topics", "seed"): case((*TOPICS, "seed"), 5, FOUND),
    ("models", "recall"): case((*RECALL, "seed"), 5, SAMPLED, named="seed"),
    ("models.recall", "seeds"): case((*RECALL, "seeds"), "crawl", SAMPLED),
    ("models.recall", "pool"): case((*RECALL, "pool"), "crawl", SAMPLED),
    ("models.recall", "seed_documents"): case((*RECALL, "seed_documents"), 50, SAMPLED),
    ("models.recall", "pool_documents"): case((*RECALL, "pool_documents"), 50, SAMPLED),
    ("models.recall", "rounds"): case((*RECALL, "rounds"), 3, {"models.found"}),
    ("models.recall", "precision"): case((*RECALL, "precision"), 0.5, ROUNDS),
    ("models.recall", "beta"): case((*RECALL, "beta"), 2, ROUNDS),
    ("models.recall", "gold_hosts"): case((*RECALL, "gold_hosts"), ["a.org"], {"models.found"}),
    ("models.recall", "rich_hosts"): case((*RECALL, "rich_hosts"), "10%", {"models.found.round-2"}),
    ("models.recall", "seed"): case((*RECALL, "seed"), 5, SAMPLED),
    ("models", "quantiles"): case((*PLACES, "buckets"), 5, PLACED, named="buckets"),
    ("models.quantiles", "from_"): case((*PLACES, "from"), "best", PLACED),
    ("models.quantiles", "columns"): case((*PLACES, "columns"), ["importance"], PLACED),
    ("models.quantiles", "buckets"): case((*PLACES, "buckets"), 5, PLACED),
    ("models.quantiles", "documents"): case((*PLACES, "documents"), 50, PLACED),
    ("lines", "repeated"): case((*LINES, "repeated"), "60%", ON_CRAWL),
    ("lines", "least_documents"): case((*LINES, "least_documents"), 50, ON_CRAWL),
    ("lines", "keep"): case((*LINES, "keep"), [{"long": "chars > 3"}], ON_CRAWL),
    ("lines", "paragraphs"): case((*LINES, "paragraphs"), [{"long": "chars > 3"}], ON_CRAWL),
}  # fmt: skip
# Models with the settings of another one, and those that are tried where their models are made.
ELSEWHERE = {
    "quality": "relevance's",
    "importance": "one setting, a model, as relevance has it",
    "nearest": "one setting, a model, as relevance has it",
    "topic": "one setting, a model, as relevance has it",
    "cross_entropy": "one setting, a model, as relevance has it",
    "html": "tests/filters/test_html.py: the extractor changes `settings`",
    "replace": "tests/filters/test_replace.py: each setting changes `settings`",
    "simplified": "tests/filters/test_simplified.py: the configuration changes `settings`",
    "pii": "tests/filters/test_pii.py: each setting changes `settings`",
    "passages": "tests/dedup/test_passage_settings.py: each setting changes `settings`",
    "url": "tests/filters/test_url.py: the column changes `settings`",
    "listed": "tests/filters/test_listed.py: each setting changes `settings`",
    "neural": "tests/filters/test_neural.py: each setting changes `settings`",
    "terms": "tests/filters/test_terms.py: each setting changes `settings`",
}


def settings_models() -> dict[str, type[BaseModel]]:
    """Every model of settings that a definition may have, by the word for it."""
    found: dict[str, type[BaseModel]] = {
        "source": Source,
        "source.columns": SourceColumn,
        "source.join": Join,
        "source.join.columns": JoinedColumn,
        "tokens": Tokens,
        "output": Output,
        "output.tokenize": Tokenization,
        "calibrate": Calibrate,
        "models": NamedModel,
        "models.train": RelevanceTraining,
        "models.importance": ImportanceTraining,
        "models.ngram": NgramTraining,
        "models.nearest": NearestTraining,
        "models.terms": TermMining,
        "models.topics": TopicTraining,
        "models.recall": RecallTraining,
        "models.quantiles": QuantileCount,
        "protect": Protected,
        "guards": Guards,
        "protect.near": NearCopies,
        "protect.overlap": Overlap,
        "select.curve": Upsampling,
    }
    for kind in (VERBS, MEASURERS, TRANSFORMS):
        found |= kind.settings()
    found["dedup.near"] = type(VERBS.settings()["dedup"].model_validate({"near": {}}).near)
    return {name: one for name, one in found.items() if name not in ELSEWHERE}


def test_every_setting_has_a_case():
    """Without exception, and no case is of a setting that is gone."""
    fields = {(name, field) for name, one in settings_models().items() for field in one.model_fields}
    assert fields == set(CASES)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """Three sources, models, a tokenizer and the output of an earlier run."""
    folder = tmp_path_factory.mktemp("settings") / "ROOT"
    for source in ("books", "crawl", "held"):
        rows = [
            {"id": f"{source}{n}", "text": document(n), "year": 1990 + n, "url": "a.org"} for n in range(8)
        ]
        write_parquet(folder / source / "0.parquet", rows)
    row = {"id": "crawl8", "text": document(8), "year": 1998}
    (folder / "crawl" / "1.jsonl").write_text(json.dumps(row))  # on which an encoding bears
    for name, shape in (("topic", "softmax"), ("other", "ova")):
        (folder / f"{name}.bin").write_bytes(model(shape).read_bytes())
    (folder / "side.csv").write_text("number,court\n1991,1\n")
    (folder / "other.csv").write_text("number,court\n1991,2\n")
    byte_level(folder / "tokenizer.json", special=("</s>", "<pad>"))
    write_parquet(folder / "earlier" / "data-00000.parquet", [{"id": "x", "text": document(1)}])
    (folder / "earlier.records").mkdir()
    (folder / "earlier.records" / "manifest.json").write_text('{"files": [{"path": "data-00000.parquet"}]}')
    (folder / "eval").mkdir()
    (folder / "eval" / "exam.jsonl").write_text('{"question": "Which one is it?", "answer": "The first."}\n')
    return folder


@pytest.fixture
def results(repository) -> Callable[[Any], dict[str, Result]]:
    """The results of a definition."""

    def of(definition: Any) -> dict[str, Result]:
        file = repository / "pipeline.yaml"
        file.write_text(yaml.safe_dump(definition, sort_keys=False))
        return plan_of(file).results

    return of


def edited(place: tuple[str | int, ...], value: Any, definition: Any) -> Any:
    """The definition with another value at a place."""
    found = copy.deepcopy(definition)
    inner = found
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return found


def followers(results: dict[str, Result], owners: set[str]) -> set[str]:
    """The owners and all that is made from them.

    What a model measures follows from its settings, and from its documents by its content, which is not there yet.
    """
    found = set(owners)
    for name, result in results.items():  # inputs come first
        step = name.startswith("models.")  # of a model, made of the steps before
        if any(step or one in owners or not one.startswith("models.") for one in found & set(result.inputs)):
            found.add(name)
    return found


@pytest.mark.parametrize("key", CASES, ids=".".join)
def test_a_setting_makes_again_what_follows_from_it_and_nothing_else(results, key):
    """Its results and what is made from them have another key, no others; the reason told is the field."""
    this = CASES[key]
    before = results(DEFINITION)
    changed = edited(this.place, this.value, DEFINITION)
    for place, value in this.beside:
        changed = edited(place, value, changed)
    after = results(changed)
    common = before.keys() & after.keys()
    other = {name for name in common if before[name].key != after[name].key}
    owners = set(this.of) & common
    assert other == (followers(after, owners) & common if owners else set())
    noted = {name: derivation(result) for name, result in before.items()}
    field = this.named or key[1].strip("_")
    implied = {"order of rules"} if field == "licences" else set()  # it is a rule
    allowed = {field, *implied, *(place[-1] for place, _ in this.beside)}
    for name in other:
        # what is new or has other inputs is told as well, beside the setting that is why
        why = [one for one in reasons(after, noted)[name] if field == "from" or one.field not in {"", "from"}]
        assert {reason.result for reason in why} <= set(this.of), name
        assert why or any(one.field == "from" for one in reasons(after, noted)[name]), name
        assert all(allowed & set(reason.field.split(".")) for reason in why), (name, why)
