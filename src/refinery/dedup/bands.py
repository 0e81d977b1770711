"""How a signature is cut into bands, and the recall that the cut promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refinery.filters.verb import VerbTable

if TYPE_CHECKING:
    from refinery.dedup.settings import Near
    from refinery.definition.protections import NearCopies

RECALL = 0.97  # of pairs at the threshold, where a definition does not say how to cut
LOOKUP_RECALL = (
    0.99  # where one document is looked up among others, so that a candidate costs less than a miss
)
LONGER = 1.5  # as long as one that it contains is a document at most that is found with RECALL
_RATIOS = (1.0, 1.25, LONGER, 2.0, 3.0)
_SIMILARITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True)
class Bands:
    """Bands of a signature, and the rows (hashes) of each."""

    count: int
    rows: int


def bands_of(near: Near) -> Bands:
    """The bands that a definition asks for, or where it leaves that open those of RECALL at the threshold."""
    if near.bands and near.rows:
        return Bands(near.bands, near.rows)
    return Bands(*split_for_recall(least_jaccard(near), near.num_perm, RECALL))


def least_jaccard(near: NearCopies) -> float:
    """The Jaccard similarity from which on pairs are sought, which is all that bands know of them.

    >>> from refinery.definition.protections import NearCopies
    >>> least_jaccard(NearCopies()), round(least_jaccard(NearCopies(measure="containment")), 2)
    (0.8, 0.47)
    """
    return jaccard_of(near.similarity, LONGER) if near.measure == "containment" else near.similarity


def jaccard_of(containment: float, ratio: float) -> float:
    """Jaccard similarity of two sets of which one has `ratio` times the elements: c / (1 + ratio - c)."""
    return containment / (1 + ratio - containment)


def recall(similarity: float, bands: int, rows: int) -> float:
    """Probability that two documents of this Jaccard similarity share a bucket: 1 - (1 - s^r)^b.

    >>> round(recall(0.8, 15, 7), 3)
    0.971
    """
    return float(1.0 - (1.0 - similarity**rows) ** bands)


def split_for_recall(threshold: float, num_perm: int, least: float) -> tuple[int, int]:
    """Bands and rows a band that find a pair at the threshold with probability `least` or more, at the least cost.

    What the bands propose is compared, so a false candidate costs time and nothing else: the rows are as many as the
    signature allows, which makes candidates fewest, and the bands as few as these rows need. At least two bands.

    >>> split_for_recall(0.8, 112, 0.97), split_for_recall(0.9, 112, 0.97), split_for_recall(0.5, 112, 0.99)
    ((15, 7), (10, 11), (35, 3))
    """
    for rows in range(num_perm // 2, 0, -1):
        for bands in range(2, num_perm // rows + 1):
            if recall(threshold, bands, rows) >= least:
                return bands, rows
    return num_perm, 1


def explain_recall(what: str, near: Near) -> VerbTable:
    """The recall that the bands promise, for `refinery plan`."""
    bands = bands_of(near)
    contained = near.measure == "containment"
    measure = "containment" if contained else "Jaccard"
    title = f"{what}: {bands.count} bands of {bands.rows} rows, from {measure} {near.similarity} on"

    def found(ratio: float) -> tuple[str, ...]:
        alike = (jaccard_of(s, ratio) if contained else s for s in _SIMILARITIES)
        return tuple(f"{recall(s, bands.count, bands.rows):.3f}" for s in alike)

    rows = {f"found, {ratio:g} x as long": ratio for ratio in _RATIOS} if contained else {"found": 1.0}
    head = (measure, *map(str, _SIMILARITIES))
    return VerbTable(title, head, tuple((name, *found(ratio)) for name, ratio in rows.items()))
