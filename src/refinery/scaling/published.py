"""What papers found on repeats and on replay of general text, with the regimes in which they did; they disagree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Repeats:
    """How often text of a domain was worth seeing: epochs from `least` to `most`."""

    domain: str
    least: float
    most: float
    regime: str
    source: str


REPEATS = (
    Repeats("any", 1, 4, "one corpus, up to 9B parameters; to 16 with less gain", "arXiv 2305.16264"),
    Repeats("medical", 3, 4, "1/40 to 1/10 of the stream, over 100 tokens a parameter", "arXiv 2608.14071"),
    Repeats("wikipedia", 3, 4, "1/40 to 1/10 of the stream, over 100 tokens a parameter", "arXiv 2608.14071"),
    Repeats("code", 4, 5, "1/40 to 1/10 of the stream, over 100 tokens a parameter", "arXiv 2608.14071"),
    Repeats("math", 5, 6, "1/40 to 1/10 of the stream, over 100 tokens a parameter", "arXiv 2608.14071"),
    Repeats("scarce", 15, 20, "target in a mixture, 101M to 805M parameters", "arXiv 2605.12715"),
    Repeats("scarce", 24, 24, "best mixture at 30M parameters", "arXiv 2606.07597"),
    Repeats("scarce", 5, 5, "best mixture at 757M parameters", "arXiv 2606.07597"),
)


@dataclass(frozen=True)
class Replay:
    """Losses, in nats a token, on the old and the new text after continued training with a share of old text."""

    share: float
    old: float
    new: float


@dataclass(frozen=True)
class Shift:
    """An experiment of continued training, by share of replay from 0 on; `base`: the old loss before it."""

    what: str
    base: float
    replays: tuple[Replay, ...]


REPLAY_SOURCE = "Ibrahim et al. 2024, arXiv 2403.08763"
WEAK_SHIFT = Shift(
    "English web to English web, 405M parameters, 300B tokens",
    2.17,
    (
        Replay(0, 2.44, 2.50),
        Replay(0.005, 2.27, 2.50),
        Replay(0.01, 2.26, 2.50),
        Replay(0.05, 2.23, 2.51),
        Replay(0.10, 2.21, 2.51),
        Replay(0.50, 2.16, 2.54),
    ),
)
STRONG_SHIFT = Shift(
    "English to German, 405M parameters, 200B tokens",
    2.17,
    (
        Replay(0, 3.56, 1.11),
        Replay(0.01, 2.83, 1.12),
        Replay(0.05, 2.57, 1.12),
        Replay(0.10, 2.46, 1.13),
        Replay(0.25, 2.33, 1.16),
        Replay(0.50, 2.24, 1.22),
    ),
)


@dataclass(frozen=True)
class Tolerance:
    """The most text of the domain for which the general loss rises by no more than was allowed.

    share: of the domain in what training goes on with; allowed, alone: rises of the general loss as shares of it, the
    second without any general text.
    """

    what: str
    share: float
    allowed: float
    alone: float
    source: str


# by a law of model size, tokens and share, whose nine constants are fitted anew for each domain
CHEMISTRY = Tolerance(
    "chemistry, 1.8B parameters, 10B tokens", 0.924, 0.03, 0.212, "D-CPT: Que et al. 2024, arXiv 2406.01375"
)
