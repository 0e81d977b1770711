"""How a global verb has its units run, by whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class MapUnits(Protocol):
    """Runs a picklable function over units, results in their order; `name` says what the units do."""

    def __call__(
        self, name: str, function: Callable[[Any], Any], units: Sequence[Any], /, *, weight: int = 1
    ) -> list[Any]:
        """The results; weight: bytes of memory that each unit may take, about."""
