"""Topics from a few seeds: how well recall ranks a pool and where it cuts, beside plainer methods.

    python benchmarks/recall.py TOPIC... [--seeds 50 200] [--shares natural 1% 0.1%] [--draws 10] [--json FILE]

A TOPIC is NAME=FILE:LABEL,LABEL (Parquet with `text` and `label`; of a label's words one must be there, the rest of
the file is the pool's other documents: the same source and style) or NAME=FILE,FILE~FILE,FILE (the topic's files, and
those of others). A draw takes seeds of the topic at random; the rest of the topic is hidden in the pool, all of it or
as many as make the share. Differences are paired by draw, with intervals of 95 % (Student's t).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from harness import Sheet, report
from numpy.typing import NDArray

from refinery.models.metrics import average_precision, point
from refinery.recall.logistic import Rows, fit, weigh_rows
from refinery.recall.nearest import nearest
from refinery.recall.rounds import Round, Settings, first_round, next_round
from refinery.recall.sample import Sample
from refinery.text.batch import TextBatch
from refinery.text.features import Features, features, inverse_frequencies
from refinery.text.prepare import prepare

Scores = NDArray[np.float32]
METHODS = ("nearest", "direct", "two steps", "ensemble", "recall", "rounds")
_BASE = "direct"
ROUNDS = 3


@dataclass(frozen=True)
class Topic:
    """Features of all documents, and which are of the topic."""

    name: str
    found: Features
    truth: NDArray[np.bool_]


def topic_documents(told: str) -> tuple[str, pl.DataFrame]:
    """The name of a topic as the command line has it, and its documents: `text`, no two equal, and `hit`."""
    name, _, where = told.partition("=")
    if "~" in where:
        sides = [
            pl.concat([pl.read_parquet(file, columns=["text"]) for file in side.split(",")])
            for side in where.split("~")
        ]
        table = pl.concat([side.with_columns(hit=pl.lit(value=not n)) for n, side in enumerate(sides)])
    else:
        file, _, labels = where.rpartition(":")
        wanted = labels.split(",")
        hit = pl.col("label").str.split(" ").list.eval(pl.element().is_in(wanted)).list.any()
        table = pl.read_parquet(file, columns=["text", "label"]).select(
            "text", hit=hit.fill_null(value=False)
        )
    return name, table.unique("text", keep="first", maintain_order=True)


def read_topic(told: str, most: int) -> Topic:
    """A topic as the command line has it, of `most` documents at random."""
    name, table = topic_documents(told)
    if len(table) > most:
        table = table.sample(most, seed=1)
    found = features(prepare(TextBatch.from_arrow(table["text"].to_arrow())), pieces=True)
    return Topic(name, found, table["hit"].to_numpy())


def samples(
    topic: Topic, seeds: int, share: float | None, draw: int, least: int
) -> tuple[Sample, NDArray[np.bool_]] | None:
    """Seeds and pool of a draw, and the truth; None where fewer than `least` are left, or than the share takes."""
    random = np.random.default_rng(draw)
    positive = random.permutation(np.flatnonzero(topic.truth))
    others = np.flatnonzero(~topic.truth)
    left = len(positive) - seeds if share is None else round(share * len(others) / (1 - share))
    if len(positive) - seeds < max(left, least):
        return None
    chosen = np.concatenate([positive[: seeds + left], others])
    rows = Rows(topic.found.bounds, topic.found.buckets, topic.found.counts.astype(np.float32), 0).take(
        chosen
    )
    found = Features(rows.bounds, rows.columns, rows.values.astype(np.uint16))
    seed = np.arange(len(chosen)) < seeds
    hosts = np.full(len(chosen), -1, np.int32)
    return Sample(found, chosen.astype(np.uint64), seed, hosts), topic.truth[chosen]


def plain_scores(sample: Sample) -> dict[str, Scores]:
    """Scores of all documents by the methods that recall is compared with."""
    inverse = inverse_frequencies(sample.features)
    rows = weigh_rows(sample.features, inverse)
    near, _ = nearest(rows, sample.seed)

    def classifier(positive: NDArray[np.bool_]) -> Scores:
        weights = np.where(positive, 2.0, 2.0 * positive.sum() / (~positive).sum())
        scored: Scores = fit(rows, positive.astype(np.float64), weights, 0.15).logits(rows).astype(np.float32)
        return scored

    direct = classifier(sample.seed)
    top = np.argsort(-near)[: max(sample.seed.sum(), len(near) // 50)]
    twice = sample.seed.copy()
    twice[top] = True
    return {
        "nearest": near,
        "direct": direct,
        "two steps": classifier(twice),
        "ensemble": np.maximum(_buckets(near), _buckets(direct)) + _ranks(near) + _ranks(direct),
    }


def _ranks(scores: Scores) -> Scores:
    """Between 0 and half: decides inside a bucket alone."""
    return (np.argsort(np.argsort(scores, kind="stable")) / (2 * len(scores) + 1)).astype(np.float32)


def _buckets(scores: Scores) -> Scores:
    """Twenty of equal size, by rank."""
    return np.floor(40 * _ranks(scores))


def judge(scores: Scores, truth: NDArray[np.bool_]) -> dict[str, float]:
    """Average precision, and precision where nine tenths are found."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    place = int(np.searchsorted(np.cumsum(ranked), 0.9 * ranked.sum()))
    return {
        "ap": average_precision(scores, truth),
        "p90": float(ranked[: place + 1].mean()),
    }


