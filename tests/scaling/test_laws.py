"""Laws give what their papers print, and what a numeric search of the least loss finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from refinery.scaling.laws import (
    BESIROGLU,
    CRITICAL_MIXTURES,
    HOFFMANN,
    MUENNIGHOFF,
    flops,
    share_to_keep,
)


@pytest.mark.parametrize("law", [HOFFMANN, BESIROGLU], ids=lambda law: law.name)
@given(compute=st.floats(18, 26))
def test_compute_optimal_tokens_have_the_least_loss(law, compute):
    """Of all sizes for 10^compute FLOPs, the size whose `tokens` use them up loses least."""
    spent = 10**compute

    def loss(log_params):
        params = 10**log_params
        return law.loss(params, spent / (6 * params))

    best = minimize_scalar(loss, bounds=(6, 14), method="bounded", options={"xatol": 1e-10})
    params = 10**best.x
    assert flops(params, law.tokens(params)) == pytest.approx(spent, rel=1e-2)
    assert law.params(law.tokens(params)) == pytest.approx(params, rel=1e-9)


def test_tokens_a_parameter():
    """About 18 to 20 by the refit at Chinchilla's size, 60 to 110 by the printed constants (arXiv 2404.10102)."""
    assert BESIROGLU.tokens(70e9) / 70e9 == pytest.approx(18.4, abs=0.1)
    assert 60 < HOFFMANN.tokens(70e9) / 70e9 < 110


def test_muennighoff_printed_losses():
    """Losses that the paper's own functions give (huggingface/datablations)."""
    assert MUENNIGHOFF.loss(6.34e9, 242e9, 25e9) == pytest.approx(2.22564, abs=5e-6)
    assert MUENNIGHOFF.loss(8.67e9, 178e9, 25e9) == pytest.approx(2.22696, abs=5e-6)


@pytest.mark.parametrize(
    ("epochs", "worth"), [(1, 1), (2, 1.968), (3, 2.875), (4, 3.726), (8, 6.624), (16, 10.582), (40, 15.167)]
)
def test_repeats_are_worth_less(epochs, worth):
    """D' / U by the published constants."""
    assert MUENNIGHOFF.worth(1e9, epochs * 1e9) / 1e9 == pytest.approx(worth, abs=1e-3)


@given(unique=st.floats(1e7, 1e12), params=st.floats(1e7, 1e12), epochs=st.floats(0.1, 60))
def test_losses_fall_with_tokens(unique, params, epochs):
    """More epochs and more unique tokens never raise the loss; `tokens_for` undoes `loss`."""
    tokens = epochs * unique
    found = MUENNIGHOFF.loss(params, tokens, unique)
    assert MUENNIGHOFF.loss(params, 1.1 * tokens, unique) <= found
    assert MUENNIGHOFF.loss(params, tokens, 1.1 * unique) <= found + 1e-12
    assert MUENNIGHOFF.tokens_for(found, params, unique) <= tokens * 1.001


def test_a_loss_out_of_reach():
    """No number of epochs reaches the loss of an endless corpus."""
    assert MUENNIGHOFF.tokens_for(MUENNIGHOFF.e, 1e9, 1e9) == float("inf")


def test_share_to_keep():
    """4, 7.1, 12.6 and 22.5 percent at 1e20 to 1e23 FLOPs (arXiv 2507.12466); never more than all."""
    found = [100 * share_to_keep(10.0**power) for power in (20, 21, 22, 23)]
    assert found == pytest.approx([4.0, 7.11, 12.65, 22.49], abs=0.01)
    assert share_to_keep(1e40) == 1


def test_critical_mixtures():
    """29.8, 34.9, 41.4 and 47.8 percent at 20B tokens (arXiv 2407.17467); between 0 and 1 everywhere."""
    assert [one.share(20e9) for one in CRITICAL_MIXTURES] == pytest.approx(
        [0.298, 0.349, 0.414, 0.478], abs=5e-4
    )
    assert all(0 <= one.share(tokens) <= 1 for one in CRITICAL_MIXTURES for tokens in (1e6, 1e15))
