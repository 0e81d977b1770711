"""Stand-in."""
from __future__ import annotations
import io
from dataclasses import dataclass
import numpy as np
from numpy.typing import NDArray
from refinery.text.features import Features


@dataclass
class Round:
    scores: NDArray
    positive: NDArray
    negative: NDArray
    weights: NDArray
    bias: float
    idf: NDArray
    stopped: str = ""


def rows(f, w, idf):
    x = (1 + np.log(f.counts)) * idf[f.buckets]
    owner = np.repeat(np.arange(len(f)), np.diff(f.bounds))
    norm = np.sqrt(np.bincount(owner, x * x, len(f))) + 1e-9
    return np.bincount(owner, x * w[f.buckets], len(f)) / norm


def centroid(f, idf, chosen):
    x = (1 + np.log(f.counts)) * idf[f.buckets]
    owner = np.repeat(np.arange(len(f)), np.diff(f.bounds))
    norm = np.sqrt(np.bincount(owner, x * x, len(f))) + 1e-9
    x = x / norm[owner] * chosen[owner]
    return np.bincount(f.buckets, x, 1 << 20) / max(chosen.sum(), 1)


def next_round(f: Features, seeds: int, before: Round | None) -> Round:
    n = len(f)
    df = np.bincount(f.buckets, minlength=1 << 20)
    idf = np.log((1 + n) / (1 + df))
    pos = np.arange(n) < seeds if before is None else before.positive | (np.arange(n) < seeds)
    w = centroid(f, idf, pos) - centroid(f, idf, ~pos)
    s = rows(f, w, idf)
    b = (s[:seeds].mean() + s[seeds:].mean()) / 2
    k = 4 / (s[:seeds].mean() - s[seeds:].mean() + 1e-9)
    p = 1 / (1 + np.exp(-k * (s - b)))
    return Round(p, p > 0.5, p < 0.2, w * k, -b * k, idf)


def write_model(sample, state, training, target):
    from refinery.models import metrics
    from refinery.models.card import CARD, CARD_TEXT, Card, Counts, NEGATIVE, POSITIVE, render
    from refinery.storage.commit import commit_bytes
    import json, xxhash
    content = io.BytesIO()
    np.savez(content, weights=state.weights, bias=state.bias, idf=state.idf, seeds=sample.about["text"][:sample.seeds].to_numpy())
    commit_bytes(target / "model.npz", content.getvalue(), scratch=True)
    scores = state.scores.astype(np.float32)
    truth = state.positive
    suggested, bound = metrics.suggest(scores, truth, training.precision)
    card = Card(model=xxhash.xxh3_128_hexdigest(content.getvalue()), labels=(POSITIVE, NEGATIVE), positive_label=POSITIVE,
      preparation="words-1", training={}, sources={"seeds": training.seeds, "pool": training.pool}, positive=Counts(read=1,used=1,held_out=1), negative=Counts(read=1,used=1,held_out=1),
      near_duplicate_groups=0, contradictory=0, wanted_precision=training.precision, suggested=suggested, precision_bound=bound, at_half=metrics.point(scores, truth, 0.5),
      average_precision=1, false_positive_rate=0.1, curve=metrics.curve(scores, truth), calibration=metrics.calibration(scores, truth))
    commit_bytes(target / CARD, card.model_dump_json().encode(), scratch=True)
    commit_bytes(target / CARD_TEXT, render(card).encode(), scratch=True)
    return ["model.npz", CARD, CARD_TEXT]


class Linear:
    def __init__(self, path):
        with np.load(path) as s:
            self.w, self.b, self.idf, self.seeds = s["weights"], float(s["bias"]), s["idf"], s["seeds"]

    def probability(self, prepared):
        from refinery.text.features import features
        from refinery.text.hashing import text_hashes
        f = features(prepared)
        p = (1 / (1 + np.exp(-(rows(f, self.w, self.idf) + self.b)))).astype(np.float32)
        p[np.diff(f.bounds) == 0] = 0
        p[np.isin(text_hashes(prepared), self.seeds)] = 1
        return p
