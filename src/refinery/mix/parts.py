"""How many tokens each part of a mix gives, and how many times its documents are written for that.

The tokens that a part gives are called exposures where repeated ones count again, as a trainer's steps do: of U
unique tokens, each written at most m times, there are at most m * U (Muennighoff et al. 2023, arXiv 2305.16264,
section 3, whose D is exposures and U_D unique tokens; R_D = D / U_D - 1 are the repeats).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def wanted_tokens(tokens: int, shares: Sequence[float]) -> list[int]:
    """What each part is asked for: its share of the tokens, rounded down."""
    return [int(tokens * Fraction(str(share))) for share in shares]


def planned_tokens(wanted: Sequence[int], most: Sequence[int], *, keep_total: bool = False) -> list[int]:
    """The exposures that each part gives: what it is asked for, never more than the most it has.

    keep_total: what some lack the others give, in proportion to what they are asked for, as far as they have it.
    """
    planned = [min(pair) for pair in zip(wanted, most, strict=True)]
    while keep_total and (left := sum(wanted) - sum(planned)):
        able = [n for n, given in enumerate(planned) if given < most[n] and wanted[n]]
        asked = sum(wanted[n] for n in able)
        more = {n: min(left * wanted[n] // asked, most[n] - planned[n]) for n in able}
        if not any(more.values()):  # but a rest of a token for each part, or nobody has more
            break
        for n, tokens in more.items():
            planned[n] += tokens
    return planned


def epochs(planned: int, unique: int) -> tuple[int, int]:
    """How many times every document of a part is written, and the tokens of those that are written once more.

    >>> epochs(250, 100), epochs(40, 100), epochs(0, 0)
    ((2, 50), (0, 40), (0, 0))
    """
    return divmod(planned, unique) if unique else (0, 0)
