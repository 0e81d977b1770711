"""Mines a lexicon: the n-grams by which a domain's documents differ most from others.

Terms are runs of words, or of at least two characters in scripts written without spaces, that stand in enough
documents of the domain. They are ranked by the log-odds of their frequencies, with an informative Dirichlet prior,
over its standard deviation (Monroe, Colaresi and Quinn 2008, "Fightin' Words", equations 15, 16, 20, 22); the prior
is how often an n-gram occurs in both together. Left out is what is no term by itself:

- that is not several times (ODDS) as frequent in the domain;
- with a number, or a very frequent word or character of the other documents, at either end ("of the patient");
- whose parts, cut anywhere, meet hardly more often than by chance (COHESION, as in new word discovery);
- that mostly stands in one longer n-gram (WITHIN): a piece of it.

The lexicon is a file with a term a line, most telling first, then z and the documents of the domain that have it. It
can be edited and used as `{terms: {file: ...}}`. What texts are: refinery.text.prepare.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.definition.trainings import TermMining
from refinery.errors import DefinitionError
from refinery.models.card import TERMS
from refinery.models.examples import Examples, choose_examples
from refinery.shuffle.records import Tables
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.elementary import exps, logs
from refinery.text.terms import build_automaton, find_terms
from refinery.text.units import Units, cut_units

if TYPE_CHECKING:
    from refinery.models.cross_validation import Scorer

MODEL = TERMS
PRIOR = 100.0  # n-grams that the prior is worth
ODDS = 5.0
COHESION_WORDS, COHESION_CHARACTERS = 5.0, 20.0
WITHIN = 0.75
FREQUENT_WORD, FREQUENT_CHARACTER = 0.002, 0.008  # shares of all words and all characters
_ROOM = 256 << 20
_COPIES = 40  # of all examples, in the memory of the unit that mines


def mining_bytes(examples: int) -> int:
    """Of memory that `mine_examples` takes, about; examples: bytes of text."""
    return _ROOM + _COPIES * examples


def mine_examples(examples: Tables, mining: TermMining, target: Place) -> tuple[str, ...]:
    """Mines what units wrote; gives the name of the file in `target`. Raises DefinitionError as `mine` does."""
    table = pl.DataFrame(pl.from_arrow(examples.read())).sort("hash", "positive", maintain_order=True)
    chosen = choose_examples(table)
    terms = mine(chosen, mining)
    commit_bytes(target / MODEL, render(terms, chosen, mining).encode(), scratch=True)
    return (MODEL,)


def render(terms: pl.DataFrame, examples: Examples, mining: TermMining) -> str:
    """The lexicon as a file."""
    positive = int(examples.positive.sum())
    head = (
        f"# {len(terms):,} terms of {', '.join(mining.positive)}, {positive:,} documents, against "
        f"{', '.join(mining.negative)}, {len(examples.texts) - positive:,} documents",
        "# term, z of its log-odds, documents of the first that have it",
    )
    lines = (f"{term}\t{z:.2f}\t{documents}" for term, z, documents in terms.rows())
    return "\n".join([*head, *lines, ""])


def mine(examples: Examples, mining: TermMining) -> pl.DataFrame:
    """The terms of prepared texts, best first: `term`, `z`, `documents` of the domain that have it.

    Raises DefinitionError where there is none.
    """
    units = cut_units(examples.texts)
    _, first, number = np.unique(units.hash, return_index=True, return_inverse=True)
    is_character = units.is_character[first]
    at_no_end = _frequent(number[~examples.positive[units.document]], is_character)
    at_no_end |= np.isin(examples.texts.data[units.start[first]], np.arange(48, 58))  # begins with a digit
    levels = _with_cohesion([_scored(level, units, examples) for level in _levels(units, number, mining)])
    sound = [
        level.filter(~pl.Series(at_no_end[number[level["start"]]] | at_no_end[number[level["last"]]]))
        for level in levels
    ]
    found = pl.concat(
        [_not_within(level, longer) for level, longer in zip(sound, [*sound[1:], None], strict=True)]
    )
    of_characters = pl.Series(units.is_character[found["start"]])
    most = pl.when(of_characters).then(mining.characters).otherwise(mining.words)
    least = pl.when(of_characters).then(COHESION_CHARACTERS).otherwise(COHESION_WORDS)
    found = found.filter(
        (pl.col("length") > 1) | ~of_characters,
        pl.col("length") <= most,
        pl.col("documents") >= mining.least_documents,
        pl.col("odds") >= ODDS,
        pl.col("cohesion") >= least,
    ).sort("z", "start", "length", descending=[True, False, False])
    if found.is_empty():
        raise DefinitionError(
            "no term is found; give more documents of the domain, or others that differ more"
        )
    rows = found.head(mining.most).select("start", "last").rows()
    terms = pl.Series("term", [_text(examples.texts, units, *row) for row in rows], pl.String)
    return found.head(mining.most).select(terms, "z", "documents")


def learn(examples: Examples, mining: TermMining) -> Scorer:
    """What gives the density of terms that the examples have, see models.cross_validation; 0 where they have none."""
    tables = fold.tables(simplified=False)
    try:
        found = mine(examples, mining)["term"]
    except DefinitionError:
        return lambda texts: np.zeros(len(texts))
    automaton = build_automaton(fold.fold_texts(TextBatch.from_arrow(found.to_arrow()), tables), tables)

    def score(texts: TextBatch) -> NDArray[np.float64]:
        terms = find_terms(fold.fold_texts(texts, tables), len(found), automaton, tables)
        return np.asarray(terms.matched / np.maximum(terms.characters, 1))

    return score


def log_odds(
    positive: NDArray[np.int64], negative: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By n-gram, of its counts in either text, the log-odds-ratio with the prior, and that over its deviation."""
    both = positive + negative
    prior = PRIOR * both / max(int(both.sum()), 1)
    rates = []
    for counts in (positive, negative):
        rest = counts.sum() + PRIOR - counts - prior
        rates.append(logs(counts + prior) - logs(np.maximum(rest, 1e-9)))
    delta = rates[0] - rates[1]
    return delta, delta / np.sqrt(1 / (positive + prior) + 1 / (negative + prior))


