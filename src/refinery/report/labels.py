"""What labels say, for people: cuts of a score, scores side by side."""

from __future__ import annotations

from collections.abc import Iterator

from refinery.errors import counted, some_of
from refinery.labels.compare import BUCKETS, Comparison
from refinery.labels.gold_hosts import GoldRecall
from refinery.labels.threshold import Cut, Threshold
from refinery.models.binomial import Estimate
from refinery.models.metrics import RECALL
from refinery.models.prevalence import CONFIDENCE
from refinery.report.grid import Grid

_NAMED = 5  # hosts


def threshold_report(found: Threshold) -> Iterator[Grid | str]:
    """The share that people want, a table of cuts, what was chosen and why, and last the rule to paste."""
    yield f"{found.labels:,} labels stand for {found.documents:,.0f} documents; {percent(found.passing)} of them pass"
    yield from (f"note: {note}" for note in found.notes)
    table = Grid(
        f"Cuts, with intervals of {CONFIDENCE:.0%}", (found.column, "labels", "kept", "precision", "recall")
    )
    for cut in found.cuts:
        numbers = (_plain(cut.kept), percent(cut.precision), percent(cut.recall))
        table.add(f">= {cut.value}", f"{cut.labels:,}", *numbers)
    yield table
    if found.chosen is None:
        yield _none(found)
        return
    wanted = f"precision {found.precision:g}" if found.precision is not None else ""
    most = f"the greatest F-beta, beta {found.beta:g}" if found.beta is not None else "the greatest recall"
    yield f"{most}{' with ' * bool(wanted)}{wanted}: {_cut_text(found.chosen)}"
    if found.precision is not None:
        sure = found.certain
        yield (
            f"the interval lies above that precision from {found.column} >= {sure.value} on: {_cut_text(sure)}"
            if sure
            else "no cut's interval lies above that precision: more labels above the cut would tell"
        )
    yield str(found.rule)


def compare_report(found: Comparison) -> Iterator[Grid | str]:
    """A table of the scores, one of their pairs, those of a run, and what a person should know."""
    if found.passing:
        yield f"{found.labels:,} labels; {percent(found.passing)} of all documents pass"
        yield from (f"note: {note}" for note in found.notes)
        yield _scores(found)
    if found.pairs:
        title = f"What scores share: normalised mutual information of {BUCKETS} buckets"
        pairs = Grid(title, ("scores", "NMI", "by chance"))
        for pair in found.pairs:
            pairs.add(", ".join(pair.columns), f"{pair.nmi:.3f}", f"{pair.by_chance:.3f}")
        yield pairs
    if found.speeds:
        title = "Speed of a core, one measurement on this machine now, on a sample of the run's texts"
        speeds = Grid(title, ("score", "MB/s"))
        for column, speed in found.speeds.items():
            speeds.add(column, f"{speed / 1e6:,.1f}")
        yield speeds
    if found.gold:
        yield _gold(found.gold)
        if absent := found.gold.absent:
            named = some_of(absent[:_NAMED], len(absent))
            yield f"note: {len(absent):,} of {found.gold.asked:,} hosts and sites have no document: {named}"


def _scores(found: Comparison) -> Grid:
    table = Grid(
        f"Scores by labels, with intervals of {CONFIDENCE:.0%}",
        ("score", "AUC", "average precision", "ahead of the first", f"precision at {RECALL:.0%} recall"),
    )
    for one in found.scores:
        ahead = number(one.ahead, "+.3f") if one.ahead else ""
        table.add(
            one.column,
            number(one.auc),
            number(one.average_precision),
            ahead,
            number(one.precision_at_recall),
        )
    return table


def _gold(found: GoldRecall) -> Grid:
    title = (
        f"Recall on gold hosts: {counted(found.gold_documents, 'document')} of {counted(found.hosts, 'host')}, among "
        f"{found.documents:,} that came to {found.stage}"
    )
    table = Grid(title, ("score", "cut", "kept", "recall"))
    for cut in found.cuts:
        table.add(cut.column, f">= {cut.threshold:.4g}", f"{100 * cut.kept:.2f} %", _plain(cut.recall))
    return table


def percent(one: Estimate) -> str:
    """A share with its interval.

    >>> percent(Estimate(0.96, 0.9016, 0.9843))
    '96.0 % (90.2 to 98.4)'
    """
    return f"{100 * one.value:.1f} % ({100 * one.low:.1f} to {100 * one.high:.1f})"


def number(one: Estimate, form: str = ".3f") -> str:
    """A number with its interval.

    >>> number(Estimate(0.01, -0.02, 0.04), "+.3f")
    '+0.010 (-0.020 to +0.040)'
    """
    return f"{one.value:{form}} ({one.low:{form}} to {one.high:{form}})"


def _plain(share: float) -> str:
    return f"{100 * share:.1f} %"


def _cut_text(cut: Cut) -> str:
    return f"precision {percent(cut.precision)}, recall {percent(cut.recall)}, keeps {_plain(cut.kept)}"


def _none(found: Threshold) -> str:
    wanted = f"precision {found.precision:g}" if found.precision is not None else "a recall of 0.1"
    best = max(found.cuts, key=lambda cut: cut.precision.value)
    return (
        f"no cut reaches {wanted}; the best of the table is {found.column} >= {best.value}: {_cut_text(best)}"
    )
