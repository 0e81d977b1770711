"""exp and log for kernels, against decimal arithmetic and another processor."""

import math
import subprocess
import sys
from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.elementary import _exp, exp, exps, log, logs
from tests.plain_processor import environment, needs_x86_64

DIGITS = Context(prec=40)
SAMPLE = """
import hashlib, numpy as np
from refinery.text.elementary import exps, logs
values = np.random.default_rng(1).uniform(-30, 30, 300_000)
print(hashlib.sha256(exps(values).tobytes() + logs(abs(values)).tobytes()).hexdigest())
"""
moderate = st.floats(-707.9, 707.9) | st.floats(-1, 1)
normal = st.floats(2.0**-1022, 1e308) | st.floats(0.5, 2)


def units(found: float, exact: Decimal) -> float:
    """Distance in units in the last place."""
    return abs(float((Decimal(found) - exact) / Decimal(math.ulp(float(exact)))))


@given(moderate)
def test_exp_is_right_to_the_last_bit_but_one(x: float) -> None:
    """Within 1.3 units in the last place of the exact value."""
    assert units(exp(x), DIGITS.exp(Decimal(x))) < 1.3


@given(normal)
def test_log_is_as_good_as_rounded(x: float) -> None:
    """Within 0.51 units in the last place of the exact value, next to 1 too."""
    assert x == 1 or units(log(x), DIGITS.ln(Decimal(x))) < 0.51


def test_logarithms_of_counts_are_rounded_correctly() -> None:
    """Of all integers up to 20,000: entropies are sums of them."""
    numbers = range(1, 20_001)
    assert logs(np.arange(1.0, 20_001)).tolist() == [float(DIGITS.ln(Decimal(n))) for n in numbers]


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0.0, 1.0), (-0.0, 1.0), (1e300, math.inf), (math.inf, math.inf), (-1e300, 0.0), (-math.inf, 0.0)],
)
def test_ends_of_the_range(x: float, expected: float) -> None:
    """Nothing overflows into nonsense."""
    assert exp(x) == expected


def test_the_largest_and_smallest_powers() -> None:
    """Up to the largest double and down to the smallest; NaN stays."""
    assert exp(709.78) == pytest.approx(1.7928227943945155e308, rel=1e-15)
    assert exp(-745.0) == 5e-324
    assert math.isnan(exp(math.nan))


@given(moderate, normal)
def test_the_machine_adds_and_multiplies_as_written(x: float, y: float) -> None:
    """The compiled code gives the bits of the same lines in Python: nothing is fused or put in another order."""
    assert exps(np.array([x]))[0] == _exp.py_func(np.float64(x))
    assert logs(np.array([y]))[0] == log.py_func(np.float64(y))


@needs_x86_64
def test_another_processor_gives_the_same_bits() -> None:
    """300,000 values of each, on this processor and as on one without AVX2, FMA and AVX-512."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", SAMPLE], env=env, capture_output=True, text=True, check=True
        ).stdout
        for env in (None, environment())
    ]
    assert runs[0] == runs[1]