@dataclass(frozen=True)
class _Level:
    """N-grams of one length: `at`, the unit with which each occurrence begins, and `gram`, its number, int64.

    before, after: int64, by gram the numbers one level below of what it is without its last or first unit.
    """

    length: int
    at: NDArray[np.int64]
    gram: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]


def _frequent(others: NDArray[np.int64], is_character: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """By number of a unit whether it is very frequent among others, of its kind."""
    counts = np.bincount(others, minlength=len(is_character))
    totals = [max(int(counts[is_character == kind].sum()), 1) for kind in (False, True)]
    shares = np.where(is_character, FREQUENT_CHARACTER * totals[1], FREQUENT_WORD * totals[0])
    return np.asarray(counts >= shares)


def _levels(units: Units, number: NDArray[np.int64], mining: TermMining) -> Iterator[_Level]:
    """N-grams of single units, then of longer ones whose parts stand often enough."""
    none = np.empty(0, np.int64)
    level = _Level(1, np.arange(len(number)), number, none, none)
    while len(level.at):
        yield level
        level = _longer(level, units, mining)


def _longer(level: _Level, units: Units, mining: TermMining) -> _Level:
    """N-grams of one unit more, all words or all characters; up to one more than terms have, for what is within."""
    often = np.bincount(level.gram) >= mining.least_documents
    gram_at = np.full(len(units.hash) + 1, -1, np.int64)
    gram_at[level.at] = np.where(often[level.gram], level.gram, -1)
    at = level.at[(gram_at[level.at] >= 0) & (gram_at[level.at + 1] >= 0)]
    last = at + level.length
    room = np.where(units.is_character[at], mining.characters, mining.words) >= level.length
    alike = (units.document[at] == units.document[last]) & (
        units.is_character[at] == units.is_character[last]
    )
    at = at[room & alike]
    found, gram = np.unique(gram_at[at] * len(often) + gram_at[at + 1], return_inverse=True)
    return _Level(level.length + 1, at, gram, *np.divmod(found, len(often)))


def _scored(level: _Level, units: Units, examples: Examples) -> pl.DataFrame:
    """A row a gram: its first occurrence, statistics, and the grams that it is made of."""
    size = int(level.gram.max(initial=-1)) + 1
    document = units.document[level.at]
    positive = examples.positive[document]
    counts = [np.bincount(level.gram[side], minlength=size) for side in (positive, ~positive)]
    texts = len(examples.texts)
    pairs = np.unique(level.gram[positive] * texts + document[positive])
    start = level.at[np.unique(level.gram, return_index=True)[1]]
    delta, z = log_odds(*counts)
    made_of = {"before": level.before, "after": level.after} if level.length > 1 else {}
    return pl.DataFrame({
        "gram": np.arange(size), "length": np.full(size, level.length), "start": start,
        "last": start + level.length - 1, "count": counts[0], "z": z, "odds": exps(delta),
        "documents": np.bincount(pairs // texts, minlength=size), **made_of,
    })  # fmt: skip


def _with_cohesion(levels: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Adds how many times more often than by chance the two parts of a gram meet, at the cut where that is least."""
    total = max(int(levels[0]["count"].sum()), 1)
    found = [
        levels[0].with_columns(
            before=pl.lit(-1, pl.Int64), after=pl.lit(-1, pl.Int64), cohesion=pl.lit(np.inf)
        )
    ]
    heads = tails = np.empty((0, levels[0].height))  # counts of a gram's first, and last, 1, 2, ... units
    for below, level in itertools.pairwise(levels):
        before, after, counts = (
            level["before"].to_numpy(),
            level["after"].to_numpy(),
            below["count"].to_numpy(),
        )
        heads = np.vstack([heads, counts])[:, before]
        tails = np.vstack([tails, counts])[:, after]
        chance = np.maximum(heads * tails[::-1], 1).max(axis=0) / total
        found.append(level.with_columns(cohesion=level["count"].to_numpy() / chance))
    return found


def _not_within(level: pl.DataFrame, longer: pl.DataFrame | None) -> pl.DataFrame:
    """The grams that are not mostly a part of one longer gram."""
    if longer is None:
        return level
    parts = pl.concat([longer.select("count", gram=part) for part in ("before", "after")])
    most = parts.group_by("gram").agg(most=pl.col("count").max())
    joined = level.join(most, "gram", how="left", maintain_order="left")
    return joined.filter(pl.col("most").fill_null(0) < WITHIN * pl.col("count")).drop("most")


def _text(texts: TextBatch, units: Units, first: int, last: int) -> str:
    """The term from one unit to another."""
    term = texts.data[units.start[first] : units.end[last]].tobytes().decode()
    return term.replace(" ", "") if units.is_character[first] else term
