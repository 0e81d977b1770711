"""The steps of recall as units make them: a round of a sample and of the round before, and the model of the last.

What the numbers are is said in refinery.recall.rounds; here they are read, told and written.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from refinery.definition.trainings import RecallTraining
from refinery.errors import DamagedFile
from refinery.models.linear import MODEL, LinearModel, parse_linear
from refinery.recall.account import (
    MOVED,
    RECALLED,
    ROUND,
    Recalled,
    RoundAccount,
    read_account,
)
from refinery.recall.counts import COUNTS, SampleCounts
from refinery.recall.movement import gold_recall, moved, new_hosts
from refinery.recall.recall_card import CARDS, write_card
from refinery.recall.rounds import (
    NEGATIVE,
    OPEN,
    POSITIVE,
    Estimates,
    Round,
    Settings,
    first_round,
    next_round,
)
from refinery.recall.sample_file import SampleFile, read_sample
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place, read_file

STANDING = "standing.npz"  # how documents stand after a round, and their probabilities


def make_round(folders: Sequence[Place], training: RecallTraining, target: Place) -> Sequence[str]:
    """Makes a round of the sample and of the round before, if there is one; gives the names of the files.

    A round after the last that is to be made is that one.
    """
    file = read_sample(folders[0])
    settings = Settings(
        precision=training.precision, beta=training.beta, seed=training.seed, rich_hosts=training.rich_hosts
    )
    before = _read_round(folders[1]) if len(folders) > 1 else None
    found = next_round(file.sample, before, settings) if before else first_round(file.sample, settings)
    account = _account(file, found, before)
    _write_round(found, account, target)
    shown = moved(file, found, before)
    commit_bytes(target / MOVED, shown.model_dump_json(indent=1).encode(), scratch=True)
    return [ROUND, STANDING, MODEL, MOVED]


def _account(file: SampleFile, found: Round, before: Round | None) -> RoundAccount:
    standing = found.standing[~file.sample.seed]
    return RoundAccount(
        number=found.number,
        positives=int((standing == POSITIVE).sum()),
        negatives=int((standing == NEGATIVE).sum()),
        open=int((standing == OPEN).sum()),
        threshold=found.threshold,
        **vars(found.estimates),
        overlap=found.overlap,
        new_hosts=new_hosts(file, found, before),
        by_hosts=found.by_hosts,
        good=found.good,
        stopped=found.stopped or "",
    )


def make_model(folders: Sequence[Place], training: RecallTraining, target: Place) -> Sequence[str]:
    """Writes the model of the last good round with its card; gives the names of the files."""
    file = read_sample(folders[0])
    accounts = [read_account(RoundAccount, folder / ROUND) for folder in folders[1:]]
    made = [one for number, one in enumerate(accounts, 1) if one.number == number]
    chosen = [one.number for one in made if one.good][-1]
    last = _read_round(folders[chosen])
    counts = read_account(SampleCounts, folders[0] / COUNTS)
    scores = last.model.probability(file.sample.features)[~file.sample.seed]
    kept = int((scores >= last.threshold).sum())
    gold = None
    if training.gold_hosts:
        rounds = (_read_round(folder) for folder in folders[1 : len(made) + 1])
        gold = gold_recall(file, rounds, training.gold_hosts)
    recalled = Recalled(sample=counts, rounds=tuple(made), chosen=chosen, kept=kept, gold=gold)
    seeds = np.sort(file.about["text"].to_numpy()[file.sample.seed])
    content = replace(last.model, seeds=seeds).content()
    commit_bytes(target / MODEL, content, scratch=True)
    write_card(file, last, recalled, training, content, target)
    commit_bytes(target / RECALLED, recalled.model_dump_json(indent=1).encode(), scratch=True)
    return [MODEL, RECALLED, *CARDS]


def _write_round(found: Round, account: RoundAccount, target: Place) -> None:
    content = io.BytesIO()
    np.savez(content, probability=found.probability, standing=found.standing)
    commit_bytes(target / STANDING, content.getvalue(), scratch=True)
    commit_bytes(target / MODEL, found.model.content(), scratch=True)
    commit_bytes(target / ROUND, account.model_dump_json(indent=1).encode(), scratch=True)


def _read_round(folder: Place) -> Round:
    """A round; raises DamagedFile."""
    told = read_account(RoundAccount, folder / ROUND)
    try:
        with np.load(io.BytesIO(read_file(folder / STANDING)), allow_pickle=False) as stored:
            probability, standing = stored["probability"], stored["standing"]
    except (OSError, ValueError, KeyError):
        raise DamagedFile(str(folder / STANDING), "it is not as it was written") from None
    model: LinearModel = parse_linear(read_file(folder / MODEL), str(folder / MODEL))
    estimates = Estimates(**{one.name: getattr(told, one.name) for one in fields(Estimates)})
    return Round(
        told.number,
        probability,
        standing,
        told.threshold,
        estimates,
        told.overlap,
        told.by_hosts,
        told.stopped or None,
        model,
    )
