"""What a corpus is enough for."""

import pytest

from refinery.errors import InputError
from refinery.scaling.budget import budget
from refinery.scaling.laws import BESIROGLU, MUENNIGHOFF


def test_a_model_is_trained_on_what_is_compute_optimal():
    """Unless told otherwise; the epochs end where these tokens do."""
    (model,) = budget(2e9, [1.3e9]).models
    assert model.trained == BESIROGLU.tokens(1.3e9)
    assert model.epochs[-1].tokens == pytest.approx(model.trained)
    assert budget(2e9, [1.3e9], tokens=6e9).models[0].trained == 6e9


def test_another_billion_lowers_the_loss():
    """By the difference of two losses; the fewer tokens with it reach the former one."""
    (model,) = budget(2e9, [1.3e9]).models
    before = MUENNIGHOFF.loss(1.3e9, model.trained, 2e9)
    assert model.another_billion == before - MUENNIGHOFF.loss(1.3e9, model.trained, 3e9)
    assert MUENNIGHOFF.loss(1.3e9, model.trained - model.saved, 3e9) == pytest.approx(before)


def test_more_than_enough_text():
    """A corpus larger than the model's tokens: less than one epoch, a billion more is worth nothing."""
    (model,) = budget(1e12, [1e8]).models
    assert model.needed[0].epochs < 1
    assert (model.another_billion, model.saved) == (0, pytest.approx(0, abs=1))


def test_the_reverse():
    """The model that the corpus is enough for wants exactly what the epochs are worth."""
    once, several = budget(5e9, [1e9]).enough_for
    assert BESIROGLU.tokens(once.params[0]) == pytest.approx(5e9)
    assert BESIROGLU.tokens(several.params[0]) == pytest.approx(several.worth)
    assert once.worth == 5e9 < several.worth < 20e9


@pytest.mark.parametrize(
    ("unique", "params", "domain", "message"),
    [
        (0, 1e9, None, "are no corpus"),
        (float("nan"), 1e9, None, "are no corpus"),
        (2e9, 3, None, "are no language model"),
        (2e9, 1e9, "chess", "one of any, code, math, medical, scarce, wikipedia"),
    ],
)
def test_numbers_that_mean_nothing(unique, params, domain, message):
    """Are refused in words."""
    with pytest.raises(InputError, match=message):
        budget(unique, [params], domain=domain)


def test_repeats_of_a_domain():
    """Only these, when asked for."""
    assert {one.domain for one in budget(2e9, [1e9], domain="medical").repeats} == {"medical"}
