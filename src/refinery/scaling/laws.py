"""Published laws of the loss of language models, with the constants of their papers.

Losses are in nats a token, N in parameters (embeddings included), D in training tokens, C = 6 N D in FLOPs. Every law
was fitted on general web text, with the tokenizer and the held-out set of its paper: differences of losses carry over
to another corpus better than losses do.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, inf, log, pow  # noqa: TID251  (for people to read: nothing is stored)


@dataclass(frozen=True)
class ComputeOptimal:
    """L(N, D) = E + A / N^alpha + B / D^beta, with the tokens that a model of N parameters is worth training on."""

    name: str
    source: str
    e: float
    a: float
    b: float
    alpha: float
    beta: float

    def loss(self, params: float, tokens: float) -> float:
        """Nats a token after training on `tokens` that are all new."""
        return self.e + self.a / pow(params, self.alpha) + self.b / pow(tokens, self.beta)

    def tokens(self, params: float) -> float:
        """The tokens D at which a model of N parameters is the best for its compute.

        At the least loss for C = 6 N D both terms fall alike: alpha A / N^alpha = beta B / D^beta.
        """
        factor = pow(self.beta * self.b / (self.alpha * self.a), 1 / self.beta)
        return factor * pow(params, self.alpha / self.beta)

    def params(self, tokens: float) -> float:
        """The size N for which so many tokens are the best for its compute: the inverse of `tokens`."""
        factor = pow(self.alpha * self.a / (self.beta * self.b), 1 / self.alpha)
        return factor * pow(tokens, self.beta / self.alpha)


HOFFMANN = ComputeOptimal(
    "Hoffmann 2022, approach 3",
    "arXiv 2203.15556, section 3.3 and equation 10, as printed",
    e=1.69,
    a=406.4,
    b=410.7,
    alpha=0.34,
    beta=0.28,
)
BESIROGLU = ComputeOptimal(
    "Besiroglu 2024, refit of approach 3",
    "arXiv 2404.10102, table 1, alpha and beta as its notebook prints them",
    e=1.8172,
    a=482.006,
    b=2085.434,
    alpha=0.3478,
    beta=0.3658,
)


@dataclass(frozen=True)
class DataConstrained:
    """The loss where tokens are repeated: Muennighoff et al. 2023, arXiv 2305.16264, equations 5 to 7 and 10.

    U unique tokens seen D / U times are worth D' = U + U r (1 - e^(-R / r)) new ones, with R = D / U - 1 repeats and
    r = `repeats`; parameters beyond those that U could train, U_N, are worth less by the same form with `excess`.
    Fitted on up to 9B parameters and 900B tokens of C4 and OSCAR.
    """

    e: float = exp(0.6254804)
    a: float = exp(6.255414)
    b: float = exp(7.3049974)
    exponent: float = 0.3526596
    repeats: float = 15.387756
    excess: float = 5.309743

    def worth(self, unique: float, tokens: float) -> float:
        """The new tokens that training on `tokens` of `unique` ones is worth, D'; all of them up to one epoch."""
        return _diminishing(unique, tokens, self.repeats)

    def last_token(self, unique: float, tokens: float) -> float:
        """What the last token is worth against a new one, from 1 down to 0: dD'/dD = e^(-R / r)."""
        return exp(-max(0.0, tokens / unique - 1) / self.repeats)

    def loss(self, params: float, tokens: float, unique: float) -> float:
        """Nats a token after training on `tokens`, of which `unique` differ."""
        unique = min(unique, tokens)
        base = min(params, self._trained_by(unique))
        size = _diminishing(base, params, self.excess)
        data = self.worth(unique, tokens)
        return self.e + self.a / pow(size, self.exponent) + self.b / pow(data, self.exponent)

    def tokens_for(self, loss: float, params: float, unique: float) -> float:
        """The training tokens, of `unique` ones, that reach a loss; infinite if no number of epochs does."""
        floor, ceiling = log(unique) - log(1e6), log(unique * 1e4)
        if self.loss(params, exp(ceiling), unique) > loss:
            return inf
        for _ in range(100):
            middle = (floor + ceiling) / 2
            over = self.loss(params, exp(middle), unique) > loss
            floor, ceiling = (middle, ceiling) if over else (floor, middle)
        return exp(ceiling)

    def _trained_by(self, unique: float) -> float:
        """U_N, the parameters for which U tokens are the best for their compute."""
        g = pow(self.a / self.b, 1 / (2 * self.exponent))
        return unique * g * g


def _diminishing(base: float, total: float, scale: float) -> float:
    """base + base scale (1 - e^(-(total / base - 1) / scale)); `total` where it is not above `base`."""
    return total if total <= base else base - base * scale * expm1(-(total / base - 1) / scale)


MUENNIGHOFF = DataConstrained()


def flops(params: float, tokens: float) -> float:
    """C = 6 N D, the compute of training (Kaplan et al. 2020, arXiv 2001.08361, section 2.1)."""
    return 6 * params * tokens


def share_to_keep(compute: float) -> float:
    """The share of a pool of web text that is best kept, ranked by nearness to a target: 4e-5 C^0.25 percent.

    BETR, arXiv 2507.12466; 1 at most. Fitted from 1e19 to 1e22 FLOPs or so.
    """
    return min(1.0, 4e-7 * pow(compute, 0.25))


@dataclass(frozen=True)
class CriticalMixture:
    """The largest share of domain text in continued training at which general loss still falls.

    R = a T^s + b over T in units of 0.2B tokens; Gu et al. 2024, arXiv 2407.17467, fitted a size.
    """

    params: float
    a: float
    s: float
    b: float

    def share(self, tokens: float) -> float:
        """From 0 to 1, for so many tokens of continued training."""
        return min(1.0, max(0.0, self.a * pow(tokens / 0.2e9, self.s) + self.b))


CRITICAL_MIXTURES = (
    CriticalMixture(460e6, 0.22525, 0.26944, -0.48140),
    CriticalMixture(940e6, 0.75206, 0.13720, -1.06582),
    CriticalMixture(1.6e9, -2.36385, -0.15126, 1.59224),
    CriticalMixture(3.1e9, -2.53682, -0.42071, 0.84375),
)
