"""The order in which things that need each other are made: what needs nothing first, then what needs only these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping


def in_rounds(needs: Mapping[str, Collection[str]]) -> list[str]:
    """Names in rounds, each round in the mapping's order; left out is what needs itself or what is not there.

    >>> in_rounds({"c": {"b"}, "a": (), "b": {"a"}, "d": (), "x": {"y"}, "y": {"x"}})
    ['a', 'd', 'b', 'c']
    """
    place = {name: number for number, name in enumerate(needs)}
    missing = {name: len(set(needed)) for name, needed in needs.items()}
    needed_by: dict[str, list[str]] = defaultdict(list)
    for name, needed in needs.items():
        for one in set(needed):
            needed_by[one].append(name)
    ordered: list[str] = []
    ready = [name for name, count in missing.items() if not count]
    while ready:
        ordered += ready
        for name in (following for one in ready for following in needed_by[one]):
            missing[name] -= 1
        ready = sorted(
            {name for one in ready for name in needed_by[one] if not missing[name]}, key=place.__getitem__
        )
    return ordered
