"""What transforms cut, stage by stage."""

import pyarrow as pa

from refinery.filters import registry
from refinery.plan.graph import View
from refinery.report.cuts import cuts_by_stage
from refinery.run.texts import apply_transforms


def cutting(predicate: str):
    return registry.transform("lines", {"keep": {"rule": predicate}})


def test_a_stage_has_the_cuts_of_its_own_transforms():
    """Of the text as those above leave it; a transform without rules cuts nothing."""
    first, second = cutting("chars > 1"), cutting("chars > 2")
    normalize = registry.transform("normalize", {})
    views = [
        View("s", (normalize, first)),
        View("s", (normalize, first, second)),
        View("s", (normalize, first, second)),
    ]
    text = pa.array(["a\r\nbb\r\nccc"], pa.large_string())
    found = cuts_by_stage(views, lambda seen: [apply_transforms(view, text)[0].as_py() for view in seen])
    assert [[cut.text for cut in cuts] for cuts in found] == [["a"], ["bb"], []]
