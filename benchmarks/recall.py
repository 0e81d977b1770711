"""Topics from a few seeds: how well recall ranks a pool and where it cuts, beside plainer methods.

    python benchmarks/recall.py TOPIC... [--seeds 50 200] [--shares natural 1% 0.1%] [--draws 10] [--json FILE]

A TOPIC is NAME=FILE:LABEL,LABEL (Parquet with `text` and `label`; of a label's words one must be there, the rest of
the file is the pool's other documents: the same source and style) or NAME=FILE,FILE~FILE,FILE (the topic's files, and
those of others). A draw takes seeds of the topic at random; the rest of the topic is hidden in the pool, all of it or
as many as make the share. Differences are paired by draw, with intervals of 95 % (Student's t).

"hosts" are rounds with `rich_hosts: 10%`, of files with a column `host`. "all labels" is what the same fit reaches
when every label is known (cross-validation over the topic's files, judged on each draw's pool): what labels allow.
With --records a run that was stopped goes on where it was; another version of the code needs another file.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from harness import ONE_THREAD, Sheet, report
from numpy.typing import NDArray

from refinery.models.metrics import average_precision, point
from refinery.recall.held_out import FOLDS, Task, held_out
from refinery.recall.logistic import fit, weigh_rows
from refinery.recall.nearest import nearest
from refinery.recall.rounds import Round, Settings, first_round, next_round
from refinery.recall.sample import Sample
from refinery.text.batch import TextBatch
from refinery.text.features import Features, features, inverse_frequencies
from refinery.text.prepare import prepare

Scores = NDArray[np.float32] | NDArray[np.float64]
Flags = NDArray[np.bool_]
Found = Mapping[str, Mapping[str, float]]  # of a draw, by method
METHODS = ("nearest", "direct", "two steps", "ensemble", "recall", "rounds", "hosts", "all labels")
_BASE = "direct"
RICH = 0.1  # of a host's pages, found
MANY = 200  # hidden documents, from which on a draw's average precision hangs little on which they are


@dataclass(frozen=True)
class Draw:
    """Which documents are seeds and pool; also the key of its numbers.

    topic: as the command line has it; documents: of its files, at most; number: of the draw, from 0; hidden:
    documents of the topic in the pool.
    """

    topic: str
    documents: int
    share: str
    seeds: int
    number: int
    hidden: int

    @property
    def name(self) -> str:
        """Of the topic."""
        return self.topic.partition("=")[0]

    def chosen(self, truth: Flags) -> NDArray[np.int64]:
        """Numbers of documents: the seeds, then the pool's, in an order that says nothing, as a sample has them."""
        random = np.random.default_rng(self.number)
        positive = random.permutation(np.flatnonzero(truth))
        hidden = positive[self.seeds : self.seeds + self.hidden]
        pool = random.permutation(np.concatenate([hidden, np.flatnonzero(~truth)]))
        return np.concatenate([positive[: self.seeds], pool])


@dataclass(frozen=True)
class Topic:
    """Of all documents: features, which are of the topic, and int32 hosts, -1 where there is none."""

    found: Features
    truth: Flags
    hosts: NDArray[np.int32]

    @classmethod
    def of(cls, table: pl.DataFrame) -> Topic:
        """Of a table that `read_topic` gives."""
        found = features(prepare(TextBatch.from_arrow(table["text"].to_arrow())), pieces=True)
        hosts = table["host"].rank("dense").fill_null(0).cast(pl.Int32).to_numpy() - 1
        return cls(found, table["hit"].to_numpy(), hosts)


def topic_documents(told: str) -> pl.DataFrame:
    """The documents of a topic as the command line has it: text, no two equal, hit (whether it is of it), host."""
    where = told.partition("=")[2]
    if "~" in where:
        sides = [pl.concat(map(_read, side.split(","))) for side in where.split("~")]
        table = pl.concat([side.with_columns(hit=pl.lit(value=not n)) for n, side in enumerate(sides)])
    else:
        file, _, labels = where.rpartition(":")
        hit = pl.col("label").str.split(" ").list.eval(pl.element().is_in(labels.split(","))).list.any()
        table = _read(file).with_columns(hit=hit.fill_null(value=False))
    return table.unique("text", keep="first", maintain_order=True)


def read_topic(told: str, most: int) -> pl.DataFrame:
    """The same, of `most` documents at random."""
    table = topic_documents(told)
    if len(table) > most:
        table = table.sample(most, seed=1)
    return table.select("text", "hit", "host")


def _read(file: str) -> pl.DataFrame:
    """text, label, host: empty where the file has no such column."""
    table = pl.scan_parquet(file)
    there = table.collect_schema().names()
    others = [name if name in there else pl.lit(None, pl.String).alias(name) for name in ("label", "host")]
    return table.select("text", *others).collect()


