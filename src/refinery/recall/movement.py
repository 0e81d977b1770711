"""What moved between rounds: the documents of the pool that came and those that went, and hosts that are new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.recall.account import GoldHosts, Moved, MovedDocument
from refinery.recall.rounds import Round
from refinery.recall.sample_file import SampleFile
from refinery.text.hosts import absent_of, of_sites

SHOWN = 50  # documents that came and that went, whose beginnings stay


def found_by(file: SampleFile, one: Round | None) -> NDArray[np.bool_]:
    """The documents of the pool that a round recalls; before the first none."""
    if one is None:
        return np.zeros(len(file.sample), np.bool_)
    return ~file.sample.seed & (one.probability >= np.float32(one.threshold))


def new_hosts(file: SampleFile, found: Round, before: Round | None) -> int | None:
    """Hosts of what a round recalls that neither a seed nor the round before has; None where there is no host."""
    hosts = file.about["host"]
    if hosts.null_count() == len(hosts):
        return None
    known = hosts.filter(pl.Series(file.sample.seed | found_by(file, before))).drop_nulls()
    new = hosts.filter(pl.Series(found_by(file, found))).drop_nulls().unique()
    return int((~new.is_in(known.implode())).sum())


def gold_recall(file: SampleFile, rounds: Iterable[Round], hosts: Sequence[str]) -> GoldHosts:
    """What rounds recall of the pool's documents of these hosts and sites."""
    gold = of_sites(file.about["host"].to_arrow(), hosts) & ~file.sample.seed
    seen = file.about["host"].filter(pl.Series(gold)).unique().to_list()
    return GoldHosts(
        hosts=len(seen),
        absent=absent_of(hosts, seen),
        documents=int(gold.sum()),
        recalled=tuple(int((gold & found_by(file, one)).sum()) for one in rounds),
    )


def moved(file: SampleFile, found: Round, before: Round | None) -> Moved:
    """What a round recalls and the one before did not, and the other way round."""
    now, then = found_by(file, found), found_by(file, before)
    came, went = np.flatnonzero(now & ~then), np.flatnonzero(then & ~now)
    return Moved(
        came=_documents(file, came, found, before),
        went=_documents(file, went, found, before),
        came_in_all=len(came),
        went_in_all=len(went),
    )


def _documents(
    file: SampleFile, chosen: NDArray[np.int64], found: Round, before: Round | None
) -> tuple[MovedDocument, ...]:
    """The first of these: a sample is in the order of hashes, so that they are drawn at random."""
    rows = file.about[chosen[:SHOWN]].select("source", "id", "host", "language", "head").to_dicts()
    return tuple(
        MovedDocument(
            **row,
            score=float(found.probability[at]),
            before=float(before.probability[at]) if before else None,
        )
        for row, at in zip(rows, chosen, strict=False)
    )
