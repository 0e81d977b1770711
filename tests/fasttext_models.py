"""Small fastText models made on the spot with fastText itself, and fastText's own answers to compare with."""

import random
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import fasttext

from tests.udhr import SENTENCES

SHAPES: dict[str, dict[str, Any]] = {
    "softmax": {"loss": "softmax", "wordNgrams": 2},
    "two labels": {"loss": "softmax", "wordNgrams": 2, "dim": 100},
    "two labels, no words": {"loss": "softmax", "minCount": 100_000, "minn": 1, "maxn": 3},
    "ova": {"loss": "ova", "minn": 2, "maxn": 4},
    "ova, wide": {"loss": "ova", "dim": 64, "wordNgrams": 3},
    "ns": {"loss": "ns", "minn": 1, "maxn": 2, "wordNgrams": 3},
    "hs": {"loss": "hs", "minn": 2, "maxn": 4, "dim": 20},
    "hs, wide": {"loss": "hs", "dim": 300, "minn": 3, "maxn": 3},
    "words only": {"loss": "softmax"},
    "quantised": {"loss": "softmax", "minn": 2, "maxn": 4, "quantize": {}},
    "pruned": {
        "loss": "softmax",
        "minn": 2,
        "maxn": 4,
        "wordNgrams": 2,
        "quantize": {"cutoff": 900, "qnorm": True},
    },
    "pruned hs": {"loss": "hs", "minn": 1, "maxn": 3, "dim": 15, "quantize": {"cutoff": 700}},
    "pruned to words": {"loss": "softmax", "wordNgrams": 2, "quantize": {"cutoff": 260, "qnorm": True}},
}


@cache
def model(shape: str) -> Path:
    """The file of a model of one of the SHAPES, trained on the sentences, with two or nine labels."""
    settings = dict(SHAPES[shape])
    labels = 2 if shape.startswith("two") else 9
    quantize = settings.pop("quantize", None)
    folder = Path(mkdtemp())
    source = folder / "train.txt"
    rng = random.Random(7)
    with source.open("w", encoding="utf-8") as file:
        for _ in range(30):
            for number, sentence in enumerate(SENTENCES.values()):
                words = sentence.split() if " " in sentence else list(sentence)
                label = f"__label__l{number % labels}" if rng.random() > 0.1 else "__label__l0"
                file.write(f"{label} {' '.join(rng.sample(words, min(len(words), 15)))}\n")
    settings = {"dim": 12, "bucket": 3000, "epoch": 3, "minCount": 1, "lr": 0.5} | settings
    trained = fasttext.train_supervised(str(source), thread=1, verbose=0, seed=3, **settings)
    file_name = folder / ("model.bin" if quantize is None else "model.ftz")
    if quantize is not None:
        trained.quantize(**quantize)
    trained.save_model(str(file_name))
    return file_name


@cache
def oracle(path: Path) -> Any:
    """fastText with the model loaded."""
    return fasttext.load_model(str(path))


def probabilities(path: Path, text: str) -> dict[str, float]:
    """Probability of every label by fastText, newlines as spaces; empty if it finds no feature."""
    labels, values = oracle(path).predict(text.replace("\n", " "), k=-1)
    return dict(zip(labels, values.tolist(), strict=True))
