"""The card of a model that recall makes: what it reaches by seeds that were held out and by its probabilities.

Every seed is held out once. Recall is the share of them at or above a threshold. No document of the pool is known not
to be of the domain: at the suggested threshold precision is what the round tells, elsewhere the mean probability of
the pool's documents at or above it. The two are not comparable: probabilities add up to the most that may be of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xxhash
from numpy.typing import NDArray

from refinery.definition.trainings import RecallTraining
from refinery.models.card import CARD, CARD_TEXT, LEAST_RECALL, NEGATIVE, POSITIVE, Card, Counts, Point
from refinery.models.card_text import threshold_table
from refinery.models.metrics import CURVE_RECALLS
from refinery.recall.account import Recalled
from refinery.recall.counts import POOL, SEEDS
from refinery.recall.rounds import Round
from refinery.recall.sample_file import SampleFile
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place
from refinery.text.prepare import WORDS
from refinery.watch.printable import markdown_code

CARDS = (CARD, CARD_TEXT)
_MOST_SEEDS = 0.9  # the share that "most seeds" means
_WHOLE = 0.9  # share of a pool above which a round has told nothing apart
Scores = NDArray[np.float32]


def write_card(
    file: SampleFile, last: Round, recalled: Recalled, training: RecallTraining, model: bytes, folder: Place
) -> None:
    """Writes card.json and card.md of a model, `model` is its file's content."""
    card = card_of(file, last, training, model).model_copy(update={"drawn": recalled.sample.drawn})
    commit_bytes(folder / CARD_TEXT, "\n".join(_lines(card, recalled)).encode(), scratch=True)
    commit_bytes(folder / CARD, card.model_dump_json(indent=1).encode(), scratch=True)


def card_of(file: SampleFile, last: Round, training: RecallTraining, model: bytes) -> Card:
    """The card of the model of a round."""
    seeds, pool = last.probability[file.sample.seed], last.probability[~file.sample.seed]
    told = last.estimates.precision.value
    reached = point(seeds, pool, last.threshold)
    suggested = reached.model_copy(update={"precision": told, "f1": _f1(told, reached.recall)})
    cuts = np.quantile(seeds, [1 - recall for recall in CURVE_RECALLS], method="lower")
    return Card(
        model=xxhash.xxh3_128_hexdigest(model),
        labels=(POSITIVE, NEGATIVE),
        positive_label=POSITIVE,
        preparation=WORDS,
        training={"round": last.number, **training.model_dump(include={"rounds", "seed"})},
        sources={SEEDS: training.seeds, POOL: training.pool},
        positive=Counts(read=len(seeds), used=len(seeds), held_out=len(seeds)),
        negative=Counts(read=len(pool), used=len(pool), held_out=len(pool)),
        near_duplicate_groups=0,
        contradictory=0,
        wanted_precision=training.precision,
        suggested=suggested,
        precision_bound=last.estimates.precision.low,
        at_half=point(seeds, pool, 0.5),
        average_precision=_average_precision(pool),
        false_positive_rate=None,  # which takes documents that are known not to be of the domain
        curve=tuple(point(seeds, pool, float(cut)) for cut in sorted(set(cuts.tolist()), reverse=True)),
        calibration=(),
    )


def point(seeds: Scores, pool: Scores, threshold: float) -> Point:
    """What keeping probabilities at or above a threshold gives; precision is their mean, of nothing kept 1."""
    kept = pool[pool >= np.float32(threshold)]
    precision = float(kept.mean(dtype=np.float64)) if len(kept) else 1.0
    recall = float((seeds >= np.float32(threshold)).mean())
    f1 = _f1(precision, recall)
    return Point(threshold=float(threshold), precision=precision, recall=recall, f1=f1, kept=len(kept))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _average_precision(pool: Scores) -> float:
    """That which is expected of the pool in the order of its probabilities."""
    ranked = np.sort(pool)[::-1].astype(np.float64)
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float((precision * ranked).sum() / max(ranked.sum(), 1e-9))


def _lines(card: Card, recalled: Recalled) -> Iterator[str]:
    """The card as Markdown."""
    sample, chosen = recalled.sample, recalled.rounds[recalled.chosen - 1]
    seeds, pool = (", ".join(map(markdown_code, names)) for names in card.sources.values())
    yield "# Relevance model, by recall"
    yield ""
    yield (
        f"A linear classifier over hashed words, pairs and pieces of words, and over places in a latent space, of "
        f"round {recalled.chosen}. Its score is a probability, calibrated for the pool: "
        f"{pool}, by {sample.seeds:,} seeds ({seeds}) and a sample of "
        f"{sample.pool:,} of {sample.arrived(POOL):,} documents. "
        f"About {chosen.prevalence.value:.2%} of the pool is of the domain."
    )
    yield ""
    yield (
        f"Suggested: `relevance >= {card.suggested.threshold:.4f}`: precision {chosen.precision}, "
        f"recall {chosen.recall}, by seeds that were held out; {card.suggested.kept:,} documents of the sample."
    )
    if recalled.gold:
        yield ""
        yield f"Gold hosts: {recalled.gold.sentence(recalled.chosen)}."
    yield from (line for warning in warnings(card) for line in ("", f"**Warning**: {warning}."))
    yield ""
    yield "What other thresholds reach:"
    yield ""
    yield from threshold_table({card.at_half, *card.curve}, "kept of the sample", "mean probability")
    yield ""
    yield (
        "No document of the pool is known not to be of the domain. The mean of probabilities, which add up to the "
        "most that may be of it, and F1 by that are not to be compared with the precision told above. Label some "
        "about the threshold (`refinery label`) before you trust either."
    )
    yield ""


def warnings(card: Card) -> tuple[str, ...]:
    """What a person should know of a suggested threshold."""
    return tuple(filter(None, (_poor_threshold(card), _whole_pool(card))))


def _poor_threshold(card: Card) -> str:
    """Of a suggested threshold that loses most of the domain or misses the precision."""
    one = card.suggested
    if one.recall < LEAST_RECALL:
        return (
            f"set a lower threshold than {one.threshold:.4f} by labels (`refinery label`) or by number, or give more "
            f"seeds; see docs/recall.md. The suggested one finds only {one.recall:.1%} of the seeds that were held "
            f"out and {one.kept:,} documents of the sample, while {_like_seeds(card):,} rank as high as nine of ten "
            "seeds"
        )
    if one.precision < card.wanted_precision:
        return (
            f"the suggested threshold {one.threshold:.4f} is expected to reach precision {one.precision:.3f}, not "
            f"{card.wanted_precision:g}: give more seeds, or seeds that are more alike, or lower the model's "
            "`precision`; see docs/recall.md"
        )
    return ""


def _whole_pool(card: Card) -> str:
    """Of a suggested threshold that nearly all of the pool reaches."""
    kept, pool = card.suggested.kept, card.negative.held_out
    if kept <= _WHOLE * pool:
        return ""
    return (
        f"{kept:,} of {pool:,} documents of the sample reach the suggested threshold {card.suggested.threshold:.4f}: "
        "nearly the whole pool is taken for the domain. Look at some of them; where they are not of it, give other "
        "seeds, in the language and form of the pool, or set a threshold by labels (`refinery label`)"
    )


def _like_seeds(card: Card) -> int:
    """Documents of the sample that score as high as nine of ten seeds."""
    return min((one.kept for one in card.curve if one.recall >= _MOST_SEEDS), default=0)