def measure(sample: Sample, truth: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Of each method what it reaches in the pool."""
    pool = ~sample.seed
    found = {name: judge(scores[pool], truth[pool]) for name, scores in plain_scores(sample).items()}
    settings, started = Settings(), time.perf_counter()
    rounds: list[Round] = [first_round(sample, settings)]
    took = time.perf_counter() - started
    while not rounds[-1].stopped and len(rounds) < ROUNDS:
        rounds.append(next_round(sample, rounds[-1], settings))
    for name, chosen in (("recall", rounds[0]), ("rounds", [one for one in rounds if one.good][-1])):
        scores = chosen.model.probability(sample.features)[pool]
        reached = point(scores, truth[pool], chosen.threshold)
        told = chosen.estimates
        found[name] = {
            **judge(scores, truth[pool]),
            "precision": reached.precision,
            "recall": reached.recall,
            "told_precision": told.precision.value,
            "told_recall": told.recall.value,
            "told_prevalence": told.prevalence.value / truth[pool].mean(),
            "rounds": float(len(rounds)),
            "chosen": float(chosen.number),
            "seconds": took,
        }
    return found


def interval(values: list[float]) -> tuple[float, float]:
    """The mean and half the width of its interval (Student's t, by the expansion of Fisher and Cornish 1960)."""
    z, free = 1.959963984540054, max(len(values) - 1, 1)
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return float(np.mean(values)), t * spread / len(values) ** 0.5


def tables(records: list[dict[str, Any]]) -> Iterator[Sheet]:
    """Means of topics and of all of them, and differences to the direct classifier."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for one in records:
        groups[one["share"], one["seeds"]].append(one)
    for (share, seeds), ones in groups.items():
        names = list(dict.fromkeys(one["topic"] for one in ones))
        parts = [*((name, [one for one in ones if one["topic"] == name]) for name in names), ("all", ones)]
        rows = []
        for name, part in parts:
            cells = [f"{np.mean([one['found'][method]['ap'] for one in part]):.3f}" for method in METHODS]
            rows.append((name, len(part), *cells))
        yield Sheet(f"Average precision, {seeds} seeds, share {share}", ("topic", "draws", *METHODS), rows)
        rows = []
        for name, part in parts:
            cells = []
            for method in METHODS:
                gains = [one["found"][method]["ap"] - one["found"][_BASE]["ap"] for one in part]
                mean, half = interval(gains)
                cells.append(f"{mean:+.3f} ± {half:.3f}")
            rows.append((name, *cells))
        yield Sheet(f"Difference to {_BASE}, {seeds} seeds, share {share}", ("topic", *METHODS), rows)
        rows = []
        for name, part in parts:
            keys = (
                "p90",
                "precision",
                "recall",
                "told_precision",
                "told_recall",
                "told_prevalence",
                "seconds",
            )
            means = [float(np.mean([one["found"]["rounds"][key] for one in part])) for key in keys]
            rows.append((name, *(f"{value:.3f}" for value in means)))
        columns = (
            "topic",
            "precision at 90 % recall",
            "precision",
            "recall",
            "told precision",
            "told recall",
        )
        yield Sheet(
            f"At the suggested threshold, {seeds} seeds, share {share}",
            (*columns, "told / true prevalence", "seconds"),
            rows,
        )


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--shares", nargs="+", default=["natural"])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--documents", type=int, default=20_000, help="of a topic's files at most")
    parser.add_argument(
        "--least", type=int, default=100, help="of a topic, left in the pool beside the seeds"
    )
    parser.add_argument(
        "--records", type=Path, help="file to which each draw's numbers are added as they come"
    )
    parser.add_argument("--json")
    options = parser.parse_args()
    topics = [read_topic(told, options.documents) for told in options.topics]
    records: list[dict[str, Any]] = []
    for draw in range(options.draws):
        for topic in topics:
            for told in options.shares:
                share = None if told == "natural" else float(told.rstrip("%")) / 100
                for seeds in options.seeds:
                    if (made := samples(topic, seeds, share, draw, options.least)) is None:
                        continue
                    found = measure(*made)
                    records.append(
                        {"topic": topic.name, "seeds": seeds, "share": told, "draw": draw, "found": found}
                    )
                    if options.records:
                        with options.records.open("a") as file:
                            file.write(json.dumps(records[-1]) + "\n")
    report("Topics from a few seeds", list(tables(records)), options.json)


if __name__ == "__main__":
    main()
