"""From n-grams of words to the numbers of a language model: interpolated modified Kneser-Ney smoothing.

Sources: Chen and Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling" (TR-10-98), section
4.3 for the smoothing, 4.1.6 for interpolation with a uniform distribution; Heafield et al. 2013, "Scalable Modified
Kneser-Ney Language Model Estimation" (P13-2121), for what is left out: rare n-grams count towards the sums of their
contexts and the discounts, and what they would add goes to the shorter context. One thing is otherwise than in KenLM:
no words stand for the begin and the end of a document; that an n-gram begins one is another word before it.

With a(g) the occurrences of an n-gram of the greatest length, and for a shorter one the number of different words
before it: u(c w) = (a(c w) - D(a)) / S(c), S(c) = sum over w of a(c w), and γ(c) = 1 - sum over w of u(c w). D(a) of
1, 2, 3 and more is estimated for each length from how many n-grams have a of 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.text.ngram_model import ngram_keys

GRAM = np.dtype([("key", np.uint64), ("context", np.uint64), ("count", np.uint32), ("length", np.uint32)])
DROPPED = np.dtype([("context", np.uint64), ("count", np.uint32)])
VALUE = np.dtype([("key", np.uint64), ("value", np.float32), ("column", np.uint16), ("length", np.uint16)])
PRUNED_FROM = 3  # words: shorter n-grams are all kept
FALLBACK = (0.5, 1.0, 1.5)  # KenLM's, of texts too small for an estimate


@dataclass(frozen=True)
class Tally:
    """How many n-grams there are by length: int64 (order,) but for `classes`, which is int64 (order, 4).

    found, kept: different n-grams; counts: sum of a over those found; classes: those found with a of 1 to 4.
    """

    found: NDArray[np.int64]
    kept: NDArray[np.int64]
    counts: NDArray[np.int64]
    classes: NDArray[np.int64]

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.found + other.found,
            self.kept + other.kept,
            self.counts + other.counts,
            self.classes + other.classes,
        )

    @classmethod
    def zero(cls, order: int) -> Tally:
        """Of no text."""
        none = np.zeros(order, np.int64)
        return cls(none, none, none, np.zeros((order, 4), np.int64))

    @property
    def discounts(self) -> NDArray[np.float64]:
        """D of a = 1, 2 and 3 or more: float64 (order, 3), equation 26 of Chen and Goodman, or FALLBACK."""
        found = np.tile(FALLBACK, (len(self.found), 1))
        for discount, (n1, n2, n3, n4) in zip(found, self.classes.tolist(), strict=True):
            if min(n1, n2, n3, n4):
                y = n1 / (n1 + 2 * n2)
                known = np.array([1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
                if (known > 0).all() and (known < [1, 2, 3]).all():
                    discount[:] = known
        return found

    @property
    def unigram_share(self) -> float:
        """γ of no context: what is left to all words alike; 1 of no text."""
        if not self.counts[0]:
            return 1.0
        n1, n2 = self.classes[0, :2].tolist()
        often = int(self.found[0]) - n1 - n2
        return float(np.dot(self.discounts[0], [n1, n2, often]) / self.counts[0])


def adjusted_counts(rows: NDArray[np.uint32], least: int) -> tuple[NDArray[np.void], NDArray[np.void], Tally]:
    """The n-grams of all lengths that end in rows, GRAM; those left out, DROPPED; and how many there are.

    rows: see text.ngram_model.ngram_rows; all that end with the same word are here. n-grams of PRUNED_FROM and more
    words that occur less than `least` times are left out.
    """
    order = rows.shape[1]
    rows, differs = _sorted(rows)
    grams, dropped, tally = [], [], Tally.zero(order)
    for length in range(1, order + 1):
        starts = np.flatnonzero(differs < length)
        occurrences = np.diff(starts, append=len(rows))
        counts = (
            occurrences if length == order else np.add.reduceat(differs <= length, starts, dtype=np.int64)
        )
        whole = rows[starts, length - 1] != 0
        starts, occurrences, counts = starts[whole], occurrences[whole], counts[whole]
        kept = occurrences >= (least if length >= PRUNED_FROM else 1)
        found = np.empty(len(starts), GRAM)
        found["context"] = ngram_keys(rows[starts, 1:length])
        found["count"], found["length"] = np.minimum(counts, 0xFFFFFFFF), length
        left = np.empty(int((~kept).sum()), DROPPED)
        left["context"], left["count"] = found["context"][~kept], found["count"][~kept]
        found, starts = found[kept], starts[kept]
        found["key"] = ngram_keys(rows[starts, :length])
        grams.append(found)
        dropped.append(left)
        tally = tally + _tally(length, order, counts, int(kept.sum()))
    return np.concatenate(grams), np.concatenate(dropped), tally


def _sorted(rows: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Rows in the order of their columns; of each row the first column in which it differs from the one before."""
    order = rows.shape[1]
    wide = np.zeros((len(rows), order + order % 2), np.uint64)
    wide[:, :order] = rows
    keys = wide[:, 0::2] << np.uint64(32) | wide[:, 1::2]
    del wide
    rows = rows[np.lexsort(keys.T[::-1])]
    other = np.ones((len(rows), order + 1), np.bool_)  # the last column: no other column differs
    other[1:, :order] = rows[1:] != rows[:-1]
    return rows, other.argmax(axis=1)


def _tally(length: int, order: int, counts: NDArray[np.int64], kept: int) -> Tally:
    tally = Tally(*(np.zeros(shape, np.int64) for shape in (order, order, order, (order, 4))))
    at = length - 1
    tally.found[at], tally.kept[at], tally.counts[at] = len(counts), kept, counts.sum()
    tally.classes[at] = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    return tally


def values_of(
    grams: NDArray[np.void], dropped: NDArray[np.void], tally: Tally, text: int
) -> NDArray[np.void]:
    """u of n-grams and γ of their contexts, VALUE in the columns of a text; the n-grams of a context are all here.

    tally: of all n-grams. A context of which no n-gram is kept has γ = 1, which is not written.
    """
    grams = grams[np.argsort(grams["context"], kind="stable")]
    contexts, starts, group = np.unique(grams["context"], return_index=True, return_inverse=True)
    lengths = grams["length"].astype(np.int64)
    steps = np.minimum(grams["count"], 3).astype(np.int64) - 1
    discounts = tally.discounts[lengths - 1, steps]
    at = np.searchsorted(contexts, dropped["context"])
    known = contexts.take(at, mode="clip") == dropped["context"]
    left_out = np.bincount(at[known], dropped["count"][known], minlength=len(contexts))
    sums = np.bincount(group, grams["count"], minlength=len(contexts)) + left_out
    unigrams = lengths == 1
    if unigrams.any():
        sums[group[unigrams][0]] = tally.counts[0]
    u = np.empty(len(grams), VALUE)
    u["key"], u["column"], u["length"] = grams["key"], 2 * text, lengths
    u["value"] = (grams["count"] - discounts) / sums[group]
    number = np.bincount(3 * group + steps, minlength=3 * len(contexts)).reshape(-1, 3)
    share = np.empty(len(contexts), VALUE)
    share["key"], share["column"], share["length"] = contexts, 2 * text + 1, lengths[starts] - 1
    share["value"] = ((number * tally.discounts[lengths[starts] - 1]).sum(axis=1) + left_out) / sums
    return np.concatenate([u, share[share["length"] > 0]])
