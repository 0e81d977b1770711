"""What a job of a comparison is; imported in every environment that one runs in, so it needs nothing installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Options = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """`prepare` makes one repetition's input (untimed), `run` is timed, `decide` gives a value a document."""

    run: Callable[[Any], object]
    prepare: Callable[[], Any] = lambda: None
    decide: Callable[[], list[Any]] = list
    note: str = ""
