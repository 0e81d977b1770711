"""What the stages' rules did on every shard, for a run that may have hundreds of thousands: numbers, no objects."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, MutableMapping
from dataclasses import astuple
from typing import NamedTuple

from refinery.run.decide import RuleTally, StageTally, Tally
from refinery.run.removed import RemovedTally

_TALLY = 3  # numbers of a Tally
_RULES = (
    2 * _TALLY + 1
)  # after arrived, kept, unjudged: four of each rule: what it dropped, how many failed it


class _Names(NamedTuple):
    """What numbers are of: rules, and of what transforms removed source and rule."""

    rules: tuple[str, ...]
    removed: tuple[tuple[str, str], ...]


class Tallies(MutableMapping[tuple[str, int], StageTally]):
    """A StageTally by stage and number of the shard; eight bytes a number, of rules that dropped something."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[int, bytes]] = {}  # by stage and shard
        self._names: dict[_Names, _Names] = {}  # one object for all shards with these rules
        self._of: dict[str, dict[int, _Names]] = {}

    def __setitem__(self, key: tuple[str, int], tally: StageTally) -> None:
        stage, shard = key
        numbers = array("q", (*_numbers(tally.arrived), *_numbers(tally.kept), tally.unjudged))
        for rule in tally.rules.values():
            numbers.extend((*_numbers(rule.dropped), rule.failed))
        for removed in tally.removed.values():
            for one in removed.values():
                numbers.extend(astuple(one))
        removing = tuple((source, rule) for source, removed in tally.removed.items() for rule in removed)
        names = _Names(tuple(tally.rules), removing)
        self._numbers.setdefault(stage, {})[shard] = numbers.tobytes()
        self._of.setdefault(stage, {})[shard] = self._names.setdefault(names, names)

    def __getitem__(self, key: tuple[str, int]) -> StageTally:
        stage, shard = key
        numbers = array("q", self._numbers[stage][shard])
        names = self._of[stage][shard]
        fours = iter([numbers[start : start + 4] for start in range(_RULES, len(numbers), 4)])
        rules, removed = {}, dict[str, dict[str, RemovedTally]]()
        for name in names.rules:
            *dropped, failed = next(fours)
            rules[name] = RuleTally(Tally(*dropped), failed)
        for source, rule in names.removed:
            removed.setdefault(source, {})[rule] = RemovedTally(*next(fours))
        arrived, kept = Tally(*numbers[:_TALLY]), Tally(*numbers[_TALLY : 2 * _TALLY])
        return StageTally(arrived, kept, rules, unjudged=numbers[2 * _TALLY], removed=removed)

    def __delitem__(self, key: tuple[str, int]) -> None:
        stage, shard = key
        del self._numbers[stage][shard], self._of[stage][shard]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((stage, shard) for stage, shards in self._numbers.items() for shard in shards)

    def __len__(self) -> int:
        return sum(map(len, self._numbers.values()))


def _numbers(tally: Tally) -> tuple[int, int, int]:
    return tally.documents, tally.bytes, tally.tokens
