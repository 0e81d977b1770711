"""Measured columns of a shard."""

import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import DamagedFile
from refinery.plan.graph import Measured, Measurement, View
from refinery.plan.plan import PlannedShard
from refinery.run.columns import MEASURED, find_columns, load_columns
from refinery.sources.documents import SourceSpec
from refinery.sources.shards import list_shards
from refinery.storage.write import write_table
from tests.conftest import write_parquet
from tests.run.costly_measurer import Costly
from tests.run.listed_measurer import Listed


@pytest.fixture
def columns(tmp_path):
    """A measured column, and one of a late measurement, by the names that a stage gives them."""
    (tmp_path / "words.txt").write_text("the")
    made = {"seen": Listed(str(tmp_path / "words.txt")), "judged": Costly()}
    return {
        name: Measured(Measurement(View("crawl"), measurer), measurer.name, pa.int64())
        for name, measurer in made.items()
    }


@pytest.fixture
def planned(tmp_path, columns):
    """A shard of three documents, of which the late measurement has seen two."""
    write_parquet(tmp_path / "0.parquet", [{"text": "x"}] * 3)
    spec = SourceSpec("crawl", (str(tmp_path / "0.parquet"),))
    found = PlannedShard(list_shards(spec).shards[0], spec, tmp_path / "work", 0)
    found.folder.mkdir()
    listed = pa.record_batch({"listed": [7, 8, 9]})
    late = pa.record_batch({"costly": [1, None, 3], MEASURED.name: [True, False, True]})
    for name, batch in (("seen", listed), ("judged", late)):
        write_table(found.measurement_file(columns[name].measurement), [batch], batch.schema)
    return found


def test_columns_come_by_the_names_of_the_stage(planned, columns):
    """Whatever they are called in their files, and only those that are wanted."""
    frame = load_columns(planned, find_columns(columns, ["judged", "seen"]), np.array([True, False, True]))
    assert frame.to_dict(as_series=False) == {"judged": [1, None, 3], "seen": [7, 8, 9]}
    assert load_columns(planned, find_columns(columns, ["seen"])).columns == ["seen"]


@pytest.mark.parametrize("needed", [[False, True, True], None])
def test_a_late_measurement_that_lacks_a_document_is_damage(planned, columns, needed):
    """NULL would pass for a value that was measured."""
    mask = None if needed is None else np.array(needed)
    with pytest.raises(DamagedFile, match="documents that came to the stage are not measured"):
        load_columns(planned, find_columns(columns, ["judged"]), mask)
