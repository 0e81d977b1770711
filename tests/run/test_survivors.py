"""What an output has of a shard."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from refinery.run.survivors import extent_of, splits_of, starts_of, survivors_of
from tests.conftest import PIPELINE, decisions
from tests.plan.test_splits import splits_of as plain_splits
from tests.run.planning import plan_of

SPLIT = "split: {validation: 20%, test: 30%}"


@pytest.mark.parametrize("split", ["", SPLIT])
def test_extents_are_those_of_the_documents_that_are_written(data_repository, refinery, split):
    """By shard and split, against what the decisions and the files of documents say; text lies end to end."""
    definition = data_repository / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("path: out", f"path: out, {split}" if split else "path: out"))
    assert refinery("run", definition, "-q")[0] == 0
    outcomes, texts = decisions(data_repository / "out"), {}
    for file in (data_repository / "out").rglob("*.parquet"):
        table = pq.read_table(file)
        texts |= dict(zip(table.column("id").to_pylist(), table.column("text").to_pylist(), strict=True))
    plan = plan_of(definition)
    stage, output = plan.graph.stage_of("unique"), plan.graph.outputs["unique"]
    digests = set()
    for survivors in survivors_of(plan, output, stage, "crawl", ()):
        ids = pq.read_table(survivors.planned.documents_file).column("id").to_pylist()
        kept = np.array([outcomes[one]["outcome"] == "kept" for one in ids])
        sizes = np.array([len(texts.get(one, "").encode()) for one in ids])
        splits = splits_of(survivors, len(ids))
        names = ["validation", "test", "train"] if split else ["train"]
        if split:
            mine = [texts[one] for one, stays in zip(ids, kept, strict=True) if stays]
            assert [names[n] for n in splits[kept]] == plain_splits(mine)
        extent = extent_of(survivors)
        assert extent.splits == tuple(sizes[kept & (splits == n)].sum() for n in range(len(names)))
        assert extent.read > extent.bytes == sizes[kept].sum()
        starts = starts_of(survivors, kept, splits, [100] * len(names))
        for number in range(len(names)):
            here = kept & (splits == number)
            assert starts[here].tolist() == (100 + np.cumsum(sizes[here]) - sizes[here]).tolist()
        digests.add(extent.digest)
    assert len(digests) == 3
