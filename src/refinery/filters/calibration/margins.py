"""How far beyond the documents that moved it a threshold stands, since text that was not seen lies beyond what was.

A threshold stands beyond the last document that it lets pass by the scale of the end of what was seen (the mean
excess over the last documents, as of an exponential tail), short of the next document, and of junk that nothing else
drops.

Tokens are held by few documents. One with more than a share of 1 / `least_documents(lose)` of them is *long*: the
sample has too few of its size to tell by their number what is lost of them. Let s be the share of tokens of those
that stand at the end of what long ones need of a threshold: they would be lost had they not been seen (leave-one-
out). Then c scales beyond that end e^-c s are lost on average, and with the confidence of all bounds
-log(1 - CONFIDENCE) times as much at most. So c is the least by which that is `lose`; junk that stands there passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from refinery.filters.calibration.bounds import bound_of
from refinery.filters.calibration.loss import least_documents
from refinery.filters.calibration.sample import Needs
from refinery.filters.calibration.search import PUBLISHED, Bools, Floats, Problem, Rows, any_in_row
from refinery.filters.calibration.thresholds import Threshold, beyond
from refinery.models.binomial import CONFIDENCE

_LAST = 10  # documents by which the end of a distribution is told


@dataclass(frozen=True)
class Margin:
    """Where a threshold stands, and the next looser document, which it must not let pass; None: there is none."""

    level: float
    following: float | None


def long_documents(tokens: Floats, pools: Sequence[Bools], lose: float) -> Bools:
    """bool (documents,): those too long for their pool, the documents that are judged together."""
    found = np.zeros(len(tokens), np.bool_)
    for pool in pools:
        found |= pool & (tokens * least_documents(lose) > tokens[pool].sum())
    return found


def scales_beyond(
    needs: Needs, levels: Floats, tokens: Floats, long: Bools, pools: Sequence[Bools], lose: float
) -> float:
    """How many scales beyond the end of what long documents need thresholds stand, c above, the most of any pool.

    levels: as `find_levels` finds them; tokens, long, pools: of the documents of `needs`.
    """
    from refinery.text.elementary import log  # a check imports no Numba

    moved, share = levels > PUBLISHED, 0.0
    for pool in pools:
        held = _ends(needs.looseness[:, moved], needs.needs[:, moved], long & pool & ~any_in_row(needs.lost))
        share = max(share, float(tokens[held].sum() / max(tokens[pool].sum(), 1)))
    most = -log(1 - CONFIDENCE) * share
    return log(most / lose) if most > lose else 0.0


def with_margins(
    needs: Needs, problem: Problem, levels: Floats, long: Bools, scales: float
) -> dict[int, Margin]:
    """By number the thresholds that move, with a margin; scales: those beyond the documents that are `long`."""
    long = long & ~any_in_row(needs.lost)
    moved = np.flatnonzero(levels > PUBLISHED).tolist()
    stand, found = levels.copy(), {}
    for number in moved:  # before all else: what junk they let pass is left for the others to drop
        beyond_long = _beyond_long(needs.looseness[long, number], scales, needs.thresholds[number][1])
        stand[number] = max(stand[number], beyond_long)
    for number in moved:
        threshold = needs.thresholds[number][1]
        mine, level = problem.needs[:, number], float(levels[number])
        every = np.concatenate([mine, _undropped(problem.junk, stand, number)])
        published = threshold.sign * float(threshold.number)
        last = _last(np.append(mine[(mine <= level) & (mine > PUBLISHED)], published))
        stands = beyond(level, float(level - last.mean()), float(every[every > level].min(initial=np.inf)))
        stands = max(stands, float(stand[number]))
        following = every[every > stands]
        stand[number] = stands
        found[number] = Margin(stands, float(following.min()) if len(following) else None)
    return found


def _ends(looseness: Floats, needs: Floats, long: Bools) -> Rows:
    """The long documents at the end of some threshold that they need, each once."""
    rows = np.flatnonzero(long)
    if not len(rows):
        return rows
    ends = rows[looseness[rows].argmax(axis=0)]
    return np.unique(ends[needs[ends, np.arange(len(ends))] > PUBLISHED])


def _undropped(junk: Floats, levels: Floats, number: int) -> Floats:
    """What junk needs of a threshold, where no other one drops it."""
    if not len(junk):
        return np.empty(0)
    others = np.delete(np.arange(len(levels)), number)
    found: Floats = junk[~any_in_row(junk[:, others] > levels[others]), number]
    return found


def _beyond_long(looseness: Floats, scales: float, threshold: Threshold) -> float:
    """The level so many scales beyond the end of long documents, PUBLISHED where they need none.

    What is not bounded above (counts, ratios from 1 on) has its scale in logarithms, as a Pareto tail has, and what
    has a bound (shares) in those of its distance from it, which none can pass.
    """
    from refinery.text.elementary import exp, logs  # a check imports no Numba

    published = threshold.sign * float(threshold.number)
    last = _last(looseness[looseness > PUBLISHED])
    if not len(last) or last[-1] <= published:
        return PUBLISHED
    if (bound := bound_of(threshold.column, threshold.operator)) is not None:
        distances = threshold.sign * bound - last
        if distances[-1] <= 0:
            return float(last[-1])
        ends = logs(distances)
        return threshold.sign * bound - float(exp(ends[-1] - scales * (ends.mean() - ends[-1])))
    if published >= 1 and last[0] > 0:
        ends = logs(last)
        return float(exp(ends[-1] + scales * (ends[-1] - ends.mean())))
    return beyond(float(last[-1]), scales * float(last[-1] - last.mean()), np.inf)


def _last(values: Floats) -> Floats:
    return np.sort(values)[-_LAST:]
