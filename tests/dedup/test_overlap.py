"""Which n-grams are common: in too many documents of a source."""

import numpy as np
import pytest

from refinery.dedup.overlap import COUNT, GRAM, read_common, write_common
from refinery.shuffle.records import Records
from tests.conftest import document
from tests.dedup.test_inside import QUESTION, left_out


def test_commonness_is_of_one_source(tmp_path):
    """Ten documents of each of two sources are not more than ten of one."""
    arriving = {
        name: [f"{document(n + k)} {QUESTION}" for n in range(10)] for name, k in (("a", 0), ("b", 50))
    }
    assert len(left_out(tmp_path, [QUESTION], arriving)[0]) == 20


@pytest.mark.parametrize(("documents", "is_common"), [((6, 5), True), ((6, 4), False)])
def test_counts_of_shards_are_added_up_by_source(documents, is_common, tmp_path):
    """Those of one source; another one has its own number."""
    counts = Records.create(tmp_path / "counts", COUNT, writers=2)
    common = Records.create(tmp_path / "common", GRAM)
    for writer, number in enumerate(documents):
        counts.write(writer, np.array([(7, 0, number), (8, writer, number), (9, 1, 21 * writer)], COUNT))
    write_common(counts, common, np.array([10, 20]), 0)
    assert read_common(common).tolist() == [7] * is_common + [9]
