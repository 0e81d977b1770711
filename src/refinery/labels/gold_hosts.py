"""Recall without labels: hosts that are all of the domain, and the share of their pages above a cut.

What Essential-Web (arXiv 2506.14111, section 5.1.3) judges classifiers by: of hosts that a person has found to be of
the domain, recall against the share of all documents that is kept. A host stands for its pages, not for the domain:
compare scores by it, and look at what is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.storage.place import unreadable
from refinery.text.hosts import host_as_given

SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of all documents, that are kept

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GoldCut:
    """Shares of all documents and of those of gold hosts that have a value of a column at or above a threshold."""

    column: str
    threshold: float
    kept: float
    recall: float


@dataclass(frozen=True)
class GoldRecall:
    """Cuts of columns; of documents that came to a stage, by those of hosts of which so many were there.

    asked: hosts and sites that were given; absent: those of them without a document.
    """

    stage: str
    documents: int
    gold_documents: int
    hosts: int
    asked: int
    absent: tuple[str, ...]
    cuts: tuple[GoldCut, ...]


def gold_hosts_of(given: str | Path | Sequence[str]) -> tuple[str, ...]:
    """Hosts as they are given, or those of a file, in their one form; raises InputError, see `read_hosts`."""
    if isinstance(given, str | Path):
        return read_hosts(given)
    return tuple(dict.fromkeys(host_of(one, "gold_hosts") for one in given))


def read_hosts(file: str | Path) -> tuple[str, ...]:
    """The hosts of a file, a line each, in their one form; blank lines and those that begin with # are none.

    Raises InputError with the line of what is no host or site, and for a file without any.
    """
    try:
        lines = Path(file).read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise unreadable(str(file), error) from None
    except UnicodeDecodeError:
        raise InputError(str(file), "it is not UTF-8", "a line is a host or a site") from None
    found = {}
    for number, line in enumerate(lines, 1):
        written = line.strip()
        if written and not written.startswith("#"):
            found[host_of(written, f"{file}:{number}")] = number
    if not found:
        raise InputError(str(file), "it has no host", "a line is a host or a site, such as cancer.gov")
    return tuple(found)


def host_of(written: str, place: str) -> str:
    """`host_as_given`; raises InputError with the place of what is no host."""
    name = host_as_given(written)
    if name is None:
        raise InputError(place, f"{written!r} is no host", "give hosts or sites, such as cancer.gov")
    return name


def gold_cuts(column: str, values: Floats, gold: Floats, thresholds: Iterable[float]) -> Sequence[GoldCut]:
    """Cuts that keep SHARES of all, more where many values are equal, and those at thresholds, the strictest first.

    values: of all documents; gold: of those of gold hosts; -inf of one without a value, which no cut keeps.

    >>> values = np.arange(100.0)
    >>> [(cut.kept, cut.recall) for cut in gold_cuts("x", values, np.array([99.0, 95, 5]), [0.5])][::5]
    [(0.01, 0.3333333333333333), (0.5, 0.6666666666666666)]
    """
    ranked = np.sort(values)
    least = np.ceil((1 - np.array(SHARES)) * len(ranked) - 1e-9).astype(np.int64)
    cuts = {float(value) for value in ranked[np.minimum(least, len(ranked) - 1)]} | {*thresholds}
    return tuple(
        GoldCut(column, cut, float((values >= cut).mean()), float((gold >= cut).mean()))
        for cut in sorted(cuts, reverse=True)
        if np.isfinite(cut)
    )
