"""A clock for durations: people and time servers set the other one, forward and back, while a run goes on."""

from __future__ import annotations

import time


def steady_seconds() -> float:
    """Seconds since some moment, on a clock that nobody sets and that goes on while the machine is suspended.

    Where the system has no such clock, it stands still while the machine is suspended.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
