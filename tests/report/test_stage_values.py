"""Values of what comes to a stage."""

import numpy as np

from refinery.api.runs import plan
from refinery.report.stage_values import stage_values
from refinery.run.finished import finished


def test_documents_that_came_have_their_values(tiny_run):
    """Positions ascend, columns that a source lacks are NULL; another seed, other hashes."""
    looked = finished(plan(tiny_run), next(iter(plan(tiny_run).graph.outputs)))
    stage = looked.graph.stages["screened"]
    first, second = (list(stage_values(looked, stage, ["words", "nothing"], seed)) for seed in (0, 1))
    assert sum(len(shard.at) for shard in first) > 0
    for one, other in zip(first, second, strict=True):
        assert (np.diff(one.at) > 0).all() and one.at.tolist() == other.at.tolist()
        assert one.columns.columns == ["words", "nothing"] and len(one.columns) == len(one.at) == len(
            one.draws
        )
        assert one.columns["nothing"].null_count() == len(one.at)
        assert one.columns["words"].null_count() == 0
        assert not set(one.draws.tolist()) & set(other.draws.tolist())
