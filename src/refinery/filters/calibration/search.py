"""The search for thresholds: of those that lose no more of the trusted text than may be lost, the best.

A *need* is the looseness that a threshold must have to let a document pass: float64 (documents, thresholds), -inf
where the published one does. A document is lost where a need is above its threshold. The search begins where nothing
is lost and tightens one threshold at a time, by as many documents as give the most for each that is lost; then each
threshold in turn is loosened again, and what that frees is spent anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refinery.filters.calibration.loss import TokenBound

PUBLISHED = -np.inf
_TIE = 1e-6  # of quantiles beside junk: they decide between moves that drop the same junk
_SWEEPS = 2

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Documents that are judged together: those of a language, mostly.

    rows: the positions of its documents among those that are searched; most: documents that may be lost; tokens: of
    these documents, by place in `rows`; lose: the share that may be lost; documents: all of the group, those too that
    no threshold loses.
    """

    rows: Rows
    most: int
    tokens: TokenBound
    lose: float
    documents: int


@dataclass(frozen=True)
class Problem:
    """What is searched: needs of the trusted documents that some threshold may lose, their groups, needs of junk.

    documents: of the trusted text, those among them that pass anyway.
    """

    needs: Floats
    groups: Sequence[Group]
    documents: int
    junk: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @cached_property
    def loosest_first(self) -> list[Rows]:
        """For each threshold the trusted documents that the published one loses."""
        return [_descending(column) for column in self.needs.T]

    @cached_property
    def junk_loosest_first(self) -> list[Rows]:
        """For each threshold the junk that the published one drops."""
        return [_descending(column) for column in self.junk.T]

    def lost(self, levels: Floats) -> Bools:
        """The trusted documents that thresholds lose."""
        return any_in_row(self.needs > levels)

    def fits(self, lost: Bools) -> bool:
        """Whether no more is lost than may be."""
        return all(
            int((mine := lost[group.rows]).sum()) <= group.most
            and group.tokens.share(group.tokens.lost(np.flatnonzero(mine))) <= group.lose
            for group in self.groups
        )

    def gain(self, levels: Floats) -> float:
        """What thresholds are worth: the junk that they drop, and a little or all by their moves in quantiles."""
        moves = float(((self.needs <= levels) & (self.needs > PUBLISHED)).sum()) / max(self.documents, 1)
        if not len(self.junk):
            return -moves
        return float(any_in_row(self.junk > levels).mean()) - _TIE * moves


def any_in_row(mask: Bools) -> Bools:
    """bool (rows,): where any is set, of bool (rows, columns)."""
    found: Bools = np.logical_or.reduce(mask, axis=1)
    return found


def _descending(needs: Floats) -> Rows:
    order = np.argsort(-needs, kind="stable")
    return order[: int((needs > PUBLISHED).sum())]


class _Move(NamedTuple):
    """A threshold tightened to a level, the documents that it loses, and what that is worth."""

    worth: float
    threshold: int
    level: float
    loses: Rows


def find_levels(problem: Problem) -> Floats:
    """The level of each threshold: the looseness of the last document that it lets pass, PUBLISHED if it stays.

    float64 (thresholds,); deterministic, and never with more lost than may be. A document that alone holds a
    threshold would be lost had it not been seen: where these and the lost ones are more than may be (leave-one-out),
    by documents or by tokens, as many fewer are lost.
    """
    found = search(problem)
    lost, held = problem.lost(found), held_alone(problem, found)
    groups = [_stricter(one, np.flatnonzero((lost | held)[one.rows])) for one in problem.groups]
    if [(one.most, one.lose) for one in groups] == [(one.most, one.lose) for one in problem.groups]:
        return found
    return search(replace(problem, groups=groups))


def _stricter(group: Group, lost: Rows) -> Group:
    """The group of which as much less may be lost as text that was not seen would lose too much; lost: by place."""
    documents = ceil(len(lost) - group.lose * group.documents)
    tokens = group.tokens.share(group.tokens.lost(lost)) - group.lose
    return replace(
        group, most=max(0, group.most - max(0, documents)), lose=max(0.0, group.lose - max(0.0, tokens))
    )


def held_alone(problem: Problem, levels: Floats) -> Bools:
    """bool (documents,): those that alone keep some threshold from standing at a tighter level."""
    at = (problem.needs == levels) & (levels > PUBLISHED) & ~problem.lost(levels)[:, None]
    return any_in_row(at & (at.sum(axis=0) == 1))


def search(problem: Problem) -> Floats:
    """The best levels that are found, with as much lost as may be."""
    published = np.full(problem.needs.shape[1], PUBLISHED)
    if problem.fits(problem.lost(published)):
        return published
    loosest = problem.needs.max(axis=0, initial=PUBLISHED)
    found = max((_tighten(problem, loosest, rated=rated) for rated in (True, False)), key=problem.gain)
    for _ in range(_SWEEPS):
        before = problem.gain(found)
        for threshold in np.flatnonzero(found < loosest).tolist():
            found = _exchanged(problem, found, threshold, loosest)
        if problem.gain(found) <= before:
            break
    return found


