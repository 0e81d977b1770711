"""How a step has its units run, by whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class MapUnits(Protocol):
    """Runs a picklable function over units, results in their order; `name` says what the units do.

    What all units of a step share is bound to the function (functools.partial); a unit is what differs: mostly the
    number of a partition.
    """

    def __call__(
        self, name: str, function: Callable[[Any], Any], units: Sequence[Any], /, *, memory: int = 0
    ) -> list[Any]:
        """The results; memory: bytes that each unit may take, about."""
