"""The walk: what is made together, and in which order."""

import pytest

from refinery.errors import InputError
from refinery.executors.local import InProcess
from refinery.plan.result import Kind
from refinery.run.context import Run
from refinery.run.run import execute
from refinery.run.walk import _next, walk
from refinery.watch.events import Phase, UnitBegun, WorkFolder
from tests.conftest import PIPELINE
from tests.run.planning import plan_of

DEFINITION = PIPELINE.replace(
    "outputs:\n",
    "  long: {from: screened, keep: [{very: 'words > 100'}]}\n"
    "  best:\n    from: [unique, long]\n    keep: [{few: 'words < 10000'}]\n"
    "    select: {tokens: 2500, by: words}\n"
    "outputs:\n  best: {from: best, path: best}\n",
)


@pytest.fixture
def plan(data_repository):
    """Of stages on two branches, two verbs and two outputs."""
    (data_repository / "pipeline.yaml").write_text(DEFINITION)
    return plan_of(data_repository / "pipeline.yaml")


def test_results_of_a_kind_go_together(plan):
    """Every measurement in one read; of decisions all that wait for no verb; a verb as soon as it can."""
    made: set[str] = set()
    steps = []
    while group := _next(plan.results, made):
        steps.append({result.name for result in group})
        made |= steps[-1]
    read = {"sources.crawl", "sources.crawl.language", "sources.crawl.signals", "sources.crawl.size"}
    of_dedup = {"sources.crawl.content", "sources.crawl.minhash"}
    assert steps == [
        read | of_dedup,
        {"stages.screened", "stages.unique", "stages.long"},
        {"stages.unique.dedup"},
        {"stages.best"},
        {"stages.best.select"},
        {"outputs.unique", "outputs.best"},
    ]
    assert made == set(plan.results)


def test_inputs_come_first(plan):
    """In the order of the results each finds its inputs before it."""
    before: set[str] = set()
    for name, result in plan.results.items():
        assert set(result.inputs) <= before, name
        before.add(name)
    assert {result.kind for result in plan.results.values()} >= {Kind.DOCUMENTS, Kind.OUTCOME, Kind.OUTPUT}


def test_a_stage_is_decided_on_alone(data_repository, plan):
    """Another rule of one stage: no stage above or beside it is decided on again, and no text is measured."""
    execute(plan, InProcess(), lambda _: None)
    text = DEFINITION.replace("words > 100", "words > 101")
    (data_repository / "pipeline.yaml").write_text(text)
    events = []
    execute(plan_of(data_repository / "pipeline.yaml"), InProcess(), events.append)
    decided = [event.of for event in events if isinstance(event, UnitBegun) and event.phase == "decide"]
    assert {subject.name for of in decided for subject in of} == {"long", "best"}
    assert "measure" not in {event.phase for event in events if isinstance(event, Phase)}


def test_the_work_folder_is_listed_once(plan):
    """However many steps a run has, as long as no run of another pipeline works there."""
    events = []
    execute(plan, InProcess(), events.append)
    assert len([event for event in events if isinstance(event, WorkFolder)]) == 1


def test_rejects_of_another_run_are_refused(data_repository):
    """What a pipeline that puts rejects aside has read since the run began: `on_error: fail` holds for it, too."""
    (data_repository / "crawl" / "bad.jsonl").write_text("not JSON\n")
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("crawl/*.parquet", "crawl/*"))
    execute(plan_of(data_repository / "pipeline.yaml"), InProcess(), lambda _: None)
    strict = PIPELINE.replace('"crawl/*.parquet"', '"crawl/*", on_error: fail')
    (data_repository / "pipeline.yaml").write_text(strict)
    run = Run(plan_of(data_repository / "pipeline.yaml"), InProcess(), lambda _: None, lambda: None)
    with pytest.raises(InputError, match=r"bad\.jsonl, row 0: not_json"):
        walk(run)
