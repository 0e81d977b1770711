"""Shards in memory, as a verb sees them, and what `select` makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from refinery.definition.paths import HERE
from refinery.filters.verb import Outcome
from refinery.select.batches import RULES
from refinery.select.settings import Settings
from refinery.select.verb import build
from refinery.shuffle.partition import hash_numbers

HOSTS = ["a", "b", "c", None]
DOCUMENTS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from([0.0, 0.25, 0.5, 1.0, None]), st.sampled_from(HOSTS)),
    min_size=1,
    max_size=60,
)


@dataclass(frozen=True)
class Shard:
    """Documents with columns, all of which come to the verb but those that are `away`."""

    table: pa.Table
    first: int = 0
    away: frozenset[int] = field(default_factory=frozenset)
    name: str = "shard"
    source: str = "crawl"
    trust: int = 0
    earlier: bool = False
    bytes: int = 1

    @property
    def rows(self) -> int:
        return len(self.table)

    @property
    def arrived(self) -> int:
        return self.rows - len(self.away)

    def identities(self) -> np.ndarray:
        return hash_numbers(np.arange(self.first, self.first + self.rows))

    def arrives(self) -> np.ndarray:
        return np.array([n not in self.away for n in range(self.rows)], bool)

    def ranked_type(self, column: str) -> pa.DataType:
        return self.table.schema.field(column).type

    def columns(self, names: Sequence[str]) -> pa.Table:
        return self.table.select(names)


def in_order(_name, function, units, **_):
    """Runs units one after the other, here."""
    return [function(unit) for unit in units]


def shards_of(documents: list, cut: int) -> list[Shard]:
    """The documents in two shards."""
    found = []
    for start, stop in ((0, cut), (cut, len(documents))):
        columns = zip(*documents[start:stop], strict=True) if stop > start else ([], [], [])
        tokens, scores, hosts = (list(one) for one in columns)
        arrays = [pa.array(tokens, pa.int64()), pa.array(scores, pa.float64()), pa.array(hosts, pa.string())]
        found.append(Shard(pa.table(arrays, ["tokens", "score", "host"]), first=start))
    return found


def outcome_of(shards: list[Shard], work, **chosen) -> Outcome:
    """What the verb decides."""
    return build(Settings(by="score", **chosen), HERE).run(shards, in_order, work)


def dropped_by(shards: list[Shard], work, **chosen) -> dict[int, str]:
    """The rule of each document that the verb drops."""
    outcome = outcome_of(shards, work, **chosen)
    records = [one for n in range(outcome.dropped.partitions) for one in outcome.dropped.read(n)]
    assert len({one["document"] for one in records}) == len(records)
    return {int(one["document"]): RULES[one["rule"]] for one in records}


def best_first(documents: list) -> list[int]:
    """Documents by score, the earlier of equals first, those without a score last."""
    return sorted(
        range(len(documents)), key=lambda n: (documents[n][1] is None, -(documents[n][1] or 0.0), n)
    )


def walk(order: list[int], documents: list, budget: int) -> set[int]:
    """Those chosen from the best down until the next would overspend."""
    spent, chosen = 0, set()
    for n in order:
        spent += documents[n][0]
        if spent > budget:
            break
        chosen.add(n)
    return chosen
