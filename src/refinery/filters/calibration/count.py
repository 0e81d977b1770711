"""Counts what published and moved rules lose of trusted text, and drop of junk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refinery.filters.calibration.account import (
    BeforeAfter,
    Calibration,
    Failing,
    JunkAccount,
    LanguageAccount,
    Loss,
    MovedThreshold,
    RuleAccount,
)
from refinery.filters.calibration.loss import token_bound
from refinery.filters.calibration.sample import Sample, failed
from refinery.filters.calibration.search import Bools, any_in_row
from refinery.filters.calibration.thresholds import Threshold, thresholds_of
from refinery.filters.rules import Rule


def accounts_of(
    trusted: Sample,
    fits: Bools,
    pools: Mapping[str, Bools],
    junk: Sample | None,
    rules: Sequence[Rule],
    moved: Sequence[Rule],
    numbers: Sequence[Mapping[Threshold, str]],
    lose: float,
) -> Calibration:
    """Counts what published and moved rules lose; raises what `evaluate` raises."""
    both = [failed(trusted, chosen) for chosen in (rules, moved)]
    drops = [failed(junk, chosen) for chosen in (rules, moved)] if junk else None
    languages = tuple(
        LanguageAccount(
            language=language,
            fitted=_before_after(trusted, both, pool & fits),
            judged=_before_after(trusted, both, pool & ~fits),
        )
        for language, pool in pools.items()
    )
    failing = [_failing(trusted, one, drops[number] if drops else None) for number, one in enumerate(both)]
    accounts = tuple(
        RuleAccount(
            name=rule.name,
            published=rule.predicate,
            predicate=moved[place].predicate,
            thresholds=tuple(
                MovedThreshold(
                    column=one.column,
                    operator=one.operator,
                    published=one.number,
                    moved=numbers[place].get(one, one.number),
                )
                for one in thresholds_of(rule.predicate)
            ),
            before=failing[0][place],
            after=failing[1][place],
        )
        for place, rule in enumerate(rules)
    )
    counted = (
        JunkAccount(
            documents=len(junk),
            published=int(any_in_row(drops[0]).sum()),
            moved=int(any_in_row(drops[1]).sum()),
        )
        if junk and drops
        else None
    )
    return Calibration(
        lose=lose,
        documents=len(trusted),
        tokens=int(trusted.tokens.sum()),
        rules=accounts,
        languages=languages,
        junk=counted,
    )


def _before_after(trusted: Sample, both: Sequence[Bools], chosen: Bools) -> BeforeAfter:
    published, moved = (_loss(trusted, any_in_row(one), chosen) for one in both)
    return BeforeAfter(published=published, moved=moved)


def _loss(trusted: Sample, lost: Bools, chosen: Bools) -> Loss:
    bound = token_bound(trusted.identities[chosen], trusted.tokens[chosen], lost[chosen])
    return Loss(
        documents=int(chosen.sum()),
        lost=int((lost & chosen).sum()),
        tokens=int(trusted.tokens[chosen].sum()),
        lost_tokens=int(trusted.tokens[lost & chosen].sum()),
        most_tokens=bound.share(),
        token_interval=(bound.share(confidence=0.05), bound.share(confidence=0.95)),
    )


def _failing(trusted: Sample, lost: Bools, junk: Bools | None) -> list[Failing]:
    only = lost & (lost.sum(axis=1) == 1)[:, None]
    tokens = trusted.tokens @ lost
    return [
        Failing(
            documents=int(lost[:, place].sum()),
            tokens=int(tokens[place]),
            only=int(only[:, place].sum()),
            junk=int(junk[:, place].sum()) if junk is not None else 0,
        )
        for place in range(lost.shape[1])
    ]
