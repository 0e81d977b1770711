"""Views of the sources' texts on their way through the stages."""

from refinery.definition.paths import Paths
from refinery.filters import registry
from refinery.plan.graph import ResolvedStage, VerbCut, View
from refinery.plan.texts import Texts
from tests.conftest import PIPELINE
from tests.plan.test_resolve import resolved

CUT = PIPELINE.replace("outputs:\n", "  cut:\n    from: unique\n    passages: {characters: 200}\noutputs:\n")


def test_a_stage_that_cuts_leaves_another_text(tmp_path):
    """Which has a name of its own for each state of the cuts; other stages leave the text as it came."""
    stages = resolved(tmp_path, CUT).stages
    texts = Texts({}, {"cut": "a"})
    came = stages["cut"].views["crawl"]
    assert texts.below(stages["unique"], "crawl") == stages["unique"].views["crawl"] == came
    assert texts.below(stages["cut"], "crawl") == View("crawl", (*came.transforms, VerbCut("cut", "a")))
    assert texts.below(stages["cut"], "crawl").key != Texts({}, {}).below(stages["cut"], "crawl").key


def test_before_a_stage_the_text_is_that_of_the_source_or_of_the_stage_above(tmp_path):
    """A source that comes by itself has the view that its definition gives it."""
    above: ResolvedStage = resolved(tmp_path, PIPELINE).stages["screened"]
    texts = Texts({}, {}, {"crawl": View("crawl")})
    assert texts.before("crawl", [("screened", above)]) == above.views["crawl"]
    assert texts.before("crawl", [("crawl", None)]) == View("crawl")


def test_a_count_is_a_result_to_make_once():
    """Two views that count the same have one count; a transform without one has none."""
    texts = Texts({}, {})
    lines = registry.transform("lines", {"repeated": "1%"}, Paths())
    first = texts.extend(View("crawl"), [lines])
    assert len(texts.makings) == 1
    assert texts.extend(View("crawl"), [lines]).key == first.key
    assert len(texts.makings) == 1
    assert texts.extend(View("other"), [lines]).source == "other"
    assert len(texts.makings) == 2
    texts.extend(View("crawl"), [registry.transform("normalize", {}, Paths())])
    assert len(texts.makings) == 2