def draws_of(told: str, table: pl.DataFrame, options: argparse.Namespace) -> Iterator[Draw]:
    """All that the options ask for; those that would hide too few documents are told on standard error."""
    positive = int(table["hit"].sum())
    for share in options.shares:
        for seeds in options.seeds:
            left = hidden = positive - seeds
            if share != "natural":
                part = float(share.rstrip("%")) / 100
                hidden = round(part * (len(table) - positive) / (1 - part))
            if not options.least <= hidden <= left:
                why = f"{hidden} to hide, {left} left beside {seeds} seeds, at least {options.least}"
                print(f"{told}, share {share}: left out ({why})", file=sys.stderr)
                continue
            for number in range(options.draws):
                yield Draw(told, options.documents, share, seeds, number, hidden)


def sample_of(topic: Topic, draw: Draw) -> Sample:
    """Seeds and pool of a draw."""
    chosen = draw.chosen(topic.truth)
    seed = np.arange(len(chosen)) < draw.seeds
    return Sample(topic.found.take(chosen), chosen.astype(np.uint64), seed, topic.hosts[chosen])


def all_labels(topic: Topic) -> Scores:
    """Of all documents, each by a fit as recall makes it to the labels of the four fifths that it is not in."""
    inverse = inverse_frequencies(topic.found)
    folds = np.random.default_rng(0).permutation(len(topic.truth)) % FOLDS
    labels = topic.truth.astype(np.float64)
    weights = _weights(topic.truth)
    return held_out(Task(topic.found, ~topic.truth, inverse, labels, weights, folds, folds))


def _weights(positive: Flags) -> NDArray[np.float64]:
    """Both sides weigh as much, as in recall."""
    return np.where(positive, 2.0, 2.0 * positive.sum() / (~positive).sum())


def plain_scores(sample: Sample) -> dict[str, Scores]:
    """Scores of all documents by the methods that recall is compared with."""
    inverse = inverse_frequencies(sample.features)
    rows = weigh_rows(sample.features, inverse)
    near, _ = nearest(sample.features, inverse, sample.seed)

    def classifier(positive: Flags) -> Scores:
        line = fit(rows, positive.astype(np.float64), _weights(positive), 0.15)
        return line.logits(rows).astype(np.float32)

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


def judge(scores: Scores, truth: Flags) -> dict[str, float]:
    """Average precision, and precision where nine tenths are found."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    place = int(np.searchsorted(np.cumsum(ranked), 0.9 * ranked.sum()))
    return {
        "ap": average_precision(scores, truth),
        "p90": float(ranked[: place + 1].mean()),
    }


def measure(topic: Topic, draw: Draw, most: int) -> dict[str, dict[str, float]]:
    """Of each method what it reaches in the pool of a draw; most: rounds."""
    sample = sample_of(topic, draw)
    pool = ~sample.seed
    truth = topic.truth[sample.identities.astype(np.int64)][pool]
    found = {name: judge(scores[pool], truth) for name, scores in plain_scores(sample).items()}
    started = time.process_time()
    first = first_round(sample, Settings())
    took = time.process_time() - started
    made = {"recall": [first], "rounds": _rounds(sample, first, Settings(), most)}
    if (sample.hosts >= 0).any():
        made["hosts"] = _rounds(sample, first, Settings(rich_hosts=RICH), most)
    for name, rounds in made.items():
        chosen = [one for one in rounds if one.good][-1]
        scores = chosen.model.probability(sample.features)[pool]
        reached = point(scores, truth, chosen.threshold)
        told = chosen.estimates
        found[name] = {
            **judge(scores, truth),
            "precision": reached.precision,
            "recall": reached.recall,
            "told_precision": told.precision.value,
            "told_recall": told.recall.value,
            "told_prevalence": told.prevalence.value / truth.mean(),
            "rounds": float(len(rounds)),
            "chosen": float(chosen.number),
            "seconds": took,
        }
    return found


def _rounds(sample: Sample, first: Round, settings: Settings, most: int) -> list[Round]:
    """The first, which does not depend on hosts, and those that follow."""
    rounds = [first]
    while not rounds[-1].stopped and len(rounds) < most:
        rounds.append(next_round(sample, rounds[-1], settings))
    return rounds


def interval(values: list[float]) -> tuple[float, float]:
    """The mean of two or more and half its interval (Student's t, by the expansion of Fisher and Cornish 1960)."""
    z, free = 1.959963984540054, len(values) - 1
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * free**3)
    return float(np.mean(values)), t * float(np.std(values, ddof=1)) / len(values) ** 0.5


def precisions(found: Mapping[Draw, Found], method: str, less: str | None = None) -> list[float]:
    """Average precision by draw, the mean of topics that have the method; with `less` the difference to another one.

    Of several topics a draw is one number: what is drawn is seeds, and not topics.
    """
    numbers: dict[int, list[float]] = defaultdict(list)
    for draw, one in found.items():
        if method in one:
            numbers[draw.number].append(one[method]["ap"] - (one[less]["ap"] if less else 0.0))
    return [float(np.mean(values)) for values in numbers.values()]


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.3f}" if values else "–"


