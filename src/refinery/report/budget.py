"""`refinery budget` as tables."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from refinery.definition.values import as_percentage
from refinery.report.grid import Grid
from refinery.scaling.budget import LEAST_PARAMS, Budget, ModelBudget
from refinery.scaling.published import CHEMISTRY, REPLAY_SOURCE, STRONG_SHIFT, WEAK_SHIFT, Shift, Tolerance

BAR = 20  # characters of the longest
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def budget_tables(found: Budget) -> Iterator[Grid]:
    """What the corpus is enough for, two tables of each model, and what papers found on repeats and replay."""
    yield _enough(found)
    for model in found.models:
        yield _needed(model)
        yield epochs_table(model)
    repeats = Grid("Published: epochs that paid", ("domain", "epochs", "where", "source"))
    for one in found.repeats:
        epochs = f"{one.least:g}" if one.least == one.most else f"{one.least:g} to {one.most:g}"
        repeats.add(one.domain, epochs, one.regime, one.source)
    yield repeats
    yield _replay((WEAK_SHIFT, STRONG_SHIFT))
    yield _tolerance(CHEMISTRY)


def count_text(number: float) -> str:
    """A count in three figures.

    >>> count_text(29_135_845_765), count_text(350e6), count_text(12)
    ('29.1B', '350M', '12')
    """
    for size, unit in _UNITS:
        if number >= size * 0.9995:
            return f"{number / size:.3g}{unit}" if number < size * 999.5 else f"{number / size:,.0f}{unit}"
    return f"{number:.3g}"


def _epochs_text(number: float) -> str:
    """Epochs in three figures and without an exponent."""
    short = f"{number:.3g}"
    return f"{float(short):,.0f}" if number >= 100 else short


def _needed(model: ModelBudget) -> Grid:
    table = Grid(f"A model of {count_text(model.params)} parameters", ("what", "number", "by"))
    for one in model.needed:
        what = f"compute-optimal tokens ({_epochs_text(one.epochs)} epochs, {one.flops:.3g} FLOPs)"
        table.add(what, count_text(one.tokens), f"{one.law}: {one.source}")
    law = "Muennighoff 2023: arXiv 2305.16264"
    trained = count_text(model.trained)
    if not model.far_out:
        table.add(f"a billion unique tokens more, after {trained}", f"-{model.another_billion:.3g} nats", law)
    if not model.far_out and isfinite(model.saved) and model.saved > 0:
        table.add("with these, the same loss after fewer tokens", f"-{count_text(model.saved)}", law)
    kept = f"{100 * model.kept_share:.2g} %"
    table.add("of a raw pool, ranked by nearness, best kept", kept, "BETR: arXiv 2507.12466")
    domain = f"{100 * model.domain_share:.2g} %"
    fitted = f"Gu 2024: arXiv 2407.17467, fitted at {count_text(model.domain_share_of)}"
    table.add(f"most domain text when training goes on for {trained}", domain, fitted)
    return table


def epochs_table(model: ModelBudget) -> Grid:
    """What each epoch of the corpus is worth to a model."""
    title = f"Epochs of the corpus, {count_text(model.params)} parameters"
    if model.far_out:
        most = _epochs_text(model.epochs[-1].epochs)
        title += f": far too little text for it, so that the {most} epochs that it wants are left out"
    table = Grid(title, ("epochs", "tokens", "as good as new", "last token is worth", "nats"))
    for one in model.epochs[: -1 if model.far_out else None]:
        bar = "█" * max(1, round(BAR * one.last_token))
        worth = f"{100 * one.last_token:3.0f} % {bar}"
        table.add(
            _epochs_text(one.epochs), count_text(one.tokens), count_text(one.worth), worth, f"{one.loss:.3f}"
        )
    return table


def _enough(found: Budget) -> Grid:
    title = f"What {count_text(found.unique)} unique tokens are enough for"
    if max(size for one in found.enough_for for size in one.params) < LEAST_PARAMS:
        title += ": no language model"
    table = Grid(title, ("epochs", "as good as new", "parameters", "FLOPs", "by"))
    for one in found.enough_for:
        for law, params, compute in zip(found.laws, one.params, one.flops, strict=True):
            table.add(str(one.epochs), count_text(one.worth), count_text(params), f"{compute:.2g}", law)
    return table


def _replay(shifts: tuple[Shift, ...]) -> Grid:
    table = Grid(
        f"Published: old text among the new, when training goes on ({REPLAY_SOURCE})",
        ("shift", "old text", "old loss", "was", "new loss"),
    )
    for shift in shifts:
        for number, one in enumerate(shift.replays):
            share, what = as_percentage(one.share), "" if number else shift.what
            table.add(what, share, f"{one.old:.2f}", f"{shift.base:.2f}", f"{one.new:.2f}")
    return table


def _tolerance(found: Tolerance) -> Grid:
    table = Grid(
        f"Published: most domain text for a bounded loss ({found.source})",
        ("shift", "domain text", "old loss", "without old text"),
    )
    rises = (f"+{as_percentage(found.allowed)}", f"+{as_percentage(found.alone)}")
    table.add(found.what, as_percentage(found.share), *rises)
    return table
