"""exp and log of doubles for kernels, to the last bit the same on every machine.

A libm picks its code by what the processor can do, and NumPy has vector code of its own: with fused multiply-add or
with AVX-512 some values are rounded otherwise, and two nodes of a cluster would disagree. Here are only additions,
multiplications and shifts, which IEEE 754 fixes; LLVM fuses none of them unless it is told to.

Both reduce the argument by a table and add a Taylor series that ends where the next term is below 2^-54 of the
result: Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", ACM TOMS 15
(1989), and the same of the logarithm, TOMS 16 (1990).
"""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np
from numba import njit
from numpy.typing import NDArray

_DIGITS = Context(prec=40)  # decimal arithmetic rounds correctly everywhere
_INTEGER = 1.5 * 2.0**52  # added and taken away again, it rounds to an integer
_UPPER = np.int64(-1 << 26)  # of a double's bits, those of its first 27 binary digits

_POWERS = np.array([float(_DIGITS.power(2, Decimal(j / 64))) for j in range(64)])  # 2^(j / 64)


def _halves(value: Decimal) -> tuple[float, float]:
    """A multiple of 2^-32, which sums of its like leave exact, and what is left of the value."""
    high = round(_DIGITS.multiply(value, 2**32)) / 2**32
    return high, float(_DIGITS.subtract(value, Decimal(high)))


_LN2_HIGH, _LN2_LOW = _halves(_DIGITS.ln(2))


def _logarithms() -> NDArray[np.float64]:
    """Float64 (128, 3), by a mantissa's first seven digits: a short reciprocal, its -log in two parts.

    Next to 1 and to 2 the reciprocal is exact, for the logarithm of what is next to 1 is as small as its distance.
    """
    short = [1.0, *(round(2**16 / (128.5 + j)) / 2**9 for j in range(1, 127)), 0.5]
    return np.array([(value, *_halves(_DIGITS.minus(_DIGITS.ln(Decimal(value))))) for value in short])


_LOGARITHMS = _logarithms()


@njit(cache=True, nogil=True)
def exp(x):  # type: ignore[no-untyped-def]
    """e^x, float64, within 1.3 units in the last place; within 3 where |x| is 708 or more. NaN stays."""
    if abs(x) < 708.0:
        return _exp(x)
    if np.isnan(x):
        return x
    root = _exp(min(max(x, -1400.0), 1400.0) * 0.5)
    return root * root


@njit(cache=True, nogil=True)
def _exp(x):  # type: ignore[no-untyped-def]
    """e^x where it is a normal double."""
    steps = (x * (64 / (_LN2_HIGH + _LN2_LOW)) + _INTEGER) - _INTEGER
    r = (x - steps * (_LN2_HIGH / 64)) - steps * (_LN2_LOW / 64)
    number = np.int64(steps)
    power = _POWERS[np.uint64(number & 63)]
    square = r * r
    value = power + power * (r + square * ((0.5 + r * (1 / 6)) + square * (1 / 24 + r * (1 / 120))))
    return np.int64(np.float64(value).view(np.int64) + (number >> 6 << 52)).view(np.float64)


@njit(cache=True, nogil=True)
def exps(values):  # type: ignore[no-untyped-def]
    """`exp` of every value of an array: float64 of the same length."""
    found = np.empty_like(values)
    for i in range(len(values)):
        found[i] = exp(values[i])
    return found


@njit(cache=True, nogil=True)
def log(x):  # type: ignore[no-untyped-def]
    """Natural logarithm of a positive, finite, normal float64, within 0.51 units in the last place."""
    bits = np.float64(x).view(np.int64)
    k = np.float64((bits >> 52) - 1023)
    bits = np.int64((bits & 0xFFFFFFFFFFFFF) | (1023 << 52))
    entry = np.uint64((bits >> 45) & 127)
    mantissa, upper = bits.view(np.float64), np.int64(bits & _UPPER).view(np.float64)
    short = _LOGARITHMS[entry, 0]
    first, second = upper * short - 1.0, (mantissa - upper) * short  # both exact
    r = first + second
    big = k * _LN2_HIGH + _LOGARITHMS[entry, 1]  # exact
    small = k * _LN2_LOW + _LOGARITHMS[entry, 2] + (second - (r - first))
    total = big + r
    small += r - (total - big)
    tail = 1 / 3 - r * (1 / 4 - r * (1 / 5 - r * (1 / 6 - r * (1 / 7 - r * (1 / 8)))))
    return total + (small + r * r * (r * tail - 0.5))


@njit(cache=True, nogil=True)
def logs(values):  # type: ignore[no-untyped-def]
    """`log` of every value of an array: float64 of the same length."""
    found = np.empty_like(values)
    for i in range(len(values)):
        found[i] = log(values[i])
    return found
