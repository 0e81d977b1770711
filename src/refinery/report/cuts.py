"""What transforms cut out of a document by rules, computed again from its text."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from refinery.filters.measurer import Cut
from refinery.plan.graph import View


def cuts_by_stage(views: Iterable[View], text: str) -> list[tuple[Cut, ...]]:
    """For each stage that a document came to, given its view: what the transforms cut that no stage above it has.

    text: as the source gives it.
    """
    above: set[str] = set()
    found = []
    for view in views:
        cuts: list[Cut] = []
        left = text
        for number, transform in enumerate(view.transforms):
            key = View(view.source, view.transforms[: number + 1]).key
            if key not in above:
                cuts += transform.cuts(left)
            above.add(key)
            left = transform(pa.array([left], pa.large_string()))[0].as_py()
        found.append(tuple(cuts))
    return found
