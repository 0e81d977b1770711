"""What the stages' rules did on every shard, for a run that may have hundreds of thousands: numbers, no objects."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, MutableMapping

from refinery.run.decide import RuleTally, StageTally, Tally

_TALLY = 3  # numbers of a Tally
_RULES = 2 * _TALLY + 1  # after arrived, kept, unjudged: of each rule its dropped ones and how many failed it


class Tallies(MutableMapping[tuple[str, int], StageTally]):
    """A StageTally by stage and number of the shard; eight bytes a number, of rules that dropped something."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[int, bytes]] = {}  # by stage and shard
        self._rules: dict[tuple[str, ...], tuple[str, ...]] = {}  # one object for all shards with these rules
        self._of: dict[str, dict[int, tuple[str, ...]]] = {}

    def __setitem__(self, key: tuple[str, int], tally: StageTally) -> None:
        stage, shard = key
        numbers = array("q", (*_numbers(tally.arrived), *_numbers(tally.kept), tally.unjudged))
        for rule in tally.rules.values():
            numbers.extend((*_numbers(rule.dropped), rule.failed))
        names = tuple(tally.rules)
        self._numbers.setdefault(stage, {})[shard] = numbers.tobytes()
        self._of.setdefault(stage, {})[shard] = self._rules.setdefault(names, names)

    def __getitem__(self, key: tuple[str, int]) -> StageTally:
        stage, shard = key
        numbers = array("q", self._numbers[stage][shard])
        rules = {}
        for number, name in enumerate(self._of[stage][shard]):
            *dropped, failed = numbers[_RULES + number * (_TALLY + 1) :][: _TALLY + 1]
            rules[name] = RuleTally(Tally(*dropped), failed)
        arrived, kept = Tally(*numbers[:_TALLY]), Tally(*numbers[_TALLY : 2 * _TALLY])
        return StageTally(arrived, kept, rules, unjudged=numbers[2 * _TALLY])

    def __delitem__(self, key: tuple[str, int]) -> None:
        stage, shard = key
        del self._numbers[stage][shard], self._of[stage][shard]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((stage, shard) for stage, shards in self._numbers.items() for shard in shards)

    def __len__(self) -> int:
        return sum(map(len, self._numbers.values()))


def _numbers(tally: Tally) -> tuple[int, int, int]:
    return tally.documents, tally.bytes, tally.tokens
