"""What a person should know of an n-gram model: of what it was counted, and how well it knows held-out text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from refinery.definition.values import Model
from refinery.models.metrics import auc
from refinery.models.ngram_counts import Tally

RECORD = "ngrams.json"
LEAST_JUDGED = 10  # held-out documents of each text from which on they say something
_POOR = 0.75


class Length(Model):
    """n-grams of so many words: different ones found, those kept, and the discounts of counts 1, 2, 3 and more."""

    words: int
    found: int
    kept: int
    discounts: tuple[float, float, float]


class TextRecord(Model):
    """A text: documents and words counted, documents held out, and their perplexity under the model of each text.

    Perplexity is 2 to the bits a word, over all their words; None: no document is held out.
    """

    documents: int
    words: int
    held_out: int
    ngrams: tuple[Length, ...]
    perplexity: dict[str, float | None] = Field({})


class NgramRecord(Model):
    """The file RECORD beside a model.

    vocabulary: different words of all texts; auc: how often a held-out document of the domain has a greater
    difference of cross-entropies than a held-out ordinary one; None: too few are held out, or there is one text.
    """

    order: int
    min_count: int
    vocabulary: int
    texts: dict[str, TextRecord]
    auc: float | None = None

    @property
    def summary(self) -> str:
        """What was counted and how well each text is known, in a sentence."""
        texts = [
            f"{text.words:,} words of {text.documents:,} {part} documents, perplexity "
            f"{text.perplexity.get(part) or 'unknown'} on {text.held_out:,} held-out ones"
            for part, text in self.texts.items()
        ]
        return "; ".join(texts)

    @property
    def warning(self) -> str:
        """What is wrong with it, if anything."""
        if self.auc is None or self.auc >= _POOR:
            return ""
        return (
            f"of a held-out document of the domain ({self.texts['positive'].held_out:,} are) and an ordinary one the "
            f"model takes the former for the domain's in {self.auc:.0%} of cases (half are chance): give more of the "
            "domain, or texts that differ more"
        )


def lengths_of(tally: Tally) -> tuple[Length, ...]:
    """What was counted of each length."""
    rows = zip(tally.found.tolist(), tally.kept.tolist(), tally.discounts.round(6).tolist(), strict=True)
    return tuple(
        Length(words=words, found=found, kept=kept, discounts=discounts)
        for words, (found, kept, discounts) in enumerate(rows, 1)
    )


def perplexity(bits: NDArray[np.float64], words: NDArray[np.int64]) -> float | None:
    """Of documents, by their bits a word and their words; None without a word."""
    return round(float(2 ** (np.dot(bits, words) / words.sum())), 2) if words.any() else None


def held_out_auc(domain: NDArray[np.float64], ordinary: NDArray[np.float64]) -> float | None:
    """The AUC of scores of the former and of the latter; None of too few."""
    if min(len(domain), len(ordinary)) < LEAST_JUDGED:
        return None
    is_domain = np.arange(len(domain) + len(ordinary)) < len(domain)
    return round(auc(np.concatenate([domain, ordinary]), is_domain), 4)


def read_record(folder: Path) -> NgramRecord:
    """The record in a model's folder."""
    return NgramRecord.model_validate_json((folder / RECORD).read_bytes())
