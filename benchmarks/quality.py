"""Judges a run over a pool by what pool.py knows to be true: the corpus, the duplicates, every reason.

    python benchmarks/quality.py POOL OUTPUT --domain medical

OUTPUT is the folder that the run wrote for the corpus; its records lie beside it.

Precision: documents of the domain among those kept. Recall: documents of the domain whose content the corpus
has, that is, kept or dropped as a duplicate of a kept document. Duplicate recall: planted pairs of which both
documents reached dedup and one was removed for the other, beside what bands and rows promise at that similarity,
1 - (1 - s^r)^b (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4), and nothing below the threshold.
False removal: a document dropped as a duplicate although no kept document is as similar as the threshold; the
true similarity is computed from the texts of the pool, for every removal, in plain Python.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl
from harness import Sheet, report
from planting import jaccard, shingles
from pool import read_crawl

from refinery.storage.marks import records_of

BINS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Bands:
    """The split of a signature and the similarity from which on a document goes."""

    bands: int
    rows: int
    threshold: float

    def promise(self, similarity: float) -> float:
        """Probability that a pair of this similarity shares a band."""
        return 1 - (1 - similarity**self.rows) ** self.bands


def load(pool: Path, output: Path) -> pl.DataFrame:
    """Truth and decision of every document of the pool, by id."""
    truth = pl.read_parquet(pool / "truth.parquet")
    decisions = pl.read_parquet(records_of(output) / "decisions-*.parquet")
    joined = truth.join(decisions, on="id", how="left")
    lost = joined.filter(pl.col("outcome").is_null())
    if len(joined) != len(truth) or len(lost):
        sys.exit(f"{len(lost)} of {len(truth)} documents have no decision: is {output} a run over {pool}?")
    return joined


def corpus(frame: pl.DataFrame, domain: str) -> Sheet:
    """Precision and recall against the label."""
    kept = frame.filter(pl.col("outcome") == "kept")
    wanted = frame.filter(pl.col("label") == domain)
    originals = wanted.filter(pl.col("kind") == "original")
    rows: list[tuple[object, ...]] = []
    for name, part in (("all documents", wanted), ("originals", originals)):
        found = part.filter(_represented(frame))
        rows.append((f"recall, {name}", len(found), len(part), round(len(found) / max(len(part), 1), 4)))
    by_rule_set = pl.col("rule").str.contains(".", literal=True) & ~pl.col("rule").str.starts_with("dedup.")
    judged = wanted.filter(~by_rule_set.fill_null(False))
    found = judged.filter(_represented(frame))
    share = round(len(found) / max(len(judged), 1), 4)
    rows.append(("recall, of what the quality rule sets leave", len(found), len(judged), share))
    right = len(kept.filter(pl.col("label") == domain))
    rows.insert(0, ("precision", right, len(kept), round(right / max(len(kept), 1), 4)))
    wrong = Counter(kept.filter(pl.col("label") != domain)["label"].to_list())
    notes = tuple(f"kept, but of {label}: {count}" for label, count in wrong.most_common())
    return Sheet(
        f"The corpus against the label {domain!r}", ("measure", "documents", "of", "share"), rows, notes
    )


def _represented(frame: pl.DataFrame) -> pl.Expr:
    kept = frame.filter(pl.col("outcome") == "kept")["id"]
    return pl.col("id").is_in(kept.implode()) | pl.col("duplicate_of_id").is_in(kept.implode())


def losses(frame: pl.DataFrame, domain: str) -> Sheet:
    """Every reason, with how many documents of the domain it cost."""
    dropped = frame.filter(pl.col("outcome") != "kept")
    mine = pl.col("label") == domain
    table = (
        dropped.group_by(pl.col("stage").fill_null("(reading)"), "rule")
        .agg(
            pl.len().alias("all"),
            mine.sum().alias("mine"),
            (mine & (pl.col("kind") == "original")).sum().alias("own"),
        )
        .sort(["all", "stage", "rule"], descending=[True, False, False])
    )
    columns = ("stage", "rule", "documents", f"of {domain}", "originals among them")
    return Sheet("Reasons for dropping", columns, table.rows())


def duplicates(frame: pl.DataFrame, domain: str, bands: Bands) -> Sheet:
    """Planted pairs that reached dedup, by true similarity, against the curve."""
    duplicates_of = dict(
        frame.filter(pl.col("duplicate_of_id").is_not_null()).select("id", "duplicate_of_id").rows()
    )
    at_dedup = {*duplicates_of, *frame.filter(pl.col("outcome") == "kept")["id"]}
    planted = frame.filter(pl.col("planted_of").is_not_null() & (pl.col("label") == domain))
    pairs = [
        Pair(
            similarity,
            kind,
            duplicates_of.get(one) == other or duplicates_of.get(other) == one,
            one in duplicates_of or other in duplicates_of,
        )
        for similarity, kind, one, other in planted.select("jaccard", "kind", "id", "planted_of").iter_rows()
        if one in at_dedup and other in at_dedup
    ]
    near = [pair for pair in pairs if pair.kind == "near"]
    rows: list[tuple[object, ...]] = []
    for low, high in pairwise(BINS):
        inside = [p for p in near if low <= p.similarity < high or p.similarity == high == 1.0]
        rows += _pair_rows(f"near, {low:.2f} – {high:.2f}", inside, bands)
    rows += _pair_rows(
        "near, at or above the threshold", [p for p in near if p.similarity >= bands.threshold], bands
    )
    rows += _pair_rows(
        "near, below the threshold", [p for p in near if p.similarity < bands.threshold], bands
    )
    rows += _pair_rows("exact copies", [pair for pair in pairs if pair.kind == "exact"], bands)
    title = f"Planted pairs at dedup ({bands.bands} bands of {bands.rows} rows, threshold {bands.threshold})"
    columns = (
        "pairs",
        "number",
        "lost to a third",
        "one removed",
        "share",
        "promised",
        "difference in points",
    )
    notes = (
        "lost to a third: one of the pair was removed for another document than its partner; not in the share",
        "promised: the mean of the curve over the pairs at or above the threshold, 0 below it",
    )
    return Sheet(title, columns, rows, notes)


@dataclass(frozen=True)
class Pair:
    """A planted pair: whether one went for the other, and whether one went at all."""

    similarity: float
    kind: str
    found: bool
    removed: bool


def _pair_rows(name: str, pairs: list[Pair], bands: Bands) -> Iterator[tuple[object, ...]]:
    own = [pair for pair in pairs if pair.found or not pair.removed]
    if own:
        found = sum(pair.found for pair in own)
        promised = sum(bands.promise(p.similarity) for p in own if p.similarity >= bands.threshold) / len(own)
        share = found / len(own)
        points = round(100 * (share - promised), 2)
        yield name, len(pairs), len(pairs) - len(own), found, round(share, 4), round(promised, 4), points


def false_removals(frame: pl.DataFrame, pool_texts: dict[str, str], bands: Bands) -> Sheet:
    """True similarity of every removed document to the kept document, and to all kept ones where that is too low."""
    removed = frame.filter(pl.col("duplicate_of_id").is_not_null())
    kept = frame.filter(pl.col("outcome") == "kept")["id"].to_list()
    sets = {id_: shingles(pool_texts[id_]) for id_ in {*kept, *removed["id"], *removed["duplicate_of_id"]}}
    index: dict[str, list[str]] = defaultdict(list)
    for id_ in kept:
        for shingle in sets[id_]:
            index[shingle].append(id_)
    low = false = gone = 0
    errors: list[float] = []
    worst = 1.0
    kept_ids = set(kept)
    for row in removed.iter_rows(named=True):
        mine = sets[row["id"]]
        gone += row["duplicate_of_id"] not in kept_ids
        true = (
            jaccard(mine, sets[row["duplicate_of_id"]]) if mine else 1.0
        )  # shorter than a shingle: compared exactly
        if row["rule"] != "exact" and row["similarity"] is not None:
            errors.append(abs(true - row["similarity"]))
        if true >= bands.threshold:
            continue
        low += 1
        nearest = Counter(other for shingle in mine for other in index[shingle]).most_common(20)
        best = max((jaccard(mine, sets[other]) for other, _ in nearest), default=0.0)
        if best < bands.threshold:
            false += 1
            worst = min(worst, best)
    rows: list[tuple[object, ...]] = [
        ("removed as a duplicate", len(removed)),
        ("whose recorded document is not in the corpus", gone),
        ("whose recorded document is truly below the threshold", low),
        ("false removals: no kept document at the threshold", false),
        ("lowest similarity among false removals", worst if false else None),
        ("largest |recorded - true similarity|", round(max(errors, default=0.0), 4)),
    ]
    return Sheet("Removals against the texts", ("what", "documents"), rows)


def footer_fates(frame: pl.DataFrame, domain: str) -> Sheet:
    """What became of the documents under a shared footer."""
    mine = frame.filter((pl.col("kind") == "footer") & (pl.col("label") == domain))
    fates = Counter(
        "kept" if o == "kept" else f"{s}: {r}" for o, s, r in mine.select("outcome", "stage", "rule").rows()
    )
    return Sheet("Documents under a shared footer", ("fate", "documents"), list(fates.most_common()))


def main() -> None:
    parser = argparse.ArgumentParser(description="Judges a run over a benchmark pool by its truth.")
    parser.add_argument("pool", type=Path, help="folder that pool.py wrote")
    parser.add_argument("output", type=Path, help="folder that the run wrote")
    parser.add_argument("--domain", required=True, help="label of the documents that were wanted")
    parser.add_argument("--threshold", type=float, default=0.8, help="similarity of the pipeline's dedup")
    parser.add_argument("--num-perm", type=int, default=112, help="hashes of a signature")
    parser.add_argument(
        "--bands",
        type=int,
        nargs=2,
        metavar=("BANDS", "ROWS"),
        help="default: those that find 97 % at the threshold",
    )
    parser.add_argument("--json", metavar="FILE", help="also write the tables as JSON")
    options = parser.parse_args()
    count, height = options.bands or _optimum(options.threshold, options.num_perm)
    bands = Bands(count, height, options.threshold)
    frame = load(options.pool, options.output)
    sheets = [
        corpus(frame, options.domain),
        losses(frame, options.domain),
        duplicates(frame, options.domain, bands),
        false_removals(frame, read_crawl(options.pool / "crawl"), bands),
        footer_fates(frame, options.domain),
    ]
    report(f"{options.output} judged by {options.pool / 'truth.parquet'}", sheets, options.json)


def _optimum(threshold: float, num_perm: int) -> tuple[int, int]:
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=num_perm)
    return index.b, index.r


if __name__ == "__main__":
    main()
