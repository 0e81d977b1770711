"""Losses as they are told."""

import pytest

from refinery.filters.calibration.account import Loss


def test_a_loss_in_words() -> None:
    """Shares of documents and tokens with their intervals; of nothing nothing is known."""
    loss = Loss(
        documents=300, lost=3, tokens=1000, lost_tokens=20, most_tokens=0.03, token_interval=(0.01, 0.04)
    )
    assert loss.interval == pytest.approx((0.00273, 0.02564), abs=1e-4)
    assert str(loss) == "1.00% (0.27% to 2.56%), 2.00% of tokens (1.00% to 4.00%)"
    none = Loss(documents=0, lost=0, tokens=0, lost_tokens=0, most_tokens=0.0, token_interval=(0.0, 0.0))
    assert (none.share, none.token_share, none.interval) == (0.0, 0.0, (0.0, 1.0))
