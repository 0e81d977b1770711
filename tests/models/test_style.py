import random

import numpy as np
import pytest
from scipy.optimize import minimize

from refinery.models.style import STYLE, main_language, style, style_auc
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare
from tests.models.domains import LAW, MEDICAL, OTHER, documents

HELD = np.arange(400) % 4 == 0
POSITIVE = np.arange(400) < 200


def styled(texts: list[str]) -> np.ndarray:
    return style(TextBatch.from_texts(texts))


def test_style_is_what_signals_count() -> None:
    """By hand: words, lines, and shares of what a text is set in."""
    (row,) = styled(["THE END: 12 bells!\n- one more"])
    found = dict(zip(STYLE, row.tolist(), strict=True))
    assert (found["words"], found["lines"], found["bullet_line_ratio"]) == (6, 2, 0.5)
    assert found["digit_ratio"] == pytest.approx(2 / 29) and found["line_punct_ratio"] == 0.5


def test_style_tells_what_is_set_otherwise() -> None:
    """Lines and capitals tell classes of the same words apart; classes of other words in one form are not told."""
    rng = random.Random(1)
    words = [" ".join(documents(MEDICAL, 1, seed)[0].split()[: rng.randrange(20, 60)]) for seed in range(400)]
    page = [text.title().replace(". ", ".\n") for text in words[:200]]
    assert style_auc(styled([*page, *words[200:]]), POSITIVE, HELD) > 0.99
    assert 0.3 < style_auc(styled(words), POSITIVE, HELD) < 0.7


def test_weights_are_those_of_logistic_regression() -> None:
    """Against SciPy's minimum of the penalised likelihood."""
    from refinery.models.style import _logistic

    rng = np.random.default_rng(3)
    features = np.concatenate([rng.random((300, 4)) > 0.5, np.ones((300, 1))], axis=1).astype(np.float64)
    positive = rng.random(300) < 1 / (1 + np.exp(-(features @ [2, -1, 0, 0.5, -1])))

    def loss(weights: np.ndarray) -> float:
        sides = features @ weights * np.where(positive, -1, 1)
        return float(np.logaddexp(0, sides).sum() + (weights**2).sum() / 2)

    assert np.allclose(_logistic(features, positive), minimize(loss, np.zeros(5)).x, atol=1e-3)


def test_the_main_language_of_prepared_texts() -> None:
    """English and Chinese, which is a space around each character; of the chosen texts alone."""
    texts = prepare(TextBatch.from_texts([*documents(OTHER, 30, 1), *documents(LAW, 20, 2, "。")]))
    english = np.arange(50) < 30
    assert main_language(texts, english) == ("en", 1.0)
    language, share = main_language(texts, ~english)
    assert language == "zh" and share > 0.9
