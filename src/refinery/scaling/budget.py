"""What a corpus is enough for: tokens and epochs for models of given sizes, and model sizes for given tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from refinery.errors import InputError
from refinery.scaling.laws import (
    BESIROGLU,
    CRITICAL_MIXTURES,
    HOFFMANN,
    MUENNIGHOFF,
    ComputeOptimal,
    flops,
    share_to_keep,
)
from refinery.scaling.published import REPEATS, Repeats

BILLION = 1e9
EPOCHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 40)
MOST_EPOCHS = 4  # up to which repeats are about as good as new text (Muennighoff et al. 2023, section 6)
MEANINGFUL_EPOCHS = 40  # whose tokens are worth 15 of at most 16 times the unique ones by Muennighoff's law
LEAST_PARAMS, MOST_PARAMS = 1e6, 1e14


@dataclass(frozen=True)
class Epochs:
    """Training on all of the unique tokens so many times.

    worth: new tokens that would do as much; last_token: what the last token is worth against a new one, from 1 to 0.
    """

    epochs: float
    tokens: float
    worth: float
    last_token: float
    loss: float


@dataclass(frozen=True)
class Needed:
    """Compute-optimal tokens of a model by one law, the compute that takes, and the epochs of the corpus."""

    law: str
    source: str
    tokens: float
    flops: float
    epochs: float


@dataclass(frozen=True)
class ModelBudget:
    """What a model of one size gets out of the corpus.

    trained: the tokens that it is to see; another_billion: nats a token by which a billion unique tokens more lower
    the loss after as many; saved: training tokens fewer, with it, for the same loss; kept_share: of a raw pool, by
    nearness to a target, for this compute; domain_share: the largest share of the domain in continued training, by
    the law fitted at the nearest size, `domain_share_of`.
    """

    params: float
    trained: float
    needed: tuple[Needed, ...]
    epochs: tuple[Epochs, ...]
    another_billion: float
    saved: float
    kept_share: float
    domain_share: float
    domain_share_of: float

    @property
    def far_out(self) -> bool:
        """Whether the model wants far more epochs than are of use: numbers of losses then mean little."""
        return self.epochs[-1].epochs > MEANINGFUL_EPOCHS


@dataclass(frozen=True)
class EnoughFor:
    """The model for which the corpus, seen so many times, is compute-optimal, by each law."""

    epochs: int
    worth: float
    params: tuple[float, ...]
    flops: tuple[float, ...]


@dataclass(frozen=True)
class Budget:
    """All that is to be said of a corpus of so many unique tokens."""

    unique: float
    models: tuple[ModelBudget, ...]
    laws: tuple[str, ...]
    enough_for: tuple[EnoughFor, ...]
    repeats: tuple[Repeats, ...]


def budget(
    unique: float, params: Sequence[float], *, tokens: float | None = None, domain: str | None = None
) -> Budget:
    """Tokens and epochs for models of these sizes on a corpus of `unique` tokens, and the sizes it is enough for.

    tokens: what each model is to be trained on, by default what Besiroglu's law gives it; domain: of which published
    repeats are given, by default all. Raises InputError for numbers that no corpus or model has, and for an
    unknown domain.
    """
    if not 1 <= unique < float("inf"):
        raise InputError("unique tokens", f"{unique:g} are no corpus", "give a positive number such as 2B")
    for size in params:
        if not LEAST_PARAMS <= size <= MOST_PARAMS:
            raise InputError("params", f"{size:g} parameters are no language model", "write 1.3B or 350M")
    domains = sorted({one.domain for one in REPEATS})
    if domain is not None and domain not in domains:
        raise InputError("domain", f"no published repeats of {domain!r}", f"one of {', '.join(domains)}")
    laws = (BESIROGLU, HOFFMANN)
    return Budget(
        unique,
        tuple(_of_model(size, unique, tokens, laws) for size in params),
        tuple(law.name for law in laws),
        tuple(_enough_for(epochs, unique, laws) for epochs in (1, MOST_EPOCHS)),
        tuple(one for one in REPEATS if domain in {None, one.domain}),
    )


def _of_model(
    params: float, unique: float, wanted: float | None, laws: Sequence[ComputeOptimal]
) -> ModelBudget:
    needed = [
        Needed(law.name, law.source, best, flops(params, best), best / unique)
        for law in laws
        for best in (law.tokens(params),)
    ]
    trained = wanted or needed[0].tokens
    before = MUENNIGHOFF.loss(params, trained, unique)
    after = MUENNIGHOFF.loss(params, trained, unique + BILLION)
    nearest = min(CRITICAL_MIXTURES, key=lambda one: abs(one.params - params))
    return ModelBudget(
        params,
        trained,
        tuple(needed),
        _epochs(params, unique, trained),
        before - after,
        trained - MUENNIGHOFF.tokens_for(before, params, unique + BILLION),
        share_to_keep(flops(params, trained)),
        nearest.share(trained),
        nearest.params,
    )


def _epochs(params: float, unique: float, trained: float) -> tuple[Epochs, ...]:
    """Rounds numbers of epochs up to those that the tokens make, and these."""
    exact = trained / unique
    wanted = sorted({*takewhile(lambda epochs: epochs < exact, EPOCHS), *EPOCHS[:4], exact})
    return tuple(
        Epochs(
            epochs,
            epochs * unique,
            MUENNIGHOFF.worth(unique, epochs * unique),
            MUENNIGHOFF.last_token(unique, epochs * unique),
            MUENNIGHOFF.loss(params, epochs * unique, unique),
        )
        for epochs in wanted
    )


def _enough_for(epochs: int, unique: float, laws: Sequence[ComputeOptimal]) -> EnoughFor:
    worth = MUENNIGHOFF.worth(unique, epochs * unique)
    sizes = tuple(law.params(worth) for law in laws)
    return EnoughFor(epochs, worth, sizes, tuple(flops(size, epochs * unique) for size in sizes))
