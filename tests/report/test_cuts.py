"""What transforms cut, stage by stage."""

from refinery.filters import registry
from refinery.plan.graph import View
from refinery.report.cuts import cuts_by_stage


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
    found = cuts_by_stage(views, "a\r\nbb\r\nccc")
    assert [[cut.text for cut in cuts] for cuts in found] == [["a"], ["bb"], []]
