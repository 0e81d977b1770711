import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.documents import FileRows
from refinery.sources.lineage import Lineage, read_lineage, write_lineage


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_rows_lie_in_the_file_that_has_them(counts):
    """Files without rows among them."""
    starts = np.cumsum([0, *counts[:-1]])
    lineage = Lineage(tuple(f"f{n}" for n in range(len(counts))), starts)
    rows = np.arange(sum(counts))
    expected = [(f"f{n}", row) for n, count in enumerate(counts) for row in range(count)]
    places = zip(lineage.path_of(rows).to_pylist(), lineage.row_in_file(rows).tolist(), strict=True)
    assert list(places) == expected


def test_a_lineage_is_read_as_it_was_written(tmp_path):
    """Names in any script too."""
    files = [FileRows("法律/a.jsonl", 3, ""), FileRows("b.jsonl", 0, "00ff")]
    write_lineage(tmp_path / "lineage.parquet", files)
    assert read_lineage(tmp_path / "lineage.parquet") == files
