"""The units of a mix, a batch at a time."""

import numpy as np
import pyarrow as pa

from refinery.filters.verb import DROPPED_RECORD, REPEAT_RECORD, Outcome
from refinery.mix.fill import Choice, Order, fill, write_ranked
from refinery.select.batches import Batch
from refinery.select.budget import Cutoff, ranked_dtype
from refinery.shuffle.records import Records
from tests.mix.shards import MixedShard


def shard(first: int, came: dict[str, set[int]], rows: int = 4) -> MixedShard:
    """Documents of 1, 2, 3 ... tokens."""
    table = pa.table({"tokens": pa.array(range(1, rows + 1), pa.int64())})
    return MixedShard(table, first=first, came={name: frozenset(one) for name, one in came.items()})


def test_a_document_is_of_the_first_part_by_which_it_comes(tmp_path):
    """Each is written once, in one part, with the number that it has through all batches."""
    ranked = {name: Records.create(tmp_path / name, ranked_dtype(1), writers=2) for name in "ab"}
    shards = [shard(0, {"a": {0, 1}, "b": {1, 2, 3}}), shard(4, {"a": set(), "b": {0, 2}})]
    found = [
        write_ranked(ranked, Order(None, None, 1), None, Batch(n, 4 * n, (one,)))
        for n, one in enumerate(shards)
    ]
    assert [one.documents.tolist() for one in found] == [[2, 2], [0, 2]]
    assert [one.tokens.tolist() for one in found] == [[3, 7], [0, 4]]
    assert [one.shared for one in found] == [1, 0]
    assert [records.read()["document"].tolist() for records in ranked.values()] == [[0, 1], [2, 3, 4, 6]]
    keys = np.concatenate([records.read()["keys"][:, 0] for records in ranked.values()])
    assert len(set(keys.tolist())) == len(keys)


def test_what_counts_no_tokens_is_written_once_at_most(tmp_path):
    """So is what is held out; others are written as often as the part is, and once more before the cutoff."""
    ranked = Records.create(tmp_path / "ranked", ranked_dtype(1))
    rows = np.array([(0, 5, (1,)), (1, 0, (1,)), (2, 5, (9,)), (3, 0, (9,)), (4, 5, (7,))], ranked.form)
    ranked.write(0, rows)
    for whole, expected in ((0, {0: 1, 1: 1}), (2, {0: 3, 1: 1, 2: 2, 3: 1, 4: 2})):
        dropped, repeats = (
            Records.create(tmp_path / f"{name}{whole}", form, partitions=3)
            for name, form in (("dropped", DROPPED_RECORD), ("repeats", REPEAT_RECORD))
        )
        outcome = Outcome(("mix.tokens",), dropped, 2, repeats=repeats)
        fill([Choice(ranked, whole, Cutoff((7,), (0,)))], outcome, 0)
        gone = {int(one) for n in range(3) for one in dropped.read(n)["document"]}
        more = {
            int(d): int(t) for n in range(3) for d, t in repeats.read(n)[["document", "repeats"]].tolist()
        }
        assert {n: more.get(n, 1) for n in range(5) if n not in gone} == expected
        assert all(document // 2 == n for n in range(3) for document in dropped.read(n)["document"].tolist())
