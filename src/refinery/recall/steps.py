"""The steps of recall as units make them: a round of a sample and of the round before, and the model of the last.

What the numbers are is said in refinery.recall.rounds; here they are read, told and written.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.definition.trainings import RecallTraining
from refinery.models.metrics import wilson
from refinery.recall import standin
from refinery.recall.account import (
    MOVED,
    RECALLED,
    ROUND,
    Interval,
    Moved,
    MovedDocument,
    Recalled,
    RoundAccount,
    read_account,
)
from refinery.recall.counts import COUNTS, SampleCounts
from refinery.recall.sample_file import SampleFile, read_sample
from refinery.recall.standin import Round
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place, read_file

STATE = "state.npz"
SHOWN = 50  # documents that came and that went, of which the beginnings stay


def make_round(folders: Sequence[Place], number: int, seed: int, target: Place) -> Sequence[str]:
    """Makes a round of the sample and of the round before, if there is one; gives the names of the files.

    A round after one that does not count makes nothing of its own: it says so, too.
    """
    sample = read_sample(folders[0])
    before = _read_state(folders[1]) if len(folders) > 1 else None
    if before and before.stopped:
        account = read_account(RoundAccount, folders[1] / ROUND).model_copy(update={"number": number})
        found, moved = before, Moved(came=(), went=(), came_in_all=0, went_in_all=0)
    else:
        found = standin.next_round(sample.features, sample.seeds, before)
        account = _account(sample, found, before, number)
        moved = _moved(sample, found, before)
    _write_state(found, target / STATE)
    commit_bytes(target / ROUND, account.model_dump_json(indent=1).encode(), scratch=True)
    commit_bytes(target / MOVED, moved.model_dump_json(indent=1).encode(), scratch=True)
    return [STATE, ROUND, MOVED]


def _account(sample: SampleFile, found: Round, before: Round | None, number: int) -> RoundAccount:
    pool = np.arange(len(sample.features)) >= sample.seeds
    positive = found.positive & pool
    was = before.positive & pool if before else None
    return RoundAccount(
        number=number,
        positives=int(positive.sum()),
        negatives=int((found.negative & pool).sum()),
        open=int((pool & ~found.positive & ~found.negative).sum()),
        precision=Interval(value=1, low=1, high=1),
        recall=Interval(value=1, low=1, high=1),
        prevalence=float(found.scores[pool].mean()),
        overlap=None if was is None else float((positive & was).sum() / max(was.sum(), 1)),
        new_hosts=_new_hosts(sample, positive, was),
        drift=0.0,
        stopped=found.stopped,
    )


def _new_hosts(
    sample: SampleFile, positive: NDArray[np.bool_], before: NDArray[np.bool_] | None
) -> int | None:
    """Hosts of positives that neither a seed nor a positive of the round before has; None without any host."""
    hosts = sample.about["host"]
    if hosts.null_count() == len(hosts):
        return None
    known = sample.about["seed"].to_numpy() if before is None else sample.about["seed"].to_numpy() | before
    new = hosts.filter(pl.Series(positive)).drop_nulls().unique()
    return int((~new.is_in(hosts.filter(pl.Series(known)).drop_nulls().implode())).sum())


def _moved(sample: SampleFile, found: Round, before: Round | None) -> Moved:
    """Without a round before, the seeds alone were positive."""
    pool = np.arange(len(sample.features)) >= sample.seeds
    was = before.positive if before else ~pool
    came, went = (np.flatnonzero(one & pool) for one in (found.positive & ~was, was & ~found.positive))
    return Moved(
        came=_documents(sample, came, found, before),
        went=_documents(sample, went, found, before),
        came_in_all=len(came),
        went_in_all=len(went),
    )


def _documents(
    sample: SampleFile, chosen: NDArray[np.int64], found: Round, before: Round | None
) -> tuple[MovedDocument, ...]:
    """The first of these: the sample is in the order of hashes, so that they are drawn at random."""
    columns = ["source", "id", "host", "language", "head"]
    rows = sample.about[chosen[:SHOWN]].select(columns).to_dicts()
    return tuple(
        MovedDocument(
            **row, score=float(found.scores[at]), before=float(before.scores[at]) if before else None
        )
        for row, at in zip(rows, chosen, strict=False)
    )


def make_model(folders: Sequence[Place], training: RecallTraining, target: Place) -> Sequence[str]:
    """Fits the model of the last round that counts; gives the names of the files."""
    sample = read_sample(folders[0])
    accounts = [read_account(RoundAccount, folder / ROUND) for folder in folders[1:]]
    chosen = max((one.number for one in accounts if not one.stopped), default=1)
    recalled = Recalled(
        sample=read_account(SampleCounts, folders[0] / COUNTS), rounds=tuple(accounts), chosen=chosen
    )
    names = standin.write_model(sample, _read_state(folders[chosen]), training, target)
    commit_bytes(target / RECALLED, recalled.model_dump_json(indent=1).encode(), scratch=True)
    return [*names, RECALLED]


def warnings(folder: Path) -> Sequence[str]:
    """What a person should know of a model."""
    from refinery.models import card

    _, found = card.resolve(folder)
    return card.warnings(found) if found else ()


def _write_state(found: Round, place: Place) -> None:
    content = io.BytesIO()
    np.savez(content, **{one.name: np.array(getattr(found, one.name)) for one in fields(found)})
    commit_bytes(place, content.getvalue(), scratch=True)


def _read_state(folder: Place) -> Round:
    with np.load(io.BytesIO(read_file(folder / STATE)), allow_pickle=False) as stored:
        return Round(**{name: stored[name] if stored[name].ndim else stored[name].item() for name in stored})
