"""The clock for durations."""

import time

from refinery.storage.clock import steady_seconds


def test_it_goes_on_whatever_the_time_is_set_to(monkeypatch):
    """A day back, in the middle."""
    before, real = steady_seconds(), time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    assert 0 <= steady_seconds() - before < 60