def _exchanged(problem: Problem, levels: Floats, threshold: int, loosest: Floats) -> Floats:
    """The levels, or better ones: with one threshold loosened and what that frees spent on others first."""
    loosened = levels.copy()
    loosened[threshold] = loosest[threshold]
    others = _tighten(problem, loosened, rated=True, leave=threshold)
    return max(levels, _tighten(problem, others, rated=True), key=problem.gain)


def _tighten(problem: Problem, levels: Floats, *, rated: bool, leave: int = -1) -> Floats:
    """Levels tightened as far as may be; rated: by gain for a lost document, not by gain alone."""
    levels, state = levels.copy(), _State(problem, levels)
    while True:
        moves = [state.best_move(t, levels[t], rated=rated) for t in range(len(levels)) if t != leave]
        best = max((one for one in moves if one), key=lambda move: move.worth, default=None)
        if best is None:
            return levels
        if state.take(best):
            levels[best.threshold] = best.level


class _State:
    """What is lost of trusted text and dropped of junk, and how far each threshold can be tightened at most."""

    def __init__(self, problem: Problem, levels: Floats) -> None:
        self.problem = problem
        self.lost = problem.lost(levels)
        self.junk = any_in_row(problem.junk > levels) if len(problem.junk) else np.zeros(0, np.bool_)
        self.floors = np.full(len(levels), PUBLISHED)  # levels below lose too many tokens
        self.group = np.zeros(len(self.lost), np.int64)
        self.place = np.zeros(len(self.lost), np.int64)
        for number, group in enumerate(problem.groups):
            self.group[group.rows], self.place[group.rows] = number, np.arange(len(group.rows))
        self.left = np.array([g.most - int(self.lost[g.rows].sum()) for g in problem.groups], np.int64)
        self.tokens = [g.tokens.lost(np.flatnonzero(self.lost[g.rows])) for g in problem.groups]

    def best_move(self, threshold: int, level: float, *, rated: bool) -> _Move | None:
        """The best one of a threshold to a level below its own, as far as documents are counted."""
        order = self.problem.loosest_first[threshold]
        size = int(self.left.clip(0).sum()) + 1
        rows = order[: size + int(self.lost.sum())]
        rows = rows[~self.lost[rows]][:size]
        if not len(rows):
            return None
        needs = self.problem.needs[rows, threshold]
        below = np.append(needs[1:], PUBLISHED if len(rows) < size else needs[-1])
        ends = np.flatnonzero((below < needs) & (below >= self.floors[threshold])) + 1
        ends = ends[ends <= self._most(rows)]
        if not len(ends):
            return None
        levels = below[ends - 1]
        gains = self._gains(threshold, level, levels)
        worth = gains / ends if rated else gains
        best = int(worth.argmax())
        return _Move(float(worth[best]), threshold, float(levels[best]), rows[: ends[best]])

    def _most(self, rows: Rows) -> int:
        """How many of these documents, the first ones, can be lost, by their number."""
        groups = self.group[rows]
        within = [np.cumsum(groups == number) <= left for number, left in enumerate(self.left)]
        return int(np.logical_and.reduce(within).sum()) if within else 0

    def _gains(self, threshold: int, level: float, below: Floats) -> Floats:
        needs = self.problem.needs[self.problem.loosest_first[threshold], threshold]
        moves = _above(needs, below) - _above(needs, level)
        quantiles: Floats = moves / max(self.problem.documents, 1)
        if not len(self.problem.junk):
            return quantiles
        junk = self.problem.junk_loosest_first[threshold]
        kept = self.problem.junk[junk[~self.junk[junk]], threshold]
        return _above(kept, below) / len(self.problem.junk) + _TIE * quantiles

    def take(self, move: _Move) -> bool:
        """Makes a move, unless it loses too many tokens: then the threshold's floor rises."""
        fitting = min(self._fitting(number, move.loses) for number in range(len(self.tokens)))
        if fitting < len(move.loses):
            self.floors[move.threshold] = self.problem.needs[move.loses[fitting], move.threshold]
            return False
        self.lost[move.loses] = True
        if len(self.junk):
            self.junk |= self.problem.junk[:, move.threshold] > move.level
        for number, group in enumerate(self.problem.groups):
            mine = move.loses[self.group[move.loses] == number]
            self.left[number] -= len(mine)
            self.tokens[number] = self.tokens[number] + group.tokens.lost(self.place[mine])
        return True

    def _fitting(self, number: int, rows: Rows) -> int:
        """How many of these documents, the first ones, can be lost by the tokens of a group."""
        group, mine = self.problem.groups[number], np.flatnonzero(self.group[rows] == number)

        def fits(count: int) -> bool:
            lost = self.tokens[number] + group.tokens.lost(self.place[rows[mine[:count]]])
            return group.tokens.share(lost) <= group.lose

        low, high = -1, len(mine)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        return len(rows) if low == len(mine) else int(mine[max(low, 0)])


def _above(descending: Floats, level: Floats | float) -> Floats:
    """How many of numbers, in descending order, are above each level."""
    found: Floats = np.searchsorted(-descending, -np.asarray(level), "left").astype(np.float64)
    return found
