"""The resolved definition."""

import pytest

from tests.conftest import PIPELINE
from tests.run.planning import plan_of

BRANCHES = PIPELINE.replace(
    "outputs:\n",
    """  short:
    from: crawl
    transform: [normalize]
    measure: [signals]
    keep: [{short: "words < 100"}]
outputs:
  short: {from: short, path: out-short}
""",
)


@pytest.fixture
def graph(data_repository):
    """Two stages one below the other, and a branch beside them."""
    (data_repository / "pipeline.yaml").write_text(BRANCHES)
    return plan_of(data_repository / "pipeline.yaml").graph


def test_ancestors_come_first(graph):
    """Those of a stage alone, not those of a branch beside it."""
    assert graph.ancestors("unique") == ("screened", "unique")
    assert graph.ancestors("short") == ("short",)
    assert graph.name == "tiny"


def test_a_measurement_is_made_once_for_all_branches(graph):
    """Its key is that of view and measurer; another chain of transforms is another view."""
    found = graph.measurements("crawl")
    assert len({m.key for m in found}) == len(found)
    names = [m.measurer.name for m in found]
    assert names.count("language") == 1
    views = {stage.views["crawl"].key for stage in graph.stages.values()}
    assert len(views) == 1
    assert {m.view.key for m in found} == views