def _spread(values: list[float], sign: str = "") -> str:
    """The mean, with its interval where there is more than a draw."""
    if len(values) < 2:
        return f"{values[0]:{sign}.3f}" if values else "–"
    mean, half = interval(values)
    return f"{mean:{sign}.3f} ± {half:.3f}"


def tables(records: Mapping[Draw, Found]) -> Iterator[Sheet]:
    """Means of topics, differences to the direct classifier, and means over topics."""
    for share, seeds in dict.fromkeys((draw.share, draw.seeds) for draw in records):
        found = {draw: one for draw, one in records.items() if (draw.share, draw.seeds) == (share, seeds)}
        yield from _tables(found, f"{seeds} seeds, share {share}")


def _tables(found: Mapping[Draw, Found], of: str) -> Iterator[Sheet]:
    topics: dict[str, dict[Draw, Found]] = defaultdict(dict)
    for draw, one in found.items():
        topics[draw.name][draw] = one
    rows: list[tuple[object, ...]] = []
    for name, part in topics.items():
        means = (_mean(precisions(part, method)) for method in METHODS)
        rows.append((name, len(part), next(iter(part)).hidden, *means))
    yield Sheet(f"Average precision, {of}", ("topic", "draws", "hidden", *METHODS), rows)
    others = [method for method in METHODS if method != _BASE]
    rows = []
    for name, part in topics.items():
        rows.append((name, *(_spread(precisions(part, method, _BASE), "+") for method in others)))
    yield Sheet(f"Difference to {_BASE}, {of}", ("topic", *others), rows)
    yield _over_topics(found, f"Means over topics, {of}")
    if many := {draw: one for draw, one in found.items() if draw.hidden >= MANY}:
        yield _over_topics(many, f"Means over topics with {MANY} hidden, {of}")
    yield _at_threshold({**topics, "all": found}, of)


def _over_topics(found: Mapping[Draw, Found], title: str) -> Sheet:
    rows = []
    for method in METHODS:
        topics = len({draw.name for draw, one in found.items() if method in one})
        reached = _spread(precisions(found, method))
        rows.append((method, topics, reached, _spread(precisions(found, method, _BASE), "+")))
    hidden, draws = [draw.hidden for draw in found], {draw.number for draw in found}
    note = f"{min(hidden):,} to {max(hidden):,} documents hidden; intervals over {len(draws)} draws"
    return Sheet(title, ("method", "topics", "average precision", f"difference to {_BASE}"), rows, (note,))


def _at_threshold(parts: Mapping[str, Mapping[Draw, Found]], of: str) -> Sheet:
    columns = {
        "precision at 90 % recall": "p90",
        "precision": "precision",
        "recall": "recall",
        "told precision": "told_precision",
        "told recall": "told_recall",
        "told / true prevalence": "told_prevalence",
        "seconds": "seconds",
    }
    rows = []
    for name, part in parts.items():
        means = (np.mean([one["rounds"][key] for one in part.values()]) for key in columns.values())
        rows.append((name, *(f"{mean:.3f}" for mean in means)))
    return Sheet(f"At the suggested threshold, {of}", ("topic", *columns), rows)


def read_records(file: Path | None) -> dict[Draw, Found]:
    """What a run before has written."""
    if file is None or not file.exists():
        return {}
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {Draw(**one["draw"]): one["found"] for one in lines}


def measured(options: argparse.Namespace) -> dict[Draw, Found]:
    """What each draw reaches, read from the records or measured now."""
    known, wanted = read_records(options.records), []
    os.environ.update(ONE_THREAD)  # of the workers, that they leave each other a core
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as workers:
        for told in options.topics:
            table = read_topic(told, options.documents)
            draws = list(draws_of(told, table, options))
            wanted += draws
            if not (new := [draw for draw in draws if draw not in known]):
                continue
            topic = Topic.of(table)
            ceiling = workers.submit(all_labels, topic)
            running = {workers.submit(measure, topic, draw, options.rounds): draw for draw in new}
            for done in as_completed(running):
                draw = running[done]
                pool = draw.chosen(topic.truth)[draw.seeds :]
                known[draw] = {
                    **done.result(),
                    "all labels": judge(ceiling.result()[pool], topic.truth[pool]),
                }
                if options.records:
                    with options.records.open("a", encoding="utf-8") as file:
                        line = {"draw": asdict(draw), "found": known[draw]}
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return {draw: known[draw] for draw in wanted}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--shares", nargs="+", default=["natural"])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--documents", type=int, default=20_000, help="of a topic's files at most")
    parser.add_argument("--least", type=int, default=10, help="of a topic, hidden in the pool")
    parser.add_argument("--rounds", type=int, default=3, help="at most")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument(
        "--records",
        type=Path,
        help="file to which each draw's numbers are added; those there are not made again",
    )
    parser.add_argument("--json")
    options = parser.parse_args()
    report("Topics from a few seeds", list(tables(measured(options))), options.json)


if __name__ == "__main__":
    main()
