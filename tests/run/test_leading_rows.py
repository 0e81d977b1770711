"""Rows that lead a split of JSON Lines."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.run.leading_rows import Candidates, leading_rows, with_leading
from refinery.shuffle.records import Tables

SCHEMA = pa.schema(
    [
        ("a", pa.int64()),
        ("s", pa.struct([("x", pa.string())])),
        ("place", pa.uint64()),
        ("lineage", pa.struct([("row", pa.int64())])),
    ]
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, 1]), st.sampled_from([None, {"x": None}, {"x": "y"}]), st.integers(0, 9)
    ),
    min_size=1,
    max_size=25,
)


@given(ROWS, st.integers(1, 4), st.integers(1, 3))
def test_the_first_file_has_a_value_of_all_that_its_split_has(tmp_path_factory, rows, units, chunk):
    """Whatever units meet the rows in whatever batches, and no row is lost, none twice; without need none moves."""
    table = pa.Table.from_pylist(
        [{"a": a, "s": s, "place": place, "lineage": {"row": n}} for n, (a, s, place) in enumerate(rows)],
        SCHEMA,
    )
    target = Tables.create(tmp_path_factory.mktemp("t"), SCHEMA, partitions=2, writers=units)
    for unit in range(units):
        mine = Candidates("place")
        with target.writer(unit) as writer:
            part = table.take(pa.array(range(unit, len(table), units), pa.int64()))
            for start in range(0, len(part), chunk):
                mine.meet(part.slice(start, chunk), np.zeros(len(part.slice(start, chunk)), np.int64))
            mine.write(writer, 1)
    leading = leading_rows(target.read(1), "place")
    files = [table.filter(pa.array([low <= row[2] < low + 5 for row in rows])) for low in (0, 5)]
    found = [with_leading(file, leading, "place", first=n == 0).to_pylist() for n, file in enumerate(files)]
    numbers = [[row["lineage"]["row"] for row in file] for file in found]
    assert sorted(row for file in numbers for row in file) == list(range(len(rows)))

    def kinds(some):
        return {
            (row["a"] is not None, row["s"] is not None, bool(row["s"] and row["s"]["x"])) for row in some
        }

    def told(some):
        return [any(kind) for kind in zip(*kinds(some), strict=True)]

    assert told(found[0]) == told(table.to_pylist())
    if told(files[0].to_pylist()) == told(table.to_pylist()):
        assert sorted(numbers[0]) == [n for n, row in enumerate(rows) if row[2] < 5]
