"""Moves the thresholds of rules by one half of trusted text, and judges them by the other.

Thresholds are only loosened, until the upper 90 % bound of what all rules together lose of the trusted text, of its
documents and of its tokens, is at most what may be lost, in each language with enough documents. Of the sets of
thresholds that do so one is chosen that drops the most junk, or, without any, moves the least in quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from refinery.errors import DefinitionError, some_of
from refinery.filters.calibration.account import Calibration, LanguageAccount
from refinery.filters.calibration.bounds import capped
from refinery.filters.calibration.count import accounts_of
from refinery.filters.calibration.loss import least_documents, most_lost, token_bound
from refinery.filters.calibration.margins import (
    Margin,
    long_documents,
    scales_beyond,
    with_margins,
)
from refinery.filters.calibration.sample import Needs, Sample, needs_of
from refinery.filters.calibration.search import (
    PUBLISHED,
    Bools,
    Floats,
    Group,
    Problem,
    any_in_row,
    find_levels,
)
from refinery.filters.calibration.thresholds import Threshold, number_for, with_numbers
from refinery.filters.rules import Rule, unscoped
from refinery.shuffle.partition import hash_numbers

LEAST_DOCUMENTS = 300  # of a language that is judged by itself
_NAMED = 8  # languages with few documents
_HALVES = 0x68616C66  # seed of the split


def calibrate(trusted: Sample, junk: Sample | None, rules: Sequence[Rule], lose: float) -> Calibration:
    """The rules with their thresholds moved so that at most a share `lose` of text like the trusted is lost.

    Half of the trusted documents, by a hash of their identities, moves them, the other half judges. Raises
    DefinitionError for a predicate that is not SQL and where no rule judges the language of any trusted document,
    InputError for a predicate that these values break.
    """
    unjudged = _unjudged(trusted, rules)
    fits = (hash_numbers(trusted.identities.view(np.int64), _HALVES) & np.uint64(1)).astype(bool)
    pools, few = _pools(trusted)
    notes = unjudged + few
    fitted = trusted.only(fits)
    needs = needs_of(fitted, rules)
    groups = []
    for name, pool in pools.items():
        group, about = _group(fitted, pool[fits], needs, lose)
        groups.append(group)
        notes += [f"{name or 'trusted text'}: {note}" for note in about]
    dropped = needs_of(junk, rules) if junk else None
    problem = Problem(needs.needs[needs.searched], groups, len(fitted), _junk_needs(dropped))
    halves = [pool[fits] for pool in pools.values()]
    long = long_documents(fitted.tokens, halves, lose)
    levels = find_levels(problem)
    scales = scales_beyond(needs, levels, fitted.tokens, long, halves, lose)
    margins = with_margins(needs, problem, levels, long, scales)
    wholes = [fitted.frame[threshold.column].dtype.is_integer() for _, threshold in needs.thresholds]
    numbers = _numbers(needs, wholes, margins)
    moved = tuple(
        replace(rule, predicate=with_numbers(rule.predicate, numbers[place]))
        for place, rule in enumerate(rules)
    )
    notes += _unmoved(needs, rules)
    if scales:
        held = fitted.tokens[long].sum() / fitted.tokens.sum()
        notes.append(
            f"{int(long.sum()):,} long documents hold {held:.0%} of the tokens, too few to tell what others of their "
            "size need: thresholds stand the farther beyond them, where junk passes as well"
        )
    found = accounts_of(trusted, fits, pools, junk, rules, moved, numbers, lose)
    return found.model_copy(update={"notes": (*notes, *_missed(found.languages, lose))})


def _unjudged(trusted: Sample, rules: Sequence[Rule]) -> list[str]:
    """What to tell of documents in languages that no rule judges; raises DefinitionError where those are all."""
    scopes = [unscoped([rule.predicate])[0] for rule in rules]
    if not all(scopes):  # a rule of all languages
        return []
    judged = list(dict.fromkeys(language for scope in scopes for language in scope))
    others = trusted.languages.filter(~trusted.languages.is_in([*judged, "und", ""]))
    if not len(others):
        return []
    sizes = others.value_counts(sort=True).sort("count", "lang", descending=[True, False]).rows()
    named = some_of([f"{name} {n:,}" for name, n in sizes[:_NAMED]], len(sizes))
    which = "any trusted document" if len(others) == len(trusted) else f"{len(others):,} trusted documents"
    problem = f"no rule judges {which}: they are {named}, the rules judge {', '.join(judged)}"
    if len(others) == len(trusted):
        raise DefinitionError(f"{problem}: take rules for their language")
    return [problem]


def _pools(trusted: Sample) -> tuple[dict[str, Bools], list[str]]:
    """The documents judged together: of each language with enough, of the others with those of the commonest."""
    sizes = trusted.languages.value_counts(sort=True).sort("count", "lang", descending=[True, False]).rows()
    found = {name: (trusted.languages == name).to_numpy() for name, n in sizes if n >= LEAST_DOCUMENTS}
    few = [f"{name or 'unknown'} {n:,}" for name, n in sizes if n < LEAST_DOCUMENTS]
    if not few:
        return found, []
    rest = ~np.logical_or.reduce([np.zeros(len(trusted), bool), *found.values()])
    commonest = next(iter(found), "") if rest.sum() < LEAST_DOCUMENTS else ""
    pools = {**found, commonest: found[commonest] | rest if commonest else rest}
    with_ = f" with {commonest}" if commonest else ""
    named = some_of(few[:_NAMED], len(few))
    return pools, [f"fewer than {LEAST_DOCUMENTS} documents of a language, judged together{with_}: {named}"]


def _group(fitted: Sample, mine: Bools, needs: Needs, lose: float) -> tuple[Group, list[str]]:
    """What may be lost of documents that are judged together, and what is to be told of them."""
    notes = []
    lost = any_in_row(needs.lost) & mine
    documents, tokens = int(mine.sum()), fitted.tokens
    anyway = token_bound(fitted.identities[mine], tokens[mine], lost[mine]).share()
    if lost.any() and (int(lost.sum()) > most_lost(documents, lose) or anyway > lose):
        notes.append(
            f"{int(lost.sum()):,} of {documents:,} documents fail rules whatever the thresholds are, more than "
            f"{lose:.2%} allows: thresholds are moved for the other documents"
        )
        mine, lost = mine & ~lost, np.zeros_like(lost)
    documents = int(mine.sum())
    most = most_lost(documents, lose) - int(lost.sum())
    if most_lost(documents, lose) < 0:
        least = least_documents(lose)
        notes.append(
            f"{documents:,} documents in the half that moves thresholds are too few to tell that at most {lose:.2%} "
            f"is lost: all of them are kept. Give {2 * least:,} trusted documents or more, {least:,} a half"
        )
    place = np.cumsum(needs.searched) - 1
    searched = mine & needs.searched
    bound = token_bound(fitted.identities[mine], tokens[mine], lost[mine], np.flatnonzero(searched[mine]))
    return Group(place[searched], max(most, 0), bound, lose, documents), notes


def _junk_needs(junk: Needs | None) -> Floats:
    """Needs of junk, so that what is dropped whatever thresholds are counts for none of them."""
    if junk is None:
        return np.empty((0, 0))
    return np.where(any_in_row(junk.lost)[:, None], PUBLISHED, junk.needs)


def _numbers(
    needs: Needs, wholes: Sequence[bool], margins: Mapping[int, Margin]
) -> tuple[dict[Threshold, str], ...]:
    """By rule, the new numbers of the thresholds that move; wholes: whether their columns have whole numbers."""
    found: tuple[dict[Threshold, str], ...] = tuple({} for _ in range(needs.lost.shape[1]))
    for number, margin in margins.items():
        place, threshold = needs.thresholds[number]
        written = number_for(threshold, margin.level, margin.following, whole=wholes[number])
        found[place][threshold] = capped(threshold, written)
    return found


def _unmoved(needs: Needs, rules: Sequence[Rule]) -> list[str]:
    """What to tell of rules that lose trusted documents whatever their thresholds are."""
    movable = {place for place, _ in needs.thresholds}
    lost = {place: int(count) for place, count in enumerate(needs.lost.sum(axis=0)) if count}
    reasons = {
        "they have no threshold to move": [place for place in lost if place not in movable],
        "columns that they read have no value": [place for place in lost if place in movable],
    }
    return [
        f"of {len(needs.lost):,} documents rules lose some because {why}: "
        + ", ".join(f"{rules[place].name} {lost[place]:,}" for place in places)
        for why, places in reasons.items()
        if places
    ]


def _missed(languages: Sequence[LanguageAccount], lose: float) -> list[str]:
    """What to tell where the unseen half loses more than it may, whatever is by chance."""
    notes = []
    for one in languages:
        loss = one.judged.moved
        if max(loss.interval[0], loss.token_interval[0]) > lose:
            name = one.language or "trusted text"
            notes.append(
                f"{name}: the unseen half loses {loss}: lower `lose`, or give more trusted documents"
            )
    return notes
